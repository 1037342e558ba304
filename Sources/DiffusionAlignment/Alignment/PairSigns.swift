import PenchantKernels

/// What a step says about its pairs, for the log: the loss alone looks flat at ln 2 while everything moves (InPO section 13).
struct PairSigns {
  /// Mean squared errors of the policy on winners and losers, and of the reference likewise.
  private(set) var errors: [Double] = []
  /// Quantiles of the logits h: 5 %, 50 %, 95 %.
  private(set) var logits: [Double] = []
  private(set) var accuracy = 0.0

  init() {}

  init(eps: [Float], reference: [Float], noise: [Float], beta: Float, weights: [Float]) throws(KernelError) {
    var none: [Float] = []
    var span = none.mutableSpan
    let found = try diffusionPreferenceLoss(
      pairs: weights.count, beta: beta, eps: eps.span, reference: reference.span, noise: noise.span,
      gradient: &span)
    let counted = weights.indices.filter { weights[$0] > 0 }
    let count = Double(max(1, counted.count))
    errors = found.errors.map { row in counted.reduce(0) { $0 + Double(row[$1]) } / count }
    let sorted = counted.map { Double(found.logits[$0]) }.sorted()
    logits = sorted.isEmpty ? [] : [0.05, 0.5, 0.95].map { sorted[Int($0 * Double(sorted.count - 1))] }
    accuracy = Double(sorted.filter { $0 > 0 }.count) / count
  }

  var metrics: [(name: String, value: Double)] {
    guard errors.count == 4, logits.count == 3 else { return [] }
    return [
      ("error/winner", errors[0]), ("error/loser", errors[1]), ("error/reference_winner", errors[2]),
      ("error/reference_loser", errors[3]), ("logit/low", logits[0]), ("logit/median", logits[1]),
      ("logit/high", logits[2]), ("accuracy/train", accuracy),
    ]
  }
}
