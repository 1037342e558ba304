import TapeSupport

@testable import PenchantTape

/// Graphs of up to 40 operations, drawn from a seed. Values stay near 1, so that float and Double can be
/// compared.
enum RandomGraph {
  static func build(_ g: Graph) -> Tensor {
    var pool = [g.parameter([4, 6]), g.parameter([4, 6]), g.input([4, 6])]
    let length = 3 + g.draw.below(30)
    for _ in 0..<length {
      let x = pool[g.draw.below(pool.count)]
      pool.append(step(g, x, pool))
    }
    var loss = Loss.meanSquaredError(pool[pool.count - 1], target: g.input(pool[pool.count - 1].shape))
    for x in pool.suffix(4).dropLast() { loss = loss + (x.tanh() * g.input(x.shape)).mean() * 0.5 }
    return loss
  }

  private static func step(_ g: Graph, _ x: Tensor, _ pool: [Tensor]) -> Tensor {
    let width = x.shape.extents[1]
    let rows = x.shape.extents[0]
    switch g.draw.below(15) {
    case 0: return x.tanh()
    case 1: return x.gelu()
    case 2: return x.applying(.silu)
    case 3: return x.sigmoid()
    case 4:
      let mate = pool.last { $0.shape == x.shape } ?? x
      return (x + mate) * 0.5
    case 5:
      let mate = pool.first { $0.shape == x.shape } ?? x
      return x.tanh() * mate.tanh()
    case 6: return x.linear(g.parameter([6, width], -0.5...0.5), bias: g.parameter([6], -0.2...0.2))
    case 7: return x.linear(g.parameter([5, width], -0.5...0.5), bias: g.parameter([5], -0.2...0.2)).gelu()
    case 8:
      return x.layerNorm(scale: g.parameter([width], 0.5...1), shift: g.parameter([width]), epsilon: 0.1)
    case 9: return (x + x.tanh()).rmsNorm(scale: g.parameter([width], 0.5...1), epsilon: 0.1)
    case 10: return x.softmax() * 2
    case 11: return x.transposed().matmul(x).tanh()
    case 12:
      let mate = pool.last { $0.shape.extents[0] == rows && $0.shape.extents[1] < 8 } ?? x
      return width < 8 ? x.joined(with: [mate]) : x.slice(axis: 1, from: 1, count: 4)
    case 13: return width > 2 ? x.slice(axis: 1, from: 1, count: width - 2) : x + g.parameter([width])
    default: return x * g.parameter([width], 0.5...1) + g.parameter([rows, 1])
    }
  }
}
