import PenchantKernels
import PenchantTrain

/// How a training treats labels that may be wrong: the section `robust` of every preference model that is trained.
public struct RobustConfiguration: Codable, Sendable, Equatable {
  public enum Method: String, Codable, Sendable, CaseIterable {
    /// Every label is trusted.
    case none
    /// EM with learnt reliabilities.
    case lcpo
    /// Label smoothing: `smoothing` is the share of wrong labels.
    case cdpo
    /// Unbiased when `smoothing` is the true share of wrong labels.
    case rdpo
    case hinge, holder, ropo, exo
    case discopop
    /// Weights of the mildest distribution near a batch, with temperature `shape`.
    case drdpo
  }
  public enum Update: String, Codable, Sendable, CaseIterable {
    /// η ← (1 − step) η + step · mean of the posteriors in the batch.
    case average
    /// The same with a step that grows with the labels of the annotator in the batch.
    case counted
    /// EM over all training pairs at the start of every epoch, with κ fitted beside η. A fit that calls most labels wrong is
    /// not taken.
    case epoch
    /// η stays where it starts.
    case fixed
  }
  public var method = Method.none
  /// η₀, between 0 and 1. Below ½ it finds the mirrored solution, in which every preference is turned round.
  public var reliability = 0.9
  public var update = Update.average
  /// α of the moving averages. The paper's 0.1 lets η run to 1 while margins are still small (docs/lcpo.md).
  public var step = 0.01
  /// Share of the training in which η stays where it starts.
  public var warmup = 0.1
  /// One η a user; false for one of all.
  public var perAnnotator = true
  /// κ: margins are multiplied by it in the E-step. Above 1 for a model whose margins are too small.
  public var slope = 1.0
  /// Pseudo-counts of right and wrong labels of every annotator, where EM goes over all pairs.
  public var pseudoRight = 9.0
  public var pseudoWrong = 1.0
  /// Share of wrong labels, for cdpo, rdpo and exo.
  public var smoothing = 0.1
  /// Exponent of holder, α of ropo, τ of discopop, β′ of drdpo; 0 for the usual 2, 2, 0.05, 1.
  public var shape = 0.0

  public init() {}

  /// - Throws: `ConfigurationError` naming the setting.
  public func validate() throws(ConfigurationError) {
    try checkSetting(
      reliability > 0 && reliability < 1, "robust.reliability", "between 0 and 1", reliability)
    try checkSetting(step > 0 && step <= 1, "robust.step", "above 0, at most 1", step)
    try checkSetting((0...1).contains(warmup), "robust.warmup", "0 to 1", warmup)
    try checkSetting(slope > 0 && slope.isFinite, "robust.slope", "above 0", slope)
    try checkSetting(
      pseudoRight >= 0 && pseudoRight.isFinite, "robust.pseudo_right", "0 or more", pseudoRight)
    try checkSetting(
      pseudoWrong >= 0 && pseudoWrong.isFinite, "robust.pseudo_wrong", "0 or more", pseudoWrong)
    try checkSetting(shape >= 0 && shape.isFinite, "robust.shape", "0 or more", shape)
    let half = method == .rdpo
    try checkSetting(
      smoothing >= 0 && smoothing < (half ? 0.5 : 1) && (method != .exo || smoothing > 0),
      "robust.smoothing", half ? "0 to below 0.5 (rdpo divides by 1 - 2 smoothing)" : "0 to below 1",
      smoothing)
  }

  /// The loss of a method that is one of margins; nil for `none` and `lcpo`.
  public var loss: PreferenceLoss? {
    let smoothing = Float(smoothing)
    func shape(_ usual: Float) -> Float { self.shape > 0 ? Float(self.shape) : usual }
    return switch method {
    case .none, .lcpo: nil
    case .cdpo: PreferenceLoss(smoothing: smoothing)
    case .rdpo: PreferenceLoss(.robust, smoothing: smoothing)
    case .hinge: PreferenceLoss(.hinge)
    case .holder: PreferenceLoss(.holder, shape: shape(2))
    case .ropo: PreferenceLoss(.ropo, shape: shape(2))
    case .exo: PreferenceLoss(.exo, smoothing: smoothing)
    case .discopop: PreferenceLoss(.discoPOP, shape: shape(0.05))
    case .drdpo: PreferenceLoss()
    }
  }

  var rule: ReliabilityRule? {
    switch update {
    case .average: .movingAverage(step: step)
    case .counted: .countedAverage(step: step)
    case .epoch, .fixed: nil
    }
  }
}
