import Dispatch
import PenchantKernels
import Synchronization

/// `body(0) … body(count - 1)` on as many threads as the team has, results in order. Kernels called inside run on one thread
/// each: several small problems side by side keep the cores busier than one after the other on all of them.
///
/// - Throws: the error of the smallest index that failed.
public func parallelMap<Result: Sendable>(
  _ count: Int, _ body: @Sendable (Int) throws -> Result
) throws -> [Result] {
  let workers = min(Team.size, count)
  guard workers > 1 else {
    return try (0..<max(0, count)).map { index in try Team.with(threads: 1) { try body(index) } }
  }
  let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
  let next = Atomic<Int>(0)
  DispatchQueue.concurrentPerform(iterations: workers) { _ in
    Team.with(threads: 1) {
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        let result = Swift.Result { try body(index) }
        results.withLock { $0[index] = result }
      }
    }
  }
  return try results.withLock { results in
    try (0..<count).compactMap { try results[$0]?.get() }
  }
}
