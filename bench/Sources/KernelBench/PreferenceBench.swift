import PenchantKernels

private let pairs = 1_000_000

extension BenchCase {
  /// Value and gradient of the losses over 10⁶ pairs.
  static let preference = [
    // Four log-probabilities in, two gradients out.
    BenchCase(
      name: "dpo_loss n=1e6",
      work: Work(bytes: 24 * Double(pairs), level: .dram, exponentials: 2 * Double(pairs))
    ) {
      let logps = try (1...4).map { try Floats(normal: pairs, seed: $0) }
      let (chosen, rejected) = (try Floats(zeros: pairs), try Floats(zeros: pairs))
      return {
        var losses = MutableSpan<Float>()
        var up = chosen.storage.mutableSpan
        var down = rejected.storage.mutableSpan
        _ = try preferenceLoss(
          .dpo(beta: 0.1), chosenLogProbabilities: logps[0].values.span,
          rejectedLogProbabilities: logps[1].values.span, chosenReference: logps[2].values.span,
          rejectedReference: logps[3].values.span, gradientScale: 1 / Float(pairs), losses: &losses,
          chosenGradient: &up, rejectedGradient: &down)
      }
    },
    // Margins in, gradient out.
    BenchCase(
      name: "bt_loss n=1e6",
      work: Work(bytes: 8 * Double(pairs), level: .l3, exponentials: 2 * Double(pairs))
    ) {
      let (margins, gradient) = (try Floats(normal: pairs), try Floats(zeros: pairs))
      return {
        var losses = MutableSpan<Float>()
        var out = gradient.storage.mutableSpan
        _ = try preferenceLoss(
          .bradleyTerry(), margins: margins.values.span, gradientScale: 1 / Float(pairs), losses: &losses,
          gradient: &out)
      }
    },
  ]
}
