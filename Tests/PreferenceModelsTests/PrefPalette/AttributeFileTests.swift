import PenchantData
import Testing

@testable import PreferenceModels

@Suite struct AttributeFileTests {
  static let clarity = """
    - name: clarity
      family: norm
      low: muddled
      high: clear
      definition: Whether a reader gets the point at once.
      levels: [a, b, c, d, e]
    """

  @Test func writtenAttributesAreReadBack() throws {
    let attributes = Attribute.standard + [RuleRewriterTests.own]
    let text = try AttributeFile.text(attributes)
    #expect(try AttributeFile.read(yaml: text, file: "a.yaml") == attributes)
  }

  @Test func oneAloneAndAListUnderItsNameAreRead() throws {
    let listed = "attributes:\n" + Self.clarity
    #expect(try AttributeFile.read(yaml: listed, file: "a.yaml").map(\.name) == ["clarity"])
    let alone = Self.clarity.split(separator: "\n").map { $0.dropFirst(2) }.joined(separator: "\n")
    #expect(try AttributeFile.read(yaml: alone, file: "a.yaml").map(\.high) == ["clear"])
  }

  @Test(arguments: [
    ("levels: [a, b, c, d, e]", "levels: [a, b]", "levels", 6),
    ("family: norm", "family: norms", "family", 2),
    ("definition:", "defnition:", "defnition", 5),
    ("  high: clear\n", "", "high", 1),
    ("low: muddled", "low: [a]", "low", 3),
    ("high: clear", "high: clear\n  low_words: 3", "low_words", 5),
  ]) func mistakesAreNamedWithTheirPlace(_ from: String, _ to: String, _ field: String, _ line: Int) throws {
    let text = Self.clarity.replacing(from, with: to)
    let error = #expect(throws: DataError.self) { try AttributeFile.read(yaml: text, file: "a.yaml") }
    #expect(error?.field == field)
    #expect(error?.line == line)
    if field == "defnition" { #expect(error?.repair == "did you mean \"definition\"?") }
    if field == "family" { #expect(error?.repair == "did you mean \"norm\"?") }
  }

  @Test func nothingTwiceAndNoYAMLAreRefused() {
    for text in ["", "- [", "hello", Self.clarity + "\n" + Self.clarity] {
      #expect(throws: DataError.self) { try AttributeFile.read(yaml: text, file: "a.yaml") }
    }
  }

  @Test func unknownNameHasANeighbour() {
    let error = #expect(throws: DataError.self) {
      try AttributeFile.attribute(named: "formalty", among: Attribute.standard)
    }
    #expect(error?.repair == "did you mean \"formality\"?")
  }
}
