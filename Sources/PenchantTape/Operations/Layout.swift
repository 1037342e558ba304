import PenchantKernels

extension Tensor {
  /// `count` places of `axis` from `first` on. Negative axes count from the last.
  public func slice(axis: Int, from first: Int, count length: Int) -> Tensor {
    guard let axis = resolved(axis) else { return tape.refuse("slice", "\(shape) has no axis \(axis)") }
    let extent = shape.extents[axis]
    guard first >= 0, length > 0, first <= extent, length <= extent - first else {
      return tape.refuse("slice", "places \(first) ..< \(first + length) of axis \(axis) of \(shape)")
    }
    let inner = shape.extents[(axis + 1)...].reduce(1, *)
    let outer = shape.extents[..<axis].reduce(1, *)
    var extents = shape.extents
    extents[axis] = length
    return tape.record(
      .slice, [self], Shape(extents), sizes: [outer, extent * inner, first * inner, length * inner])
  }

  /// One place of `axis`, which goes: `hidden.at(axis: 1, -1)` is the last position of every sequence.
  /// Negative places
  /// count from the end.
  public func at(axis: Int, _ place: Int) -> Tensor {
    guard let axis = resolved(axis) else { return tape.refuse("at", "\(shape) has no axis \(axis)") }
    let place = place < 0 ? place + shape.extents[axis] : place
    var extents = shape.extents
    extents.remove(at: axis)
    let one = slice(axis: axis, from: place, count: 1)
    return one.id < 0 ? one : one.reshaped(Shape(extents))
  }

  /// Exchanges two neighbouring axes, by default the last two.
  public func transposed(_ first: Int = -2, _ second: Int = -1) -> Tensor {
    guard let a = resolved(first), let b = resolved(second), b == a + 1 else {
      return tape.refuse("transposed", "axes \(first) and \(second) of \(shape) are not neighbours")
    }
    var extents = shape.extents
    extents.swapAt(a, b)
    let batch = shape.extents[..<a].reduce(1, *)
    let inner = shape.extents[(b + 1)...].reduce(1, *)
    return tape.record(
      .transpose, [self], Shape(extents), sizes: [batch, shape.extents[a], shape.extents[b], inner])
  }

  /// Mean over the kept positions: `[batch, length, width]` and a mask `[batch, length]` give `[batch,
  /// width]`. A row
  /// without a kept position gives zeros.
  public func mean(over mask: Mask) -> Tensor {
    guard shape.rank == 3, mask.shape.extents == Array(shape.extents.prefix(2)) else {
      return tape.refuse("mean(over:)", "values \(shape) and mask \(mask.shape)")
    }
    return tape.record(
      .maskedMean, [self, mask.tensor], [shape.extents[0], shape.extents[2]], sizes: shape.extents)
  }

  /// Sets elements to zero with `probability` in training and scales the others by 1 / (1 − probability).
  /// Which ones is a
  /// function of (seed, operation, step, index): the same for any number of threads, and after a resume.
  public func dropout(_ probability: Float) -> Tensor {
    guard probability >= 0, probability < 1 else {
      return tape.refuse("dropout", "probability \(probability) is not in [0, 1)")
    }
    if probability == 0 { return self }
    return tape.record(.dropout, [self], shape, sizes: [count, tape.nextStream()], reals: [probability])
  }

  func resolved(_ axis: Int) -> Int? {
    let axis = axis < 0 ? axis + shape.rank : axis
    return shape.extents.indices.contains(axis) ? axis : nil
  }
}

extension Tensor {
  /// This tensor and up to seven others side by side along `axis`; their other extents agree.
  public func joined(with others: [Tensor], axis: Int = -1) -> Tensor {
    let all = [self] + others
    guard tape.accepts("joined", all) else { return Tensor(tape: tape, id: -1, shape: shape) }
    guard let at = resolved(axis), all.count <= 8 else {
      return tape.refuse("joined", "\(all.count) tensors along axis \(axis) of \(shape)")
    }
    var extents = shape.extents
    for other in others {
      var theirs = other.shape.extents
      guard theirs.count == extents.count else {
        return tape.refuse("joined", "\(shape) with \(other.shape)")
      }
      theirs[at] = shape.extents[at]
      guard theirs == shape.extents else { return tape.refuse("joined", "\(shape) with \(other.shape)") }
      extents[at] += other.shape.extents[at]
    }
    let outer = shape.extents[..<at].reduce(1, *)
    let widths = all.map { $0.count / outer }
    return tape.record(.concat, all.map { $0 }, Shape(extents), sizes: [outer, all.count] + widths)
  }
}
