import PenchantTape
import TapeSupport

extension GraphCase {
  static let pictures: [GraphCase] = [
    GraphCase("convolution") { g in
      let x = g.parameter([2, 5, 6, 3])
      return weighed(g, x.conv2d(g.parameter([4, 3, 3, 3]), bias: g.parameter([4]), padding: 1))
        + weighed(g, x.conv2d(g.parameter([2, 2, 2, 3]))) + weighed(g, x)
    },
    GraphCase("convolution with a stride") { g in
      weighed(
        g,
        g.parameter([2, 7, 8, 3]).conv2d(
          g.parameter([4, 3, 3, 3]), bias: g.parameter([4]), stride: 2, padding: 1))
        + weighed(g, g.parameter([1, 7, 7, 2]).conv2d(g.parameter([2, 2, 2, 2]), stride: 3, padding: 2))
    },
    GraphCase("convolution behind a residual") { g in
      let x = g.parameter([1, 4, 4, 3])
      let (w, b) = (g.parameter([3, 3, 3, 3]), g.parameter([3]))
      let y = x.conv2d(w, bias: b, padding: 1, adding: x)
      return weighed(g, y.tanh().conv2d(w, bias: b, padding: 1, adding: y))
    },
    GraphCase("a frozen kernel with a bias") { g in
      weighed(
        g, g.parameter([1, 4, 4, 3]).conv2d(g.input([2, 3, 3, 3]), bias: g.parameter([2]), padding: 1))
    },
    GraphCase("group norm") { g in
      let x = g.parameter([2, 3, 4, 6], -2...2)
      return weighed(g, x.groupNorm(groups: 3, scale: g.parameter([6]), shift: g.parameter([6])))
        + weighed(g, x.groupNorm(groups: 1)) + weighed(g, x)
    },
    GraphCase("group norm, scale and shift, SiLU") { g in
      weighed(
        g,
        g.parameter([2, 3, 3, 20], -2...2).groupNorm(
          groups: 4, scale: g.parameter([20]), shift: g.parameter([20]), film: g.parameter([2, 40]),
          silu: true))
        + weighed(g, g.input([3, 4, 4]).groupNorm(groups: 2, film: g.parameter([3, 8]), silu: true))
    },
    GraphCase("pictures of other sizes") { g in
      let x = g.parameter([2, 2, 4, 3])
      return weighed(g, x.upsampled().tanh()) + weighed(g, x.downsampled().tanh())
    },
  ]
}
