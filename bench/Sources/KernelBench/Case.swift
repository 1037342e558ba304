/// What a case must do at least, whatever the program: the roofline is the longest of these at the machine's ceilings.
struct Work: Codable, Sendable {
  /// Where the data live between two calls.
  enum Level: String, Codable, Sendable { case l2, l3, dram }

  var flops = 0.0
  /// Bytes that must move at least once.
  var bytes = 0.0
  var level = Level.dram
  /// Exponentials, logarithms, tanh.
  var exponentials = 0.0

  /// Seconds that the work takes at the ceilings.
  func roofline(_ ceilings: Ceilings) -> Double {
    max(
      flops / ceilings.flops, bytes / ceilings.bandwidth(level), exponentials / ceilings.exponentials)
  }

  /// What bounds the case, and its rate at `seconds`, for people.
  func rate(_ seconds: Double, _ ceilings: Ceilings) -> String {
    let limit = roofline(ceilings)
    if limit == flops / ceilings.flops { return "\(fixed(flops / seconds / 1e9, 1)) GFLOP/s" }
    if limit == bytes / ceilings.bandwidth(level) { return "\(fixed(bytes / seconds / 1e9, 1)) GB/s" }
    return "\(fixed(exponentials / seconds / 1e9, 2)) Gexp/s"
  }
}

/// One thing to time. The name is the same in `bench/peers`.
struct BenchCase: Sendable {
  let name: String
  let work: Work
  /// Makes inputs and returns the call to time.
  let prepare: @Sendable () throws -> () throws -> Void
}

extension BenchCase {
  /// Every case, in the order of the table.
  static let all =
    preference + attribute + palette + training + recommenders + em + diffusion + pictures
    + alignment + rank + encoder + products + policy
}
