import PenchantKernels
import PenchantTrain

/// Has a verifier look at rewrites: of each attribute some pairs of levels, drawn, eight questions a pair
/// (PrefPalette, Li et al. 2025: verification of counterfactuals).
public struct VerificationJob: Sendable {
  public var verifier: any Verifier
  /// Pairs of each attribute.
  public var pairsPerAttribute = 20
  /// Pairs under way at a time.
  public var concurrency = 4
  public var seed: UInt64 = 0

  public init(_ verifier: any Verifier) { self.verifier = verifier }

  /// Questions that `run` asks at most.
  public func calls(_ attributes: Int) -> Int { 8 * pairsPerAttribute * attributes }

  /// One summary an attribute; of the pairs asked so far when stopped.
  ///
  /// - Throws: what the verifier throws.
  public func run(
    _ counterfactuals: Counterfactuals, progress: ProgressLine = ProgressLine(style: .silent),
    isStopped: @escaping @Sendable () -> Bool = { Interrupt.isRequested }
  ) async throws -> [VerificationSummary] {
    let all = counterfactuals.pairs()
    var chosen: [CounterfactualPair] = []
    for attribute in counterfactuals.attributes.indices {
      let own = all.filter { $0.attribute == attribute }
      let order = try permutation(own.count, seed: seed, stream: UInt64(attribute))
      chosen += order.prefix(pairsPerAttribute).map { own[Int($0)] }
    }
    var results = [VerifiedPair?](repeating: nil, count: chosen.count)
    try await withThrowingTaskGroup(of: (Int, VerifiedPair).self) { group in
      var next = 0
      func start() {
        guard next < chosen.count, !isStopped() else { return }
        let (place, pair) = (next, chosen[next])
        next += 1
        group.addTask { (place, try await verify(pair, counterfactuals)) }
      }
      for _ in 0..<max(1, concurrency) { start() }
      var done = 0
      while let (place, result) = try await group.next() {
        results[place] = result
        done += 1
        progress.report("verified pairs", done, of: chosen.count, [])
        start()
      }
    }
    progress.finishLine()
    var summaries = counterfactuals.attributes.map {
      VerificationSummary(attribute: $0.name, judge: verifier.judge)
    }
    for (pair, result) in zip(chosen, results) {
      if let result { summaries[pair.attribute].add(result) }
    }
    return summaries
  }

  private func verify(_ pair: CounterfactualPair, _ counterfactuals: Counterfactuals) async throws
    -> VerifiedPair
  {
    let record = counterfactuals.records[pair.record]
    let attribute = counterfactuals.attributes[pair.attribute]
    return try await verifier.verify(
      lower: record[attribute.name, pair.low] ?? "", higher: record[attribute.name, pair.high] ?? "",
      attribute: attribute, context: record.context)
  }
}
