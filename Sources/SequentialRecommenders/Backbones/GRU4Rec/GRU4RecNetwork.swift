import PenchantNN
import PenchantTape

/// A GRU4Rec that has not been trained.
public typealias GRU4Rec = SequenceModel<GRU4RecConfiguration>
/// A trained GRU4Rec.
public typealias FittedGRU4Rec = FittedSequenceModel<GRU4RecConfiguration>

/// GRU4Rec's layers (Hidasi et al. 2016): a recurrence over the items of a history, whose state is turned to the width of the
/// embeddings and scores the catalogue by inner products with them.
struct GRU4RecNetwork: SequenceNetwork {
  /// One recurrent layer: the input's share of the gates, and the state's.
  struct Layer: Sendable {
    let input: Linear
    let stateWeight: Parameter
    let stateBias: Parameter
  }

  let itemCount: Int
  let model: GRU4RecConfiguration.Model
  let layout: ParameterLayout
  let items: Embedding
  let layers: [Layer]
  let head: Linear

  init(itemCount: Int, _ model: GRU4RecConfiguration.Model) {
    self.itemCount = itemCount
    self.model = model
    var layout = ParameterLayout()
    items = Embedding(itemCount, model.width, named: "items", in: &layout)
    let hidden = model.hidden
    layers = (0..<model.layers).map { number in
      Layer(
        input: Linear(
          number == 0 ? model.width : hidden, 3 * hidden, named: "layers.\(number).input", in: &layout,
          initializer: .fanIn(hidden)),
        stateWeight: layout.add("layers.\(number).state.weight", [3 * hidden, hidden], .fanIn(hidden)),
        stateBias: layout.add("layers.\(number).state.bias", [3 * hidden], .fanIn(hidden), decays: false))
    }
    head = Linear(hidden, model.width, named: "head", in: &layout)
    self.layout = layout
  }

  var width: Int { model.width }
  var longest: Int { model.longest }
  var table: Parameter { items.weight }

  /// The state of a row has seen the items of its history up to its own.
  func states(_ inputs: PackedInputs) -> Tensor {
    var x = items(inputs.items).dropout(model.dropout)
    for layer in layers { x = layer(x, packing: inputs.packing) }
    return head(x)
  }
}

extension GRU4RecNetwork.Layer {
  /// `[rows, width of the input]` gives `[rows, hidden]`.
  func callAsFunction(_ x: Tensor, packing: Packing) -> Tensor {
    input(x).gru(
      weight: x.tape.parameter(stateWeight), bias: x.tape.parameter(stateBias), packing: packing)
  }
}
