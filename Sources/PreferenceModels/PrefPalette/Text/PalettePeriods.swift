import Foundation
import PenchantData

/// Years, or quarters when all is of one or two years, with enough pairs to look at by themselves.
struct PalettePeriods: Sequence {
  private let parts: [(String, [Int])]

  static let leastPairs = 50

  /// - Parameter rows: pairs that may be looked at.
  init(_ table: PaletteTable, _ rows: [Int]) {
    let dated = rows.compactMap { row in table.pairs[row].chosenTime.map { (row, Self.date($0)) } }
    let years = Set(dated.map(\.1.year)).count
    let members = Dictionary(grouping: dated) { _, date in
      years > 2 ? "\(date.year)" : "\(date.year) Q\((date.month - 1) / 3 + 1)"
    }
    let parts = members.keys.sorted().map { ($0, (members[$0] ?? []).map(\.0)) }
      .filter { $0.1.count >= Self.leastPairs }
    self.parts = parts.count > 1 ? parts : []
  }

  func makeIterator() -> some IteratorProtocol<(String, [Int])> { parts.makeIterator() }

  private static let calendar: Calendar = {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    return calendar
  }()

  /// Year and month (UTC) of seconds since 1970.
  private static func date(_ seconds: Double) -> (year: Int, month: Int) {
    let parts = calendar.dateComponents([.year, .month], from: Date(timeIntervalSince1970: seconds))
    return (parts.year ?? 0, parts.month ?? 1)
  }
}
