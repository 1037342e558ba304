import Foundation

/// A table with typed cells: shown in a page with few digits, written to CSV and JSON with all.
public struct DataTable: Sendable, Equatable {
  public enum Cell: Sendable, Equatable {
    case text(String)
    /// `digits` are those of the page.
    case number(Double, digits: Int)
    case count(Int)
    case flag(Bool)
    case missing

    /// As it stands in a page.
    public var shown: String {
      switch self {
      case .text(let text): text
      case .number(let value, let digits): decimal(value, digits)
      case .count(let value): "\(value)"
      case .flag(let value): value ? "yes" : "no"
      case .missing: "–"
      }
    }
  }
  /// Of its files, without the extension.
  public var name: String
  public var title: String
  public var columns: [String]
  public var rows: [[Cell]]

  public init(name: String, title: String, columns: [String], rows: [[Cell]]) {
    self.name = name
    self.title = title
    self.columns = columns
    self.rows = rows
  }

  /// RFC 4180, UTF-8, numbers with all their digits.
  ///
  /// A text that a spreadsheet would run as a formula gets an apostrophe before it.
  public var csv: String {
    ([columns.map { Self.quote($0) }] + rows.map { $0.map(Self.csv) })
      .map { $0.joined(separator: ",") + "\r\n" }.joined()
  }

  /// An array of objects with the columns as keys.
  ///
  /// - Throws: `EncodingError` for a number that is not finite.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(
      rows.map { row in Dictionary(zip(columns, row), uniquingKeysWith: { first, _ in first }) })
  }

  private static func csv(_ cell: Cell) -> String {
    switch cell {
    case .text(let text): quote(text)
    case .number(let value, _): "\(value)"
    case .count(let value): "\(value)"
    case .flag(let value): value ? "true" : "false"
    case .missing: ""
    }
  }

  private static func quote(_ text: String) -> String {
    let isFormula = text.unicodeScalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) } ?? false
    let text = isFormula ? "'" + text : text
    let isPlain = text.unicodeScalars.allSatisfy { !",\"\r\n".unicodeScalars.contains($0) }
    return isPlain ? text : "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}

extension DataTable.Cell: Encodable {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let text): try container.encode(text)
    case .number(let value, _): try container.encode(value)
    case .count(let value): try container.encode(value)
    case .flag(let value): try container.encode(value)
    case .missing: try container.encodeNil()
    }
  }
}

extension DataTable.Cell {
  static func number(_ value: Double?, _ digits: Int) -> Self {
    value.map { .number($0, digits: digits) } ?? .missing
  }

  static func count(_ value: Int?) -> Self { value.map { .count($0) } ?? .missing }

  static func text(_ value: String?) -> Self { value.map { .text($0) } ?? .missing }
}
