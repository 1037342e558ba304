import PenchantKernels
import TestSupport
import Testing

/// Every call of these families that takes a workspace, with memory refused at each point.
@Suite struct PreferenceMemoryTests {
  @Test func refusedMemoryIsACleanError() throws {
    let x: [Float] = [0.5, -1, 2, 0.25]
    let attention = try AttributeAttention(attributes: 2, width: 2, score: .dot(scale: 1), queries: [1, 2])
    let mixture = try GaussianMixture(
      .diagonal, dimension: 1, weights: [0.5, 0.5], means: [0, 1], variances: [1, 1])
    let calls: [() throws -> Void] = [
      {
        var (a, b) = (x, x)
        var l = a.mutableSpan
        var g = b.mutableSpan
        try preferenceLoss(PreferenceLoss(), margins: x.span, losses: &l, gradient: &g)
      },
      {
        var (a, b) = ([Float](), x)
        let offsets = [0, 4]
        var l = a.mutableSpan
        var g = b.mutableSpan
        try plackettLuceLoss(offsets: offsets.span, scores: x.span, losses: &l, gradient: &g)
      },
      {
        var (a, b, c) = (x, x, x)
        let reliability: [Float] = [1]
        var p = a.mutableSpan
        var g = b.mutableSpan
        var l = c.mutableSpan
        _ = try labelNoise(
          logits: x.span, reliability: reliability.span, posterior: &p, gradient: &g, losses: &l)
      },
      {
        var (a, b, c) = (x, x, x)
        var l = a.mutableSpan
        var g = b.mutableSpan
        var r = c.mutableSpan
        try rewardLoss(
          RewardLoss(.nca, beta: 1), chosen: x.span, rejected: x.span, losses: &l, chosenGradient: &g,
          rejectedGradient: &r)
      },
      {
        var a = x
        var w = a.mutableSpan
        try robustWeights(losses: x.span, beta: 1, into: &w)
      },
      { _ = try alignedLoss(policy: x, reference: x, beta: 1) },
      { _ = try labelNoise(logits: x.map(Double.init), reliability: [1]) },
      {
        var a = x
        let logWeights: [Float] = [-0.7, -0.7]
        var r = a.mutableSpan
        _ = try mixtureStep(.margins, x.span, logWeights: logWeights.span, responsibility: &r)
      },
      {
        var (a, b) = (x + x, [Float]())
        var r = a.mutableSpan
        var l = b.mutableSpan
        try mixture.expect(x.span, responsibility: &r, logDensity: &l)
      },
      {
        var (a, b) = ([Float](repeating: 0, count: 2), [Float]())
        let ids: [UInt32] = [0]
        var z = a.mutableSpan
        var w = b.mutableSpan
        try attention.pool(x.span, ids: ids.span, pooled: &z, alpha: &w)
      },
    ]
    for call in calls {
      let points = try FaultInjection.sweep {
        do {
          try call()
          return true
        } catch let error as KernelError {
          if case .memory = error { return false }
          Issue.record("\(error)")
          return false
        } catch {
          Issue.record("\(error)")
          return false
        }
      }
      #expect(points > 0)
    }
  }
}
