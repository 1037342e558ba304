/// Order statistics of counts (nearest ranks).
public struct Quantiles: Sendable, Equatable, Codable {
  public var minimum = 0
  public var lower = 0
  public var median = 0
  public var upper = 0
  /// The 95th per cent.
  public var high = 0
  public var maximum = 0
  public var mean = 0.0

  /// All 0 for no values.
  public init(_ values: [Int]) {
    guard !values.isEmpty else { return }
    let sorted = values.sorted()
    func at(_ share: Double) -> Int { sorted[Int((Double(sorted.count - 1) * share).rounded())] }
    (minimum, lower, median) = (sorted[0], at(0.25), at(0.5))
    (upper, high, maximum) = (at(0.75), at(0.95), sorted[sorted.count - 1])
    mean = Double(sorted.reduce(0, +)) / Double(sorted.count)
  }
}
