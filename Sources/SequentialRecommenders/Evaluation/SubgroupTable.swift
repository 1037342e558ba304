import PenchantKernels
import PenchantTrain

/// Metrics by the length of the history and the popularity of the target.
public struct SubgroupTable: Sendable, Equatable, Codable {
  public struct Group: Sendable, Equatable, Codable {
    /// Smallest and largest value in the group.
    public var low: Int
    public var high: Int
    public var count: Int
    /// The mean of the metric; nil for a group without cases.
    public var value: Double?
  }

  /// The metric.
  public var metric: String
  /// Groups by number of items in the history, ascending.
  public var byLength: [Group]
  /// Groups by training events of the target, ascending.
  public var byPopularity: [Group]
  /// `[length][popularity]`; low and high are those of the popularity.
  public var cells: [[Group]]

  /// Groups are cut at the quantiles over the cases; cases with the same value are in one group, so there may be fewer
  /// groups than asked for.
  ///
  /// - Parameters:
  ///   - values: the metric of every case.
  ///   - popularity: training events an item.
  ///   - groups: how many, 4 for quartiles.
  public init(
    metric: String, values: [Double], cases: NextItemCases, popularity: [Int], groups: Int = 4
  ) throws(KernelError) {
    guard values.count == cases.count, popularity.count == cases.itemCount, groups > 0 else {
      throw .shape(
        "SubgroupTable",
        "\(values.count) values and the popularity of \(popularity.count) items for \(cases.count) cases of "
          + "\(cases.itemCount) items in \(groups) groups")
    }
    self.metric = metric
    let lengths = (0..<cases.count).map { cases.history($0).count }
    let taken = (0..<cases.count).map { popularity[Int(cases.target($0)) - 1] }
    let (lengthCuts, takenCuts) = (Self.cuts(lengths, groups), Self.cuts(taken, groups))
    let lengthGroup = lengths.map { Self.group($0, lengthCuts) }
    let takenGroup = taken.map { Self.group($0, takenCuts) }
    byLength = (0...lengthCuts.count).map { g in
      Self.summarise(lengths.indices.filter { lengthGroup[$0] == g }, lengths, values)
    }
    byPopularity = (0...takenCuts.count).map { g in
      Self.summarise(taken.indices.filter { takenGroup[$0] == g }, taken, values)
    }
    cells = (0...lengthCuts.count).map { row in
      (0...takenCuts.count).map { column in
        Self.summarise(
          taken.indices.filter { lengthGroup[$0] == row && takenGroup[$0] == column }, taken, values)
      }
    }
  }

  /// Upper ends of all groups but the last.
  private static func cuts(_ values: [Int], _ groups: Int) -> [Int] {
    guard let last = values.max() else { return [] }
    let sorted = values.sorted()
    let ends = (1..<max(1, groups)).map { sorted[($0 * sorted.count - 1) / groups] }
    return Set(ends).filter { $0 < last }.sorted()
  }

  private static func group(_ value: Int, _ cuts: [Int]) -> Int { cuts.count { value > $0 } }

  private static func summarise(_ places: [Int], _ by: [Int], _ values: [Double]) -> Group {
    let sizes = places.map { by[$0] }
    return Group(
      low: sizes.min() ?? 0, high: sizes.max() ?? 0, count: places.count,
      value: places.isEmpty ? nil : places.map { values[$0] }.sum() / Double(places.count))
  }

  /// The cells as text, a line a length group, with the number of cases in brackets.
  public var text: String {
    func name(_ group: Group) -> String {
      group.low == group.high ? "\(group.low)" : "\(group.low)-\(group.high)"
    }
    let head =
      padded("\(metric): length \\ popularity", 32)
      + byPopularity.map { padded(name($0), 18, left: true) }.joined()
    let rows = zip(byLength, cells).map { length, cells in
      padded(name(length), 32)
        + cells.map { padded(($0.value.map(fixed) ?? "-") + " (\($0.count))", 18, left: true) }.joined()
    }
    return ([head] + rows).joined(separator: "\n")
  }
}
