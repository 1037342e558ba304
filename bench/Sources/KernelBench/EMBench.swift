import PenchantKernels

private let pairs = 1_000_000
private let components = 8
private let labels = 10_000_000

extension BenchCase {
  static let em = [
    // The probability that each label is right, and the new rate of wrong labels.
    BenchCase(
      name: "em_noise n=1e6", work: Work(bytes: 8 * Double(pairs), level: .l3, exponentials: Double(pairs))
    ) {
      let (logits, posterior) = (try Floats(normal: pairs), try Floats(zeros: pairs))
      let reliability = try Floats(1) { _ in 1.3862944 }  // logit 0.8
      return {
        var out = posterior.storage.mutableSpan
        var gradient = MutableSpan<Float>()
        var losses = MutableSpan<Float>()
        _ = try labelNoise(
          logits: logits.values.span, reliability: reliability.values.span, measuresLoss: false,
          posterior: &out, gradient: &gradient, losses: &losses)
      }
    },
    // The same, and the loss with its gradient: a step of LCPO from the log-odds of the model.
    BenchCase(
      name: "lcpo_step n=1e7",
      work: Work(bytes: 12 * Double(labels), level: .dram, exponentials: 3 * Double(labels))
    ) {
      let logits = try Floats(normal: labels)
      let (posterior, gradient) = (try Floats(zeros: labels), try Floats(zeros: labels))
      let reliability = try Floats(1) { _ in 1.3862944 }
      return {
        var out = posterior.storage.mutableSpan
        var slope = gradient.storage.mutableSpan
        var losses = MutableSpan<Float>()
        _ = try labelNoise(
          logits: logits.values.span, reliability: reliability.values.span, posterior: &out, gradient: &slope,
          losses: &losses)
      }
    },
    // Margins of eight components in, responsibilities out, new weights.
    BenchCase(
      name: "em_mixture n=1e6 K=8",
      work: Work(
        bytes: 8 * Double(pairs * components), level: .dram, exponentials: 3 * Double(pairs * components))
    ) {
      let (margins, shares) = (try Floats(normal: pairs * components), try Floats(zeros: pairs * components))
      let logWeights = try Floats(components) { _ in -2.0794415 }  // log 1/8
      return {
        var out = shares.storage.mutableSpan
        _ = try mixtureStep(
          .margins, margins.values.span, logWeights: logWeights.values.span, measuresLikelihood: false,
          responsibility: &out)
      }
    },
  ]
}
