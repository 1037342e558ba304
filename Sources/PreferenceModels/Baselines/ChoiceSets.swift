import PenchantKernels

/// Choices among any number of alternatives: set s has the rows `starts[s]` ..< `starts[s + 1]` of `features`.
public struct ChoiceSets: Sendable {
  public let columns: [String]
  /// Row-major `[alternatives, columns]`.
  public let features: [Double]
  /// As many as sets, and one more.
  public let starts: [Int]
  /// The row that was chosen, one a set.
  public let chosen: [Int]
  public let weight: [Double]
  /// Who chose, places from 0: choices of one person are not independent.
  public let person: [Int]

  public var count: Int { chosen.count }

  /// - Parameters:
  ///   - sizes: alternatives of each set, 2 or more; their rows follow each other.
  ///   - chosen: the place within its set, one a set.
  ///   - person: one a set, or `nil` when every choice stands alone.
  /// - Throws: `KernelError.shape` when counts do not fit, `.value` for a size below 2, a choice outside its set, or a
  ///   number that is not finite.
  public init(
    features: [Double], columns: [String], sizes: [Int], chosen: [Int], person: [Int]? = nil,
    weight: [Double]? = nil
  ) throws(KernelError) {
    let call = "ChoiceSets"
    guard chosen.count == sizes.count, person.map({ $0.count == sizes.count }) ?? true,
      weight.map({ $0.count == sizes.count }) ?? true
    else {
      throw .shape(
        call,
        "\(sizes.count) sets, \(chosen.count) choices, \(person?.count ?? sizes.count) persons, \(weight?.count ?? sizes.count) weights"
      )
    }
    var starts = [0]
    for (set, size) in sizes.enumerated() {
      guard size >= 2, (0..<size).contains(chosen[set]) else {
        throw .value(
          call, "set \(set) has \(size) alternatives and the choice \(chosen[set]), counted from 0")
      }
      starts.append(starts[set] + size)
    }
    guard !columns.isEmpty, features.count == starts[sizes.count] * columns.count else {
      throw .shape(
        call, "\(features.count) values for \(starts[sizes.count]) alternatives of \(columns.count) columns")
    }
    guard features.allSatisfy(\.isFinite), (weight ?? []).allSatisfy({ $0.isFinite && $0 >= 0 }),
      (person ?? []).allSatisfy({ $0 >= 0 })
    else {
      throw .value(call, "a feature or weight is not finite, or a weight or person is negative")
    }
    self.columns = columns
    self.features = features
    self.starts = starts
    self.chosen = zip(starts, chosen).map { $0 + $1 }
    self.weight = weight ?? [Double](repeating: 1, count: sizes.count)
    self.person = person ?? Array(sizes.indices)
  }

  /// Pairs as sets of two: the chosen row is the difference, the other 0, which gives the same chances.
  public init(_ pairs: ScoredPairs) throws(KernelError) {
    let width = pairs.width
    let other = [Double](repeating: 0, count: width)
    try self.init(
      features: (0..<pairs.count).flatMap { pairs.differences[$0 * width..<($0 + 1) * width] + other },
      columns: pairs.columns, sizes: [Int](repeating: 2, count: pairs.count),
      chosen: [Int](repeating: 0, count: pairs.count), person: pairs.post, weight: pairs.weight)
  }
}
