import PenchantKernels
import Synchronization

/// `body(0) … body(count - 1)` on as many threads as the team has, results in order. Kernels called inside run on one thread
/// each: several small problems side by side keep the cores busier than one after the other on all of them.
///
/// - Throws: the error of the smallest index that failed.
public func parallelMap<Result: Sendable>(
  _ count: Int, _ body: @Sendable (Int) throws -> Result
) throws -> [Result] {
  let results = Mutex([Result?](repeating: nil, count: max(0, count)))
  try Team.each(count) { number, _ in
    let result = try Team.with(threads: 1) { () throws in try body(number) }
    results.withLock { $0[number] = result }
  }
  return results.withLock { $0.compactMap(\.self) }
}
