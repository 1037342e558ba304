import PenchantTrain
import PolicyOptimisation

/// What can be set of the over-optimisation bench, in the sections of `config.yaml`.
public struct PARConfiguration: Codable, Sendable, Equatable {
  public struct World: Codable, Sendable, Equatable {
    /// Answers of the reference policy to every prompt, M.
    public var references = 10
    /// Added to every reward of the reward model.
    public var offset = 0.0
    /// Prompts of a step; grouped algorithms give each several answers. Answers a step: 128 by default.
    public var prompts = 128
    public init() {}
  }
  public struct Bench: Codable, Sendable, Equatable {
    /// Further shapings that are trained beside, for the curves.
    public var compare: [String] = ["vanilla", "minmax"]
    /// Further penalties with which each of them is trained: one penalty says little.
    public var penalties: [Double] = [0, 0.02, 0.1]
    /// Most answers that the best of n is taken from; 0: it is left out.
    public var bestOf = 256
    public init() {}
  }

  public var shaping = RewardShaping()
  public var policy = PolicyConfiguration()
  public var world = World()
  public var bench = Bench()
  public var run: TrainerConfiguration

  public init() {
    run = TrainerConfiguration()
    // 60 that train the critic alone and 1,000 that train both.
    run.steps = 1060
    run.validateEvery = 50
    run.patience = 0
    run.checkpointEvery = 200
    run.logEvery = 10
  }

  /// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
  public func validate() throws(ConfigurationError) {
    try shaping.validate("shaping")
    try policy.validate("policy")
    try checkSetting(
      (1...1000).contains(world.references), "world.references", "1 to 1000", world.references)
    try checkSetting(
      shaping.kind != .lsc || world.references > 1, "world.references", "2 or more for lsc",
      world.references)
    try checkSetting(world.offset.isFinite, "world.offset", "finite", world.offset)
    try checkSetting((1...4096).contains(world.prompts), "world.prompts", "1 to 4096", world.prompts)
    try checkSetting(
      !policy.algorithm.isGrouped || world.prompts % policy.groupSize == 0, "world.prompts",
      "a multiple of policy.group_size for \(policy.algorithm.rawValue)", world.prompts)
    let kinds = RewardShaping.Kind.allCases.map(\.rawValue)
    for name in bench.compare {
      try checkSetting(
        kinds.contains(name), "bench.compare", "a list of \(kinds.joined(separator: ", "))", name)
    }
    for penalty in bench.penalties {
      try checkSetting(penalty >= 0 && penalty.isFinite, "bench.penalties", "0 or more each", penalty)
    }
    try checkSetting((0...4096).contains(bench.bestOf), "bench.best_of", "0 to 4096", bench.bestOf)
    try checkSetting(
      run.steps > policy.warmup, "run.steps", "more than policy.warmup (\(policy.warmup))", run.steps)
    try run.validate()
  }
}
