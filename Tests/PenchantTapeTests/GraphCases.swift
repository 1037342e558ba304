import enum PenchantKernels.DivergenceEstimator
import PenchantTape
import TapeSupport
import Testing

/// A recorded operation in a small graph; the closure returns the loss.
struct GraphCase: CustomTestStringConvertible, Sendable {
  let name: String
  let build: @Sendable (Graph) -> Tensor
  var testDescription: String { name }

  init(_ name: String, _ build: @escaping @Sendable (Graph) -> Tensor) {
    self.name = name
    self.build = build
  }

  /// A loss that weighs every element differently, so that no gradient hides in a symmetry.
  static func weighed(_ graph: Graph, _ y: Tensor) -> Tensor { (y * graph.input(y.shape)).sum() }

  static let all: [GraphCase] =
    elementwise + layout + matrix + norms + sequences + pictures + losses + combined

  static let elementwise: [GraphCase] =
    Activation.allCases.map { function in
      GraphCase("\(function)") { g in
        let positive = function == .log || function == .squareRoot
        return weighed(g, g.parameter([5, 7], positive ? 0.3...2 : -3...3).applying(function))
      }
    } + [
      GraphCase("arithmetic, one shape") { g in
        let (a, b) = (g.parameter([3, 5]), g.parameter([3, 5], 0.5...2))
        return weighed(g, a + b) + weighed(g, a - b) + weighed(g, a * b) + weighed(g, a / b)
      },
      GraphCase("arithmetic, spread over rows") { g in
        let (a, b) = (g.parameter([4, 3, 5]), g.parameter([3, 5], 0.5...2))
        return weighed(g, a + b) + weighed(g, a - b) + weighed(g, a * b) + weighed(g, a / b)
      },
      GraphCase("arithmetic, spread along rows") { g in
        let (a, b) = (g.parameter([4, 5]), g.parameter([4, 1], 0.5...2))
        return weighed(g, a + b) + weighed(g, a - b) + weighed(g, a * b) + weighed(g, a / b)
      },
      GraphCase("arithmetic with one number") { g in
        let (a, b) = (g.parameter([4, 5]), g.parameter([1], 0.5...2))
        return weighed(g, a + b) + weighed(g, a - b) + weighed(g, a * b) + weighed(g, a / b)
      },
      GraphCase("scale and shift") { g in weighed(g, 2 - g.parameter([9]) * 3 + 1) },
      GraphCase("sums and means") { g in
        let x = g.parameter([3, 4, 5])
        return weighed(g, x.sumAlongRows()) + weighed(g, x.meanOverRows()) + x.squared().mean()
          + x.tanh().sum()
          + weighed(g, x.meanAlongRows()) + weighed(g, x.sumOverRows())
      },
      GraphCase("an operand used twice") { g in
        let x = g.parameter([6])
        return weighed(g, x * x + x) + weighed(g, x - x * x)
      },
      GraphCase("scaled losses") { g in
        let x = g.parameter([8])
        let a = Loss.meanSquaredError(x, target: g.input([8]))
        let b = Loss.binaryCrossEntropy(logits: x, targets: g.input([8], 0...1))
        return a * 0.3 + b * 2 - a
      },
      GraphCase("a loss inside a function") { g in
        (Loss.meanSquaredError(g.parameter([8]), target: g.input([8])) * g.parameter([1])).tanh()
      },
    ]

