import PenchantKernels

/// Sequences of different lengths in one block of rows.
public struct Packing {
  /// `[sequences + 1]`: sequence `s` owns rows `offsets[s] ..< offsets[s + 1]`; they ascend from 0 to the number of rows.
  /// Sequences may be empty.
  public let offsets: Ids
  /// The most rows that a sequence may have.
  public let longest: Int

  public init(offsets: Ids, longest: Int) {
    self.offsets = offsets
    self.longest = longest
  }
}

/// Queries that each read the beginning of a packed sequence.
public struct Prefixes {
  /// `[sequences + 1]`: the item rows of each sequence, as in ``Packing``.
  public let offsets: Ids
  /// `[sequences + 1]`: the queries of each sequence, likewise.
  public let first: Ids
  /// `[queries]`: how many items of its sequence, from the first on, a query reads.
  public let seen: Ids

  public init(offsets: Ids, first: Ids, seen: Ids) {
    self.offsets = offsets
    self.first = first
    self.seen = seen
  }
}

extension Tensor {
  /// Rows of this table `[rows, width]` by id: `[…]` ids give `[…, width]`. `UInt32.max` gives zeros and
  /// takes no gradient.
  /// The gradient adds rows in a fixed order, so it has the same bits for any number of threads.
  public func embedding(_ ids: Ids) -> Tensor {
    guard shape.rank == 2 else { return tape.refuse("embedding", "a table is [rows, width], not \(shape)") }
    return tape.record(
      .embedding, [self, ids.tensor], Shape(ids.shape.extents + [width]),
      sizes: [ids.shape.count, shape.extents[0], width])
  }

  /// Multi-head attention inside short sequences from one projection `[batch, length, 3 · heads · width]`
  /// that holds
  /// queries, keys and values side by side; gives `[batch, length, heads · width]`. No matrix of scores is
  /// kept.
  ///
  /// - Parameters:
  ///   - mask: `[batch, length]`; a dropped position takes no part and gives zeros.
  ///   - causal: whether a position sees only those up to itself.
  ///   - scale: of the scores; by default 1 / √width.
  public func attention(heads: Int, mask: Mask? = nil, causal: Bool = false, scale: Float? = nil) -> Tensor {
    guard tape.accepts("attention", [self, mask?.tensor]) else {
      return Tensor(tape: tape, id: -1, shape: shape)
    }
    guard shape.rank == 3, heads > 0, width % (3 * heads) == 0,
      mask.map({ $0.shape.extents == Array(shape.extents.prefix(2)) }) ?? true
    else {
      return tape.refuse(
        "attention", "projection \(shape), \(heads) heads\(mask.map { ", mask \($0.shape)" } ?? "")")
    }
    let head = width / (3 * heads)
    let result = shape.with(width: width / 3)
    let outputs = tape.emit(
      .attention, [id, mask?.id, nil], results: [result.count, rows * heads],
      sizes: [shape.extents[0], shape.extents[1], heads, head, causal ? 1 : 0],
      reals: [scale ?? 1 / Float(head).squareRoot()])
    return Tensor(tape: tape, id: outputs[0] ?? -1, shape: result)
  }

  /// Multi-head attention inside sequences of different lengths that lie behind each other, from one projection
  /// `[rows, 3 · heads · width]`; gives `[rows, heads · width]`. No row is spent on padding.
  ///
  /// - Parameters:
  ///   - packing: which rows belong together; every row belongs to a sequence.
  ///   - causal: whether a position sees only those up to itself.
  ///   - scale: of the scores; by default 1 / √width.
  public func attention(heads: Int, packing: Packing, causal: Bool = false, scale: Float? = nil) -> Tensor {
    guard tape.accepts("attention", [self, packing.offsets.tensor]) else {
      return Tensor(tape: tape, id: -1, shape: shape)
    }
    let sequences = packing.offsets.shape.count - 1
    guard shape.rank == 2, heads > 0, width % (3 * heads) == 0, sequences > 0, packing.longest > 0 else {
      return tape.refuse(
        "attention",
        "projection \(shape), \(heads) heads, offsets \(packing.offsets.shape), longest \(packing.longest)")
    }
    let head = width / (3 * heads)
    let result = shape.with(width: width / 3)
    let outputs = tape.emit(
      .attention, [id, nil, packing.offsets.id], results: [result.count, rows * heads],
      sizes: [sequences, packing.longest, heads, head, causal ? 1 : 0, rows],
      reals: [scale ?? 1 / Float(head).squareRoot()])
    return Tensor(tape: tape, id: outputs[0] ?? -1, shape: result)
  }

