import PenchantData
import PenchantKernels
import PenchantTrain

/// What an alignment found: `result.json` of a run, and what `--json` prints.
public struct AlignmentResult: Codable, Sendable {
  /// The name of the system whatever the method: the authors' is the default.
  public static let system = "inpo"

  public var system = AlignmentResult.system
  public var data: String
  public var seed: UInt64
  public var threads: Int
  public var seconds: Double
  public var method: AlignmentMethod
  /// Which network inverted; nil for methods that do not invert.
  public var preset: AlignmentConfiguration.Preset?
  public var beta: Double
  public var learningRate: Double
  public var pairs: Int
  public var heldPairs: Int
  public var shape: SampleShape
  public var classNames: [String]
  /// What `reward` is.
  public var reward: String
  /// Share of held-out pairs that a learnt reward puts in the right order.
  public var rewardAccuracy: Double?
  /// Of the starting model.
  public var start: [String: Double]
  /// Of the kept model: `reward`, `win_rate` over the starting model at equal seeds, `off_data`, `distance`,
  /// `accuracy/held`, and with data the measures of ``DiffusionResult``.
  public var metrics: [String: Double]
  /// The step that is kept, and steps that were made.
  public var kept: Int
  public var steps: Int
  /// Why nothing was kept but the last step, if so.
  public var warning: String?
  public var peakMemoryBytes: Int
  /// Checksum of the kept numbers.
  public var fingerprint: String

  public init(_ fit: Alignment.Fit, _ alignment: Alignment, pairs: SamplePairs, file: String, seconds: Double)
    throws
  {
    let configuration = alignment.configuration
    let method = configuration.objective.method
    data = file
    seed = alignment.seed
    threads = Team.size
    self.seconds = seconds
    self.method = method
    preset = method.inverts ? configuration.objective.preset : nil
    beta = Double(configuration.beta(for: pairs.samples.shape))
    learningRate = configuration.optimizer.learningRate
    self.pairs = pairs.count
    heldPairs = fit.held.count
    shape = pairs.samples.shape
    classNames = fit.model.model.classNames
    reward = configuration.watching.reward
    rewardAccuracy = fit.rewardAccuracy
    start = fit.start
    metrics = fit.end
    steps = fit.result.state.step
    kept = fit.result.state.bestStep ?? steps
    warning =
      fit.result.state.bestStep == nil
      ? "no look was within the budget of samples off the data (watching.budget \(configuration.watching.budget)) or of the rising error (watching.rise \(configuration.watching.rise)): the last step is kept; use a smaller learning rate or a larger beta"
      : nil
    peakMemoryBytes = peakMemory()
    var numbers: [Double] = []
    for parameter in fit.model.model.store.parameters {
      numbers += try fit.model.model.store.copy(of: parameter).map(Double.init)
    }
    fingerprint = XXHash64.hex(numbers)
  }
}