  static let layout: [GraphCase] = [
    GraphCase("slice") { g in
      let x = g.parameter([3, 5, 4])
      return weighed(g, x.slice(axis: 1, from: 1, count: 3))
        + weighed(g, x.slice(axis: -1, from: 0, count: 2))
        + weighed(g, x.at(axis: 1, -1)) + weighed(g, x.slice(axis: 0, from: 2, count: 1))
    },
    GraphCase("joined") { g in
      let (a, b) = (g.parameter([3, 2]), g.parameter([3, 4]))
      return weighed(g, a.joined(with: [b, a])) + weighed(g, b.joined(with: [b.tanh()], axis: 0))
    },
    GraphCase("transposed") { g in
      weighed(g, g.parameter([2, 3, 5]).transposed()) + weighed(g, g.parameter([2, 3, 5]).transposed(0, 1))
    },
    GraphCase("reshaped") { g in
      let x = g.parameter([2, 6])
      return weighed(g, x.reshaped([3, 4]).sumOverRows()) + weighed(g, x)
    },
    GraphCase("mean over a mask") { g in weighed(g, g.parameter([5, 4, 3]).mean(over: g.mask([5, 4]))) },
  ]

  static let matrix: [GraphCase] = [
    GraphCase("linear") { g in
      weighed(g, g.parameter([7, 5]).linear(g.parameter([3, 5]), bias: g.parameter([3])))
        + weighed(g, g.parameter([2, 3, 5]).linear(g.parameter([4, 5])))
    },
    GraphCase("linear used twice") { g in
      let (w, b) = (g.parameter([5, 5]), g.parameter([5]))
      return weighed(g, g.parameter([7, 5]).linear(w, bias: b).tanh().linear(w, bias: b))
    },
    GraphCase("linear with activation") { g in
      var x = g.parameter([6, 5])
      for f in [Activation.relu, .gelu, .tanh, .sigmoid, .silu, .geluTanh] {
        x = x.linear(g.parameter([5, 5]), bias: g.parameter([5])).applying(f)
      }
      return weighed(g, x)
    },
    GraphCase("matmul") { g in
      let (a, b) = (g.parameter([3, 4]), g.parameter([4, 5]))
      let (c, d) = (g.parameter([2, 3, 4]), g.parameter([2, 5, 4]))
      return weighed(g, a.matmul(b)) + weighed(g, b.matmul(a, transposingSelf: true, transposingOther: true))
        + weighed(g, a.matmul(a, transposingOther: true)) + weighed(g, a.matmul(a, transposingSelf: true))
        + weighed(g, c.matmul(d, transposingOther: true))
    },
  ]

  static let norms: [GraphCase] = [
    GraphCase("softmax") { g in weighed(g, g.parameter([4, 7], -3...3).softmax()) },
    GraphCase("masked softmax") { g in weighed(g, g.parameter([4, 9]).softmax(mask: g.mask([4, 9]))) },
    GraphCase("log softmax") { g in weighed(g, g.parameter([4, 7], -3...3).logSoftmax()) },
    GraphCase("layer norm") { g in
      weighed(g, g.parameter([5, 8]).layerNorm(scale: g.parameter([8]), shift: g.parameter([8])))
    },
    GraphCase("residual and layer norm") { g in
      let (a, b) = (g.parameter([5, 8]), g.parameter([5, 8]))
      let sum = a + b
      return weighed(g, sum.layerNorm(scale: g.parameter([8]), shift: g.parameter([8]))) + weighed(g, sum)
    },
    GraphCase("rms norm") { g in weighed(g, g.parameter([5, 8]).rmsNorm(scale: g.parameter([8]))) },
    GraphCase("residual and rms norm") { g in
      let sum = g.parameter([5, 8]) + g.parameter([5, 8])
      return weighed(g, sum.rmsNorm(scale: g.parameter([8])) + sum)
    },
  ]

