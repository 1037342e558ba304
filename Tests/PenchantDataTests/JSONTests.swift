import Testing

@testable import PenchantData

struct JSONTests {
  @Test(
    arguments: [
      ("null", .null), (" [ ] ", []), ("{}", [:]), ("[1, -2, 0, -0]", [1, -2, 0, 0]), ("1.5e3", 1500.0),
      ("1E-2", 0.01),
      ("9223372036854775807", .integer(.max)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
      ("\"a\\n\\u00e4\\ud83d\\ude00\\\"\\/\"", "a\nä😀\"/"), ("\"\"", ""),
      ("{\"a\": {\"b\": [true, false, null]}}", ["a": ["b": [true, false, nil]]]),
      ("\"ä\"", "ä"),
    ] as [(String, JSONValue)])
  func reads(_ text: String, _ value: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == value)
    #expect(try JSONValue(parsing: value.description) == value)
  }

  @Test(arguments: [
    "", " ", "{", "[", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "'a'", "01", "1.", ".5", "+1",
    "1e", "- 1", "--1", "1e999",
    "NaN", "Infinity", "-Infinity", "tru", "nulls", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\ud800\\u0041\"", "\"a\nb\"", "1 2", "[1 2]", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "//",
    "[1]]", "\u{FEFF}1",
  ])
  func refuses(_ text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test func depthIsLimited() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(throws: Never.self) { try JSONValue(parsing: nested(64)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: nested(65)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "[", count: 1_000_000)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "{\"a\":", count: 100_000)) }
  }

  @Test func manyKeysTakeLinearTime() throws {
    let text = "{" + (0..<50_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}"
    let clock = ContinuousClock()
    var count = 0
    let time = try clock.measure { count = try JSONValue(parsing: text).object?.count ?? 0 }
    #expect(count == 50_000)
    #expect(time < .seconds(5))
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(text.dropLast()) + ",\"k7\":1}") }
  }

  @Test func everyTruncationIsRefused() throws {
    let text = Array(#"{"a": [1.5e3, "x\u00e4\n", true], "b": {"c": null}}"#.utf8)
    #expect(throws: Never.self) { try JSONValue(parsing: text.span) }
    for length in 0..<text.count {
      let part = Array(text.prefix(length))
      #expect(throws: JSONError.self) { try JSONValue(parsing: part.span) }
    }
  }
}
