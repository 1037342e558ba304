import PenchantKernels
import PenchantTape
import PenchantTrain

/// Thoughts behind a history whose keys and values are kept: each costs one row.
final class Thoughts {
  let steps: Int
  private let readout: ReaRecNetwork.Readout
  private let state: Tensor
  private let place: Ids
  private let row: SASRecRow

  init(_ network: ReaRecNetwork, store: ParameterStore) throws(TapeError) {
    readout = network.readout
    steps = readout.steps
    let tape = Tape()
    let (state, place) = (tape.input("state", [1, network.width]), tape.ids("step", [1]))
    (self.state, self.place) = (state, place)
    row = try SASRecRow(
      network.backbone, store: store,
      from: network.places.map { state + tape.parameter($0).embedding(place) } ?? state)
  }

  /// What scores the catalogue, from the state behind `items` items.
  ///
  /// - Parameter projections: of every block, `[items + steps or more, 3 · width]`; what stands behind the items is
  ///   overwritten.
  func answer(from first: [Float], at items: Int, after projections: inout [[Float]]) throws -> [Float] {
    var states = [first]
    for step in 0..<steps {
      states.append(
        try row.state(at: items + step, after: &projections) { program throws(TapeError) in
          try program.set(self.state, to: states[step])
          try program.set(self.place, to: [UInt32(step)])
        })
    }
    switch readout {
    case .state(let step): return states[step]
    case .mean(let last):
      return first.indices.map { i in states.reduce(0) { $0 + $1[i] } / Float(last + 1) }
    }
  }
}

extension FittedSequenceModel<ReaRecConfiguration> {
  /// Recommends for one history at a time, with keys and values kept between events and thoughts.
  ///
  /// - Parameter steps: thoughts; by default as many as in training. A model with reasoning positions takes no more.
  /// - Throws: `ConfigurationError` for more steps than can be, and for a backbone that reads from both sides: there each new
  ///   item changes every row.
  public func recommender(steps: Int? = nil) throws -> SASRecRecommender {
    guard configuration.reasoning.isCausal else {
      throw ConfigurationError(
        "a history can be followed with reasoning.backbone sasrec only, found \(configuration.reasoning.backbone.rawValue)"
      )
    }
    let network = try self.network(steps: steps)
    let store = try self.store(network.layout)
    return try SASRecRecommender(
      network.backbone, store: store, popularity: logPopularity, thoughts: Thoughts(network, store: store))
  }

  /// Scores whole batches of histories after so many thoughts; 0 is the backbone alone.
  ///
  /// - Throws: `ConfigurationError` for more steps than can be.
  public func scorer(steps: Int, histories: Int = 64) throws -> HistoryScorer {
    try HistoryScorer(self, network(steps: steps), histories: histories)
  }

  /// Scores by the state after so many thoughts alone, also when the model reads the mean.
  func scorer(ofState step: Int) throws -> HistoryScorer {
    try HistoryScorer(self, network(.state(step)), histories: 64)
  }

  private func network(steps: Int?) throws(ConfigurationError) -> ReaRecNetwork {
    try network(configuration.reasoning.readout(steps ?? configuration.reasoning.steps))
  }

  private func network(_ readout: ReaRecNetwork.Readout) throws(ConfigurationError) -> ReaRecNetwork {
    let reasoning = configuration.reasoning
    // Thoughts without positions can go on; five is what the model's keys are checked for.
    let most = reasoning.method == .naive ? 5 : reasoning.steps
    guard (0...most).contains(readout.steps) else {
      throw ConfigurationError("steps must be 0 to \(most) for this model, found \(readout.steps)")
    }
    return ReaRecNetwork(
      itemCount: itemCount, configuration.model, reasoning, text: configuration.text, readout: readout)
  }
}