  static let sequences: [GraphCase] = [
    GraphCase("embedding") { g in
      let table = g.parameter([6, 4])
      return weighed(g, table.embedding(g.ids([3, 5], below: 6, skipping: true)))
        + weighed(g, table.embedding(g.ids([2], below: 6))) + weighed(g, table)
    },
    GraphCase("attention") { g in
      weighed(g, g.parameter([2, 5, 24]).attention(heads: 2))
        + weighed(g, g.parameter([2, 5, 24]).attention(heads: 2, causal: true))
    },
    GraphCase("masked attention") { g in
      weighed(g, g.parameter([3, 6, 12]).attention(heads: 1, mask: g.mask([3, 6]), scale: 0.7))
    },
    GraphCase("prefix attention") { g in
      let prefixes = g.prefixes([3, 0, 2, 20], seen: [[3, 1], [0], [2, 0, 1], [20, 7, 19]])
      let own = (0..<3).map { _ in g.parameter([9, 24]) }
      let items = g.parameter([25, 24])
      return weighed(g, items.prefixAttention(own: own, heads: 2, prefixes: prefixes))
        + weighed(g, items.prefixAttention(own: [own[1]], heads: 1, prefixes: prefixes, scale: 0.4))
    },
    GraphCase("recurrence") { g in
      let packing = g.packing([4, 0, 1, 6], longest: 6)
      let gates = g.parameter([11, 15], -2...2)
      return weighed(g, gates.gru(weight: g.parameter([15, 5]), bias: g.parameter([15]), packing: packing))
    },
    GraphCase("cross attention") { g in
      let (keys, values) = (g.parameter([2, 3, 8]), g.parameter([2, 3, 8]))
      return weighed(g, g.parameter([2, 5, 8]).crossAttention(keys: keys, values: values, heads: 2))
        + weighed(g, values.crossAttention(keys: keys, values: values, heads: 1, scale: 0.3))
    },
    GraphCase("packed attention") { g in
      weighed(
        g,
        g.parameter([20, 24]).attention(
          heads: 2, packing: g.packing([3, 0, 1, 16], longest: 17), causal: true))
        + weighed(g, g.parameter([7, 24]).attention(heads: 1, packing: g.packing([5, 2], longest: 5)))
    },
    GraphCase("attribute attention, dot product") { g in
      let (pooled, weights) = g.parameter([5, 4, 6]).attributeAttention(
        queries: g.parameter([3, 6]), ids: g.ids([5], below: 3), mask: g.mask([5, 4]))
      return weighed(g, pooled) + weighed(g, weights)
    },
    GraphCase("attribute attention, additive") { g in
      let (pooled, weights) = g.parameter([5, 4, 6]).attributeAttention(
        queries: g.parameter([5, 3]),
        score: .additive(key: g.parameter([3, 6]), bias: g.parameter([3]), score: g.parameter([3])))
      return weighed(g, pooled) + weighed(g, weights)
    },
  ]

