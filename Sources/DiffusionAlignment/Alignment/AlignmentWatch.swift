import PenchantKernels
import PenchantTape

/// Looks at a model while it is trained: samples at fixed seeds beside those of the starting model.
struct AlignmentWatch {
  /// What a look found.
  struct Look {
    var reward = 0.0
    /// Share of samples with a higher reward than the starting model's of the same seed and class; ties one half.
    var winRate = 0.5
    /// Share of samples off the data.
    var off = 0.0
    /// Root mean square of what the numbers moved, in those of the starting model.
    var distance = 0.0
    /// Share of held-out pairs in the right order of the implicit reward, and by which share the error on their winners has
    /// risen over the reference's; nil without held-out pairs.
    var held: (accuracy: Double, rise: Double)?
    var samples: [Float] = []

    var metrics: [(name: String, value: Double)] {
      [("reward", reward), ("win_rate", winRate), ("off_data", off), ("distance", distance)]
        + (held.map { [("accuracy/held", $0.accuracy), ("rise", $0.rise)] } ?? [])
    }
  }

  let reward: any SampleReward
  private let support: DataSupport
  private let sampling: SamplingConfiguration
  private let classes: [Int]
  private let reference: Denoiser
  private let held: (pairs: SamplePairs, questions: [ImplicitReward.Question])?
  private let seed: UInt64
  private let startRewards: [Double]
  /// The starting model's.
  let start: Look
  private let keep: ((Int, SampleSet) throws -> Void)?

  /// - Parameters:
  ///   - data: what the starting model was trained on, or the samples of the pairs.
  ///   - held: pairs that nothing is trained on.
  init(
    _ reference: Denoiser, reward: any SampleReward, data: SampleSet, held: SamplePairs?, samples: Int,
    sampling: SamplingConfiguration, seed: UInt64, keep: ((Int, SampleSet) throws -> Void)? = nil
  ) throws {
    self.keep = keep
    self.reward = reward
    self.reference = reference
    self.sampling = sampling
    self.seed = seed
    self.held = try held.map {
      ($0, try ImplicitReward(policy: reference, reference: reference).questions($0))
    }
    support = try DataSupport(data)
    classes = reference.model.classes(samples)
    let drawn = try Sampler(sampling, of: reference).samples(classes, seed: seed)
    startRewards = try reward.rewards(of: reference.model.samples(drawn, classes))
    var look = Look()
    look.samples = drawn
    look.reward = Self.mean(startRewards)
    look.off = try support.shareOff(drawn)
    start = look
  }

  /// Shows the samples of a look at a step to whoever wants to see them.
  func show(_ look: Look, step: Int) throws {
    try keep?(step, reference.model.samples(look.samples, classes))
  }

  func look(at policy: Denoiser) throws -> Look {
    var look = Look()
    look.samples = try Sampler(sampling, of: policy).samples(classes, seed: seed)
    let rewards = try reward.rewards(of: policy.model.samples(look.samples, classes))
    look.reward = Self.mean(rewards)
    let wins = zip(rewards, startRewards).map { $0 > $1 ? 1 : $0 == $1 ? 0.5 : 0 }
    look.winRate = Self.mean(wins)
    look.off = try support.shareOff(look.samples)
    look.distance = try policy.store.distance(to: reference.store)
    if let held {
      look.held = try ImplicitReward(policy: policy, reference: reference).held(held.pairs, held.questions)
    }
    return look
  }

  private static func mean(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }
}

extension ParameterStore {
  /// Root mean square difference to another store of the same layout, divided by the root mean square of its numbers.
  func distance(to other: ParameterStore) throws(TapeError) -> Double {
    var (apart, size) = (0.0, 0.0)
    for parameter in parameters {
      for (mine, theirs) in try zip(copy(of: parameter), other.copy(of: parameter)) {
        apart += Double(mine - theirs) * Double(mine - theirs)
        size += Double(theirs) * Double(theirs)
      }
    }
    return size > 0 ? (apart / size).squareRoot() : apart.squareRoot()
  }
}
