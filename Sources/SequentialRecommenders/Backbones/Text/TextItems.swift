import PenchantNN
import PenchantTape

/// A network whose items can be made from vectors instead of being learnt one by one.
protocol ItemTableNetwork: SequenceNetwork {
  /// `[itemCount, width]`, what an item is where it is read.
  var rows: Parameter { get }
  /// The same with length 1, what states are scored against, where that is another thing.
  var directions: Parameter? { get }
}

/// The rows of a network's items as layers over vectors: while training they stand where the network has its tables, and then
/// they are written into them, so that a trained model needs neither texts nor layers (ReaRec's section 4.1 in our
/// specification: the UniSRec and MoRec forms trained from scratch).
struct TextItems {
  /// That of the network, whose tables are not trained, and behind it the parameters of the layers.
  let layout: ParameterLayout
  private let network: any ItemTableNetwork
  private let vectors: ItemVectors
  private let layers: Layers

  private enum Layers {
    case projection(MLP)
    /// x W_g + c_g, which is UniSRec's whitening (x - b_g) W_g with c_g = -b_g W_g, for all g side by side; and the gate.
    case mixture(views: Linear, gate: Linear, count: Int)
  }

  /// - Parameter text: of a form that reads vectors.
  init(_ text: ItemText, _ vectors: ItemVectors, for network: any ItemTableNetwork) {
    self.network = network
    self.vectors = vectors
    let tables = [network.rows, network.directions].compactMap { $0?.name }
    var layout = network.layout.training { !tables.contains($0.name) }
    layers =
      text.form == .unisrec
      ? .mixture(
        views: Linear(vectors.width, text.experts * network.width, named: "text.views", in: &layout),
        gate: Linear(vectors.width, text.experts, named: "text.gate", in: &layout, bias: false),
        count: text.experts)
      : .projection(
        MLP(
          [vectors.width, network.width, network.width], activation: .gelu, named: "text.layers", in: &layout)
      )
    self.layout = layout
  }

  /// Everything that the network records on this tape from here on reads the rows that the layers make.
  func bind(on tape: Tape) {
    let made = rows(on: tape)
    tape.bind(network.rows, to: made.rows)
    if let directions = network.directions, let made = made.directions { tape.bind(directions, to: made) }
  }

  /// What writes the rows into the tables of a store of `layout`.
  func writer(_ store: ParameterStore) throws(TapeError) -> Writer {
    let made = rows(on: Tape())
    return Writer(
      inference: try Inference([made.rows] + (made.directions.map { [$0] } ?? []), on: store), store: store,
      tables: [(network.rows, made.rows)]
        + (network.directions.flatMap { table in made.directions.map { [(table, $0)] } } ?? []))
  }

  struct Writer {
    fileprivate let inference: Inference
    fileprivate let store: ParameterStore
    fileprivate let tables: [(parameter: Parameter, made: Tensor)]

    func write() throws(TapeError) {
      try inference.run()
      for table in tables { try store.set(table.parameter, to: inference.values(of: table.made)) }
    }
  }

  private func rows(on tape: Tape) -> (rows: Tensor, directions: Tensor?) {
    let x = tape.constant(vectors.values, [vectors.itemCount, vectors.width])
    let width = network.width
    let rows: Tensor
    switch layers {
    case .projection(let layers): rows = layers(x)
    case .mixture(let views, let gate, let count):
      rows = gate(x).softmax().reshaped([vectors.itemCount, 1, count])
        .matmul(views(x).reshaped([vectors.itemCount, count, width]))
        .reshaped([vectors.itemCount, width])
    }
    return (rows, network.directions.map { _ in rows.direction() })
  }
}

extension Tensor {
  /// Rows of length 1.
  func direction() -> Tensor {
    let width = shape.extents.last ?? 1
    let scale = 1 / Float(width).squareRoot()
    return rmsNorm(scale: tape.constant([Float](repeating: scale, count: width), [width]), epsilon: 1e-12)
  }
}