  static let losses: [GraphCase] =
    PreferenceLoss.allCases.map { kind in
      GraphCase("preference, \(kind)") { g in
        var options = PreferenceOptions(beta: 0.7, shape: 0.8)
        switch kind {
        case .sigmoid, .hinge:
          options.gamma = 0.1
          options.smoothing = 0.1
        case .robust, .exo: options.smoothing = 0.2
        default: break
        }
        return Loss.preference(
          kind, chosen: g.parameter([9], -2...2), rejected: g.parameter([9], -2...2),
          references: (g.input([9]), g.input([9])), target: g.input([9], 0...0.3),
          weights: g.input([9], 0.5...2),
          options: options)
      }
    } + [
      GraphCase("Bradley-Terry") { g in
        Loss.bradleyTerry(chosen: g.parameter([9]), rejected: g.parameter([9]))
      },
      GraphCase("SimPO and CPO") { g in
        Loss.preference(
          .sigmoid, chosen: g.parameter([6], -9...0), rejected: g.parameter([6], -9...0),
          lengths: (g.ids([6], below: 20), g.ids([6], below: 20)), labels: g.input([6], 0...1),
          options: PreferenceOptions(beta: 2, gamma: 0.5, likelihood: 0.4))
      },
      GraphCase("binary cross-entropy") { g in
        Loss.binaryCrossEntropy(
          logits: g.parameter([11], -4...4), targets: g.input([11], 0...1), weights: g.input([11], 0...2))
      },
      GraphCase("squared error") { g in
        Loss.meanSquaredError(g.parameter([11]), target: g.input([11]), weights: g.input([11], 0...2))
          + Loss.meanSquaredError(g.parameter([40]), target: g.input([40]))
      },
      GraphCase("cross-entropy") { g in
        Loss.crossEntropy(logits: g.parameter([7, 19], -3...3), ids: g.ids([7], below: 19, skipping: true))
      },
      GraphCase("catalogue cross-entropy") { g in
        Loss.catalogueCrossEntropy(
          hidden: g.parameter([7, 6]), items: g.parameter([23, 6]),
          ids: g.ids([7], below: 23, skipping: true),
          bias: g.parameter([23]), weights: g.input([7], 0.5...2))
      },
      GraphCase("tied catalogue cross-entropy") { g in
        let table = g.parameter([17, 6])
        return Loss.catalogueCrossEntropy(
          hidden: table.embedding(g.ids([7], below: 17)).tanh(), items: table, ids: g.ids([7], below: 17))
      },
      GraphCase("Plackett-Luce") { g in
        let scores = g.parameter([4, 5], -2...2)
        return Loss.plackettLuce(scores: scores, places: g.places(4, 5), weights: g.input([4], 0.5...2))
          + Loss.plackettLuce(scores: g.parameter([3, 6]), top: 2)
      },
      GraphCase("diffusion preference") { g in
        Loss.diffusionPreference(
          eps: g.parameter([8, 5]), reference: g.input([8, 5]), noise: g.input([8, 5]),
          weights: g.input([4], 0.5...2), beta: 3)
          + Loss.diffusionPreference(
            eps: g.parameter([2, 7]), reference: g.input([2, 7]), noise: g.input([2, 7]), beta: 0.5)
      },
      GraphCase("REINFORCE") { g in
        Loss.policy(
          logits: g.parameter([7, 5], -3...3), ids: g.ids([7], below: 5, skipping: true),
          advantages: g.input([7]), weights: g.input([7], 0.5...2))
      },
      GraphCase("critic") { g in
        Loss.value(
          g.parameter([31]), target: g.input([31]), old: g.input([31]), weights: g.input([31], 0...2),
          clip: 0.3)
          + Loss.value(g.parameter([6]), target: g.input([6]))
      },
    ]
    + DivergenceEstimator.allCases.map { estimator in
      GraphCase("clipped policy, \(estimator)") { g in
        Loss.policy(
          logits: g.parameter([29, 11], -2...2), ids: g.ids([29], below: 11, skipping: true),
          advantages: g.input([29], -2...2), old: g.input([29], -3 ... -1),
          reference: g.input([29], -4 ... -1),
          weights: g.input([29], 0.5...2),
          options: PolicyLossOptions(estimator: estimator, penalty: 0.3, clipLow: 0.1, clipHigh: 0.4))
      }
    }

  /// Losses that hold a part of themselves fixed in their gradient: finite differences of the value are not it.
  static let stopped: [GraphCase] = [
    GraphCase("catalogue divergence") { g in
      Loss.catalogueDivergence(
        hidden: g.parameter([3, 7, 6], -2...2), items: g.parameter([29, 6]),
        ids: g.ids([7], below: 29, skipping: true), bias: g.input([29]))
        + Loss.catalogueDivergence(
          hidden: g.parameter([1, 2, 6]), items: g.parameter([3, 6]), ids: g.ids([2], below: 3))
    }
  ]

  static let combined: [GraphCase] = [
    GraphCase("transformer block by hand") { g in
      var x = g.parameter([2, 4, 8])
      let normed = x.layerNorm(scale: g.parameter([8]), shift: g.parameter([8]))
      let attended = normed.linear(g.parameter([24, 8]), bias: g.parameter([24])).attention(
        heads: 2, causal: true)
      x = x + attended.linear(g.parameter([8, 8]), bias: g.parameter([8]))
      let inner = x.layerNorm(scale: g.parameter([8]), shift: g.parameter([8]))
      x =
        x + inner.linear(g.parameter([16, 8]), bias: g.parameter([16])).gelu().linear(g.parameter([8, 16]))
      return weighed(g, x)
    }
  ]
}
