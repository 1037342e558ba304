import PenchantNN
import PenchantTape

/// SASRec's layers: a causal transformer over the items of a history (Kang & McAuley 2018), whose last state scores the
/// catalogue by inner products with the same embeddings that it reads.
///
/// Where items are made from texts and compared by cosines, states are scored against the directions of the embeddings.
struct SASRecNetwork: ItemTableNetwork {
  let itemCount: Int
  let model: SASRecConfiguration.Model
  let layout: ParameterLayout
  let items: Embedding
  let places: Embedding
  /// `[itemCount, width]`, rows of length 1 that `TextItems` writes; none where states are scored by inner products.
  let directions: Parameter?
  /// What cosines are divided by.
  private let temperature: Float
  /// Norm of the input when norms stand behind (post), of the last state when they stand in front (pre).
  let norm: LayerNorm
  let blocks: [TransformerBlock]
  /// Whether a row sees only the rows up to its own.
  let causal: Bool
  /// Dropout of what enters the first block.
  let inputDropout: Float

  init(
    itemCount: Int, _ model: SASRecConfiguration.Model, text: ItemText = ItemText(), causal: Bool = true,
    inputDropout: Float? = nil
  ) {
    self.itemCount = itemCount
    self.model = model
    self.causal = causal
    self.inputDropout = inputDropout ?? model.dropout
    var layout = ParameterLayout()
    items = Embedding(itemCount, model.width, named: "items", in: &layout)
    places = Embedding(model.longest, model.width, named: "places", in: &layout)
    norm = LayerNorm(model.width, epsilon: Self.epsilon, named: "norm", in: &layout)
    blocks = (0..<model.layers).map {
      TransformerBlock(
        model.width, heads: model.heads, inner: model.inner, causal: causal, activation: model.activation,
        place: model.norm, dropout: model.dropout, epsilon: Self.epsilon, named: "blocks.\($0)", in: &layout)
    }
    directions =
      text.form == .unisrec
      ? layout.add("items.directions", [itemCount, model.width], .zeros, isTrainable: false) : nil
    temperature = Float(text.temperature)
    self.layout = layout
  }

  var width: Int { model.width }
  var longest: Int { model.longest }
  var rows: Parameter { items.weight }
  var table: Parameter { directions ?? items.weight }

  func query(_ state: Tensor) -> Tensor {
    directions == nil ? state : state.direction() / temperature
  }

  /// The same of one state that is known.
  func query(_ state: [Float]) -> [Float] {
    guard directions != nil else { return state }
    let length = state.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    let factor = length > 0 ? 1 / (Float(length) * temperature) : 0
    return state.map { $0 * factor }
  }

  private static let epsilon: Float = 1e-12

  /// The state of a row has seen the items of its history up to its own.
  func states(_ inputs: PackedInputs) -> Tensor { states(inputs) { _ in } }

  /// - Parameter projected: is given queries, keys and values `[rows, 3 · width]` of every block in turn.
  func states(_ inputs: PackedInputs, projected: (Tensor) -> Void) -> Tensor {
    states(inputs.items, places: inputs.places) { _, projection in
      projected(projection)
      return projection.attention(heads: model.heads, packing: inputs.packing, causal: causal)
    }
  }

  /// The same around another attention, which is given the number of a block and its queries, keys and values
  /// `[rows, 3 · width]` and gives `[rows, width]`.
  ///
  /// - Parameters:
  ///   - items: `[rows]`, from 0.
  ///   - places: `[rows]`, the place of each item in its history.
  func states(_ items: Ids, places: Ids, attending attend: (Int, Tensor) -> Tensor) -> Tensor {
    states(from: self.items(items) + self.places(places), attending: attend)
  }

  /// The same from what an embedding would give, `[rows, width]`.
  func states(from input: Tensor, attending attend: (Int, Tensor) -> Tensor) -> Tensor {
    var x = (model.norm == .post ? norm(input) : input).dropout(inputDropout)
    for (number, block) in blocks.enumerated() {
      x = block(x) { block.attention.output(attend(number, block.attention.projection($0))) }
    }
    return model.norm == .pre ? norm(x) : x
  }
}
