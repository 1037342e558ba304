import Foundation
import PenchantKernels
import PenchantReport
import TestSupport
import Testing

@Suite struct PaletteReportTests {
  static func input(_ communities: Int) -> PaletteReportInput {
    PaletteFixture.input(communities: communities, from: Philox(seed: testSeed))
  }

  static let sections = [
    "accuracy", "map", "profiles", "responses", "pairs", "drift", "calibration", "detectors", "correlation",
  ]

  static func sections(of html: String) -> [String] {
    sections.filter { html.contains("<section id=\"\($0)\">") }
  }

  @Test func everySectionWithDataIsThere() throws {
    let html = try PaletteReport(Self.input(3)).html()
    #expect(Self.sections(of: html) == Self.sections)
    for section in Self.sections { #expect(html.contains("href=\"#\(section)\"")) }
    #expect(!html.contains("<script") && !html.contains("http-equiv") && !html.contains("src="))
    for svg in Markup.drawings(in: html) { #expect(Markup.fault(of: svg) == nil) }
  }

  typealias Change = @Sendable (inout PaletteReportInput) -> Void

  static let clearings: [(section: String, clear: Change)] = [
    ("accuracy", { @Sendable in $0.accuracy = nil }),
    ("responses", { @Sendable in $0.responses = [] }),
    ("pairs", { @Sendable in $0.explanations = [] }),
    ("drift", { @Sendable in $0.drift = [] }),
    ("calibration", { @Sendable in $0.calibration = [] }),
    ("correlation", { @Sendable in $0.correlation = nil }),
    (
      "detectors",
      { @Sendable in
        $0.heads = []
        $0.crossReaction = nil
      }
    ),
  ]

  /// Clearing one field takes away the section that shows it, and no other.
  @Test(arguments: clearings)
  func sectionWithoutDataIsLeftOut(_ section: String, _ clear: Change) throws {
    var input = Self.input(3)
    clear(&input)
    let html = try PaletteReport(input).html()
    #expect(Self.sections(of: html) == Self.sections.filter { $0 != section })
  }

  @Test func emptyInputIsAPage() throws {
    let report = try PaletteReport(PaletteReportInput(title: "nothing", pairs: 0))
    #expect(Self.sections(of: try report.html()).isEmpty)
    #expect(try report.files().map(\.name) == ["report.html", "report.json"])
  }

  @Test func oneCommunityHasNoMap() throws {
    let html = try PaletteReport(Self.input(1)).html()
    #expect(Self.sections(of: html) == Self.sections.filter { $0 != "map" })
  }

  @Test(arguments: [
    ChartTests.hostile, "</section></style>{{title}}", "שלום עולם", "👩‍👩‍👧‍👦", String(repeating: "x", count: 300),
  ])
  func textsOfUsersAreEscaped(_ text: String) throws {
    var input = Self.input(2)
    let plain = Markup.tags(in: try PaletteReport(input).html())
    input.title = text
    input.texts = text
    input.facts.append(PaletteReportInput.Fact(text, text))
    for index in input.attributes.indices where index % 2 == 0 {
      let name = input.attributes[index].name
      input.attributes[index] = PaletteReportInput.Attribute(
        name: name, low: text, high: text, definition: text)
    }
    for index in input.profiles.indices where input.profiles[index].community == "cooking" {
      input.profiles[index].community = text
    }
    for index in input.explanations.indices {
      input.explanations[index].context = text
      input.explanations[index].chosen = String(repeating: text, count: 10_000 / text.count + 1)
      input.explanations[index].community = text
    }
    for index in input.heads.indices { input.heads[index].teacher = text }
    input.accuracy?.rows[0].model = text
    input.accuracy?.testSets[0].name = text
    input.crossReaction?.attributes[0] = text
    input.correlation?.matrix.attributes[1] = text
    let html = try PaletteReport(input).html()
    #expect(Markup.tags(in: html) == plain)
    for svg in Markup.drawings(in: html) { #expect(Markup.fault(of: svg) == nil) }
    #expect(html.contains("the whole text, 10,") && html.contains(" …</blockquote>") || !text.contains(" "))
    if text.hasPrefix("<script") { #expect(html.contains("&lt;script&gt;")) }
  }

  @Test func pageJSONAndCSVHaveTheSameNumbers() throws {
    let report = try PaletteReport(Self.input(3))
    let html = try report.html()
    let files = Dictionary(uniqueKeysWithValues: try report.files().map { ($0.name, $0.data) })
    let read = try JSONDecoder().decode(PaletteReportInput.self, from: try #require(files["report.json"]))
    #expect(read == report.input)

    let cells = Markup.cells(ofTable: "Weights", in: html)
    #expect(cells.count == read.profiles.count)
    for (row, entry) in zip(cells, read.profiles) {
      #expect(row[0] == entry.community && row[1] == entry.attribute)
      #expect(row[6] == (entry.flagged ? "yes" : "no"))
      for (shown, value) in zip(row[2...5], [entry.weight, entry.low, entry.high, entry.attentionShare]) {
        let number = try #require(Double(shown.replacingOccurrences(of: "−", with: "-")))
        #expect(abs(number - (value ?? .nan)) <= 0.0005 + 1e-12)
      }
    }
    let curves = Markup.cells(ofTable: "Response curves", in: html)
    #expect(curves.count == read.responses.count)
    for (row, curve) in zip(curves, read.responses) {
      for (shown, level) in zip(row[2...], curve.levels) {
        let number = try #require(Double(shown.replacingOccurrences(of: "−", with: "-")))
        #expect(abs(number - level.effect) <= 0.0005 + 1e-12)
      }
    }
    for table in report.input.tables {
      let json = try #require(files[table.name + ".json"])
      let objects = try #require(try JSONSerialization.jsonObject(with: json) as? [[String: Any]])
      let lines = String(decoding: try #require(files[table.name + ".csv"]), as: UTF8.self)
      #expect(objects.count == table.rows.count)
      #expect(lines.hasPrefix(table.columns[0]))
    }
    let csv = String(decoding: try #require(files["profiles.csv"]), as: UTF8.self).split(separator: "\r\n")
    for (line, entry) in zip(csv.dropFirst(), read.profiles) {
      #expect(Double(line.split(separator: ",")[2]) == entry.weight)
    }
  }

  @Test func cellsOfCSVAreQuotedAndNoFormula() {
    let table = DataTable(
      name: "t", title: "", columns: ["a", "b"],
      rows: [
        [.text("x, \"y\"\nz"), .text("=1+1")], [.number(-0.1, digits: 2), .missing],
        [.flag(true), .count(3)],
      ])
    #expect(table.csv == "a,b\r\n\"x, \"\"y\"\"\nz\",'=1+1\r\n-0.1,\r\ntrue,3\r\n")
  }

  @Test func aLargePageStaysSmall() throws {
    let html = try PaletteReport(Self.input(45)).html()
    #expect(html.utf8.count < 1_500_000, "\(html.utf8.count) bytes")
  }

  @Test func leadTellsFlaggedEffectsOnly() throws {
    let attributes = [
      PaletteReportInput.Attribute(name: "formality", low: "casual", high: "formal"),
      PaletteReportInput.Attribute(name: "sarcasm", low: "genuine", high: "sarcastic"),
      PaletteReportInput.Attribute(name: "humor", low: "serious", high: "humorous"),
      PaletteReportInput.Attribute(name: "Tradition"),
    ]
    let weights = [
      ("formality", 0.5, true), ("sarcasm", -0.4, true), ("humor", 0.9, false), ("Tradition", 0.3, true),
    ]
    let input = PaletteReportInput(
      title: "t", pairs: 12_345, attributes: attributes,
      profiles: weights.map {
        PaletteReportInput.Weight(community: "cooking", attribute: $0.0, weight: $0.1, flagged: $0.2)
      })
    #expect(
      try PaletteReport(input).lead
        == "From 12,345 comparisons in cooking, this model learnt which of two answers is preferred. In cooking, "
        + "more formal answers and those with more Tradition win, more sarcastic ones lose.")
    var chance = input
    for index in chance.profiles.indices { chance.profiles[index].flagged = false }
    #expect(try PaletteReport(chance).lead.contains("No attribute stood out from chance"))
  }

  @Test func attributesThatNoPersonJudgedSaySo() throws {
    var input = Self.input(2)
    #expect(try PaletteReport(input).html().contains("<p class=\"badge open\">not validated on people</p>"))
    for index in input.heads.indices {
      input.heads[index].people = PaletteReportInput.Head.People(source: "judges", accuracy: 0.7, pairs: 100)
    }
    let html = try PaletteReport(input).html()
    #expect(
      !html.contains("not validated on people") && html.contains("People agree: 0.70, 100 pairs, judges"))
  }

  @Test func cautionsFollowTheNumbers() throws {
    var input = Self.input(2)
    let html = try PaletteReport(input).html()
    #expect(html.contains("Votes are not values.") && html.contains("teacher = rules"))
    #expect(html.contains("The scores of supportiveness and politeness follow from"))
    input.correlation?.vif = input.attributes.map { _ in 1 }
    for index in input.heads.indices { input.heads[index].teacher = "a language model" }
    let calm = try PaletteReport(input).html()
    #expect(!calm.contains("teacher = rules") && !calm.contains("Some attributes come together"))
    #expect(calm.contains("Votes are not values."))
  }

  static let spoilings: [(spoil: Change, error: PaletteReportError)] = [
    (
      { @Sendable in $0.accuracy?.rows[0].shares.removeLast() },
      PaletteReportError.count(place: "accuracy of coin", expected: 4, found: 3)
    ),
    (
      { @Sendable in $0.responses[0].levels[0].level = 6 },
      PaletteReportError.level(place: "response of cooking, supportiveness", found: 6)
    ),
    (
      { @Sendable in $0.profiles[0].weight = .nan },
      PaletteReportError.notFinite(place: "profile of cooking, supportiveness")
    ),
    (
      { @Sendable in $0.explanations[0].probability = 61 },
      PaletteReportError.notAShare(place: "explained pair 1, probability", found: 61)
    ),
    (
      { @Sendable in
        $0.explanations[0].content = 1
        $0.explanations[0].parts = []
        $0.explanations[0].total = 3
      }, PaletteReportError.sum(place: "explained pair 1", parts: 1, total: 3)
    ),
    (
      { @Sendable in $0.correlation?.vif.removeLast() },
      PaletteReportError.count(place: "VIF", expected: 19, found: 18)
    ),
  ]

  @Test(arguments: spoilings)
  func numbersThatDoNotBelongTogetherAreRefused(_ spoil: Change, _ error: PaletteReportError) {
    var input = Self.input(2)
    spoil(&input)
    let spoilt = input
    #expect(throws: error) { try PaletteReport(spoilt) }
  }

  @Test func filesAreWrittenBesideThePage() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "penchant-report-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let report = try PaletteReport(Self.input(2))
    try report.write(to: folder)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(Set(names) == Set(try report.files().map(\.name)))
    #expect(names.contains("profiles.csv") && names.contains("cross-reaction.json"))
  }
}
