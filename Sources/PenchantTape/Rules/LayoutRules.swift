import PenchantKernels

extension Backward {
  mutating func layout(_ op: ProgramOperation) {
    guard let dy = gradient(of: op.outputs[0]), let x = op.inputs[0] else { return }
    let sizes = op.sizes
    switch op.kind {
    case .slice:
      let emitter = self
      accumulate(to: x) { base in
        emitter.emit(.sliceGrad, [dy, base], count: sizes[0] * sizes[1], sizes: sizes)
      }
    case .concat:
      let width = sizes[2...].reduce(0, +)
      var first = 0
      for (part, length) in zip(op.inputs, sizes[2...]) {
        if let part, wants(part) {
          add(
            emit(.slice, [dy], count: sizes[0] * length, sizes: [sizes[0], width, first, length]), to: part)
        }
        first += length
      }
    case .transpose:
      add(
        emit(.transpose, [dy], count: sizes.reduce(1, *), sizes: [sizes[0], sizes[2], sizes[1], sizes[3]]),
        to: x)
    case .maskedMean:
      add(emit(.maskedMeanGrad, [dy, op.inputs[1]], count: sizes.reduce(1, *), sizes: sizes), to: x)
    case .dropout:
      // The same draw again: the mask is a function of (seed, stream, step, index).
      add(emit(.dropout, [dy], count: sizes[0], sizes: sizes, reals: op.reals), to: x)
    default: return
    }
  }
}