  /// Multi-head attention of these queries `[batch, length, heads · width]` to keys and values
  /// `[batch, places, heads · width]` of another length; gives `[batch, length, heads · width]`. The scores
  /// `[batch, heads, length, places]` are kept for the gradient.
  ///
  /// - Parameter scale: of the scores; by default 1 / √width.
  public func crossAttention(keys: Tensor, values: Tensor, heads: Int, scale: Float? = nil) -> Tensor {
    guard tape.accepts("crossAttention", [self, keys, values]) else {
      return Tensor(tape: tape, id: -1, shape: shape)
    }
    let (q, k) = (shape.extents, keys.shape.extents)
    guard q.count == 3, k.count == 3, keys.shape == values.shape, q[0] == k[0], q[2] == k[2], heads > 0,
      q[2] % heads == 0
    else {
      return tape.refuse(
        "crossAttention",
        "queries \(shape), keys \(keys.shape), values \(values.shape), \(heads) heads; all are [batch, rows, heads · width]"
      )
    }
    let head = q[2] / heads
    func split(_ x: Tensor) -> Tensor {
      x.reshaped([q[0], x.shape.extents[1], heads, head]).transposed(1, 2)
    }
    let scores = split(self).matmul(split(keys), transposingOther: true)
    let weights = scores.affine(scale ?? 1 / Float(head).squareRoot(), 0).softmax()
    return weights.matmul(split(values)).transposed(1, 2).reshaped(shape)
  }

  /// Multi-head attention of queries over the beginnings of packed sequences and over rows of their own, which nobody
  /// else reads; gives `[queries, heads · width]`. This tensor is the projection `[rows, 3 · heads · width]` of the
  /// sequences: queries, keys and values side by side.
  ///
  /// - Parameters:
  ///   - own: projections `[queries, 3 · heads · width]`, at least one; the last one's queries ask.
  ///   - scale: of the scores; by default 1 / √width.
  public func prefixAttention(
    own: [Tensor], heads: Int, prefixes: Prefixes, scale: Float? = nil
  ) -> Tensor {
    let operands = [self, prefixes.offsets.tensor, prefixes.first.tensor, prefixes.seen.tensor] + own
    guard tape.accepts("prefixAttention", operands) else { return Tensor(tape: tape, id: -1, shape: shape) }
    let queries = prefixes.seen.shape.count
    guard let one = own.first, shape.rank == 2, heads > 0, width % (3 * heads) == 0,
      own.allSatisfy({ $0.shape == [queries, width] }),
      prefixes.offsets.shape.count == prefixes.first.shape.count, prefixes.offsets.shape.count > 1
    else {
      return tape.refuse(
        "prefixAttention",
        "projection \(shape), own rows \(own.map(\.shape)), \(heads) heads, offsets \(prefixes.offsets.shape), first \(prefixes.first.shape), seen \(prefixes.seen.shape)"
      )
    }
    let all = own.count == 1 ? one : one.joined(with: Array(own.dropFirst()), axis: 0)
    guard all.id >= 0 else { return all }
    let head = width / (3 * heads)
    let result: Shape = [queries, width / 3]
    let outputs = tape.emit(
      .prefixAttention, [id, all.id, prefixes.offsets.id, prefixes.first.id, prefixes.seen.id],
      results: [result.count, queries * heads],
      sizes: [prefixes.offsets.shape.count - 1, rows, queries, heads, head, own.count],
      reals: [scale ?? 1 / Float(head).squareRoot()])
    return Tensor(tape: tape, id: outputs[0] ?? -1, shape: result)
  }

