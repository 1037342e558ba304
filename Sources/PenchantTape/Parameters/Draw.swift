import PenchantKernels

extension ParameterStore {
  /// Draws the starting values of one parameter. Its stream is made from its name.
  func draw(_ entry: ParameterLayout.Entry, seed: UInt64) throws(KernelError) {
    let range = entry.parameter.offset..<entry.parameter.offset + entry.parameter.count
    let stream = fnv(entry.parameter.name)
    switch entry.initializer {
    case .zeros: return
    case .constant(let number): change(range) { _ in number }
    case .uniform(let bound):
      try values.drawUniform(range, seed: seed, stream: stream)
      change(range) { bound * (2 * $0 - 1) }
    case .normal(let deviation):
      try values.drawNormal(range, seed: seed, stream: stream)
      change(range) { deviation * $0 }
    }
  }

  private func change(_ range: Range<Int>, _ body: (Float) -> Float) {
    values.withMutableSpan { span in
      for i in range { span[i] = body(span[i]) }
    }
  }

  /// FNV-1a: the same for a name in every process.
  private func fnv(_ name: String) -> UInt64 {
    name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }
}
