import PenchantNN
import PenchantTape

/// A BERT4Rec that has not been trained.
public typealias BERT4Rec = SequenceModel<BERT4RecConfiguration>
/// A trained BERT4Rec.
public typealias FittedBERT4Rec = FittedSequenceModel<BERT4RecConfiguration>

/// BERT4Rec's layers (Sun et al. 2019): a transformer that sees both sides of a hidden item, and a head that turns its
/// state into scores by inner products with the item embeddings, plus a bias an item.
struct BERT4RecNetwork: SequenceNetwork {
  let itemCount: Int
  let model: SASRecConfiguration.Model
  let layout: ParameterLayout
  let items: Embedding
  /// What stands in place of a hidden item.
  let mask: Embedding
  let places: Embedding
  /// Norm of the input when norms stand behind (post), of the last state when they stand in front (pre).
  let norm: LayerNorm
  let blocks: [TransformerBlock]
  let head: Linear
  let headNorm: LayerNorm
  let itemBias: Parameter

  init(itemCount: Int, _ model: SASRecConfiguration.Model) {
    self.itemCount = itemCount
    self.model = model
    var layout = ParameterLayout()
    items = Embedding(itemCount, model.width, named: "items", in: &layout)
    mask = Embedding(1, model.width, named: "mask", in: &layout)
    places = Embedding(model.longest, model.width, named: "places", in: &layout)
    norm = LayerNorm(model.width, epsilon: 1e-12, named: "norm", in: &layout)
    blocks = (0..<model.layers).map {
      TransformerBlock(
        model.width, heads: model.heads, inner: model.inner, causal: false, activation: model.activation,
        place: model.norm, dropout: model.dropout, epsilon: 1e-12, named: "blocks.\($0)", in: &layout)
    }
    head = Linear(model.width, model.width, named: "head", in: &layout)
    headNorm = LayerNorm(model.width, epsilon: 1e-12, named: "head.norm", in: &layout)
    itemBias = layout.add("items.bias", [itemCount], .zeros, decays: false)
    self.layout = layout
  }

  var width: Int { model.width }
  var longest: Int { model.longest }
  var table: Parameter { items.weight }
  var bias: Parameter? { itemBias }
  var asksByMask: Bool { true }

  /// The state of a hidden row has seen its whole history but the hidden items.
  func states(_ inputs: PackedInputs) -> Tensor {
    var x = items(inputs.items) + mask(inputs.hidden) + places(inputs.places)
    if model.norm == .post { x = norm(x) }
    x = x.dropout(model.dropout)
    for block in blocks { x = block(x, packing: inputs.packing) }
    if model.norm == .pre { x = norm(x) }
    return headNorm(head(x).applying(model.activation))
  }
}