  /// A gated recurrent unit over packed sequences (Cho et al. 2014): states `[rows, width]` from the input's share of the
  /// gates `[rows, 3 · width]` (reset, update, new). Every sequence begins with a state of zeros.
  ///
  /// - Parameters:
  ///   - weight: `[3 · width, width]`, of the state before; `bias`: `[3 · width]`.
  ///   - packing: which rows belong together; every row belongs to a sequence.
  public func gru(weight: Tensor, bias: Tensor, packing: Packing) -> Tensor {
    guard tape.accepts("gru", [self, weight, bias, packing.offsets.tensor]) else {
      return Tensor(tape: tape, id: -1, shape: shape)
    }
    let state = width / 3
    guard shape.rank == 2, width % 3 == 0, weight.shape == [width, state], bias.count == width,
      packing.offsets.shape.count > 1
    else {
      return tape.refuse(
        "gru", "gates \(shape), weight \(weight.shape), bias \(bias.shape), offsets \(packing.offsets.shape)")
    }
    let outputs = tape.emit(
      .gru, [id, weight.id, bias.id, packing.offsets.id], results: [rows * state, rows * 4 * state],
      sizes: [packing.offsets.shape.count - 1, rows, state])
    return Tensor(tape: tape, id: outputs[0] ?? -1, shape: [rows, state])
  }

  /// How attributes are scored against a query.
  public enum AttributeScore {
    /// scale · ⟨query, attribute⟩; by default scale is 1 / √width.
    case dot(scale: Float? = nil)
    /// score · tanh(query + key attribute + bias), with key `[rank, width]`, bias and score `[rank]`.
    case additive(key: Tensor, bias: Tensor?, score: Tensor)
  }

  /// Attention of queries `[queries, rank]` over attribute vectors `[texts, attributes, width]`; `ids` say
  /// which query reads a
  /// text (without them text *b* is read by query *b*). Gives the pooled vectors `[texts, width]` and the
  /// weights
  /// `[texts, attributes]`.
  public func attributeAttention(
    queries: Tensor, ids: Ids? = nil, mask: Mask? = nil, score: AttributeScore = .dot()
  ) -> (pooled: Tensor, weights: Tensor) {
    var key: Tensor?
    var bias: Tensor?
    var scoring: Tensor?
    var scale = 1 / Float(width).squareRoot()
    switch score {
    case .dot(let given): scale = given ?? scale
    case .additive(let k, let b, let s): (key, bias, scoring) = (k, b, s)
    }
    let operands = [self, mask?.tensor, ids?.tensor, queries, key, bias, scoring]
    let failed = Tensor(tape: tape, id: -1, shape: shape)
    guard tape.accepts("attributeAttention", operands) else { return (failed, failed) }
    let rank = queries.width
    guard shape.rank == 3, queries.shape.rank == 2, key == nil ? rank == width : key?.shape == [rank, width],
      (bias?.count ?? rank) == rank, (scoring?.count ?? rank) == rank,
      ids.map({ $0.shape.count == shape.extents[0] }) ?? (queries.rows == shape.extents[0]),
      mask.map({ $0.shape.count == shape.extents[0] * shape.extents[1] }) ?? true
    else {
      let refused = tape.refuse("attributeAttention", "attributes \(shape), queries \(queries.shape)")
      return (refused, refused)
    }
    let (texts, attributes) = (shape.extents[0], shape.extents[1])
    let outputs = tape.emit(
      .attributeAttention, operands.map { $0?.id }, results: [texts * width, texts * attributes],
      sizes: [texts, attributes, width, queries.rows, rank, key == nil ? 0 : 1], reals: [scale])
    return (
      Tensor(tape: tape, id: outputs[0] ?? -1, shape: [texts, width]),
      Tensor(tape: tape, id: outputs[1] ?? -1, shape: [texts, attributes])
    )
  }
}
