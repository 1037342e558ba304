import PenchantNN
import PenchantTape

/// A ReaRec that has not been trained.
public typealias ReaRec = SequenceModel<ReaRecConfiguration>
/// A trained ReaRec.
public typealias FittedReaRec = FittedSequenceModel<ReaRecConfiguration>

/// A backbone whose last state goes back in as one more input, so many times, before the catalogue is scored.
struct ReaRecNetwork: LossRecording, ItemTableNetwork {
  /// Which of the states r_0, r_1, … score the catalogue.
  enum Readout: Sendable, Equatable {
    case state(Int)
    /// The mean of all up to this one.
    case mean(Int)

    var steps: Int {
      switch self {
      case .state(let steps), .mean(let steps): steps
      }
    }
  }

  let backbone: SASRecNetwork
  let reasoning: ReaRecConfiguration.Reasoning
  let layout: ParameterLayout
  /// P^R `[steps, width]`; none when there are no steps or thoughts have no position.
  let places: Parameter?
  let readout: Readout

  /// - Parameter readout: by default that of the method after all steps; a model with reasoning positions reads at most as
  ///   many steps as it was trained with.
  init(
    itemCount: Int, _ model: SASRecConfiguration.Model, _ reasoning: ReaRecConfiguration.Reasoning,
    text: ItemText = ItemText(), readout: Readout? = nil
  ) {
    backbone = SASRecNetwork(
      itemCount: itemCount, model, text: text, causal: reasoning.isCausal, inputDropout: reasoning.dropout)
    self.reasoning = reasoning
    self.readout = readout ?? reasoning.readout(reasoning.steps)
    var layout = backbone.layout
    places =
      reasoning.steps > 0 && reasoning.method != .naive
      ? layout.add("thoughts.weight", [reasoning.steps, model.width], .normal(deviation: 0.02)) : nil
    self.layout = layout
  }

  var itemCount: Int { backbone.itemCount }
  var width: Int { backbone.width }
  var longest: Int { backbone.longest }
  var table: Parameter { backbone.table }
  var rows: Parameter { backbone.rows }
  var directions: Parameter? { backbone.directions }
  func query(_ state: Tensor) -> Tensor { backbone.query(state) }

  /// The states of the backbone, r_0 of every row.
  func states(_ inputs: PackedInputs) -> Tensor { backbone.states(inputs) }

  func answers(_ inputs: PackedInputs, _ questions: Questions) -> Tensor {
    let view = ReasoningView(self, inputs, prefixes: questions.prefixes)
    var states = [view.states.embedding(questions.last)]
    for step in 0..<readout.steps {
      states.append(view.think(thought(step, after: states[step])))
    }
    return read(states)
  }

  /// What enters the first block at a step (from 0): the state before and the step's position (eq. 4).
  func thought(_ step: Int, after state: Tensor) -> Tensor {
    guard let places else { return state }
    return state + state.tape.parameter(places).slice(axis: 0, from: step, count: 1).reshaped([width])
  }

  func read(_ states: [Tensor]) -> Tensor {
    switch readout {
    case .state(let step): states[step]
    case .mean(let last): states[1..<(last + 1)].reduce(states[0], +) * (1 / Float(last + 1))
    }
  }
}
