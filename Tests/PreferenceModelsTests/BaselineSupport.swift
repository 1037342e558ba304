import Foundation
import PenchantTrain

func exponential(_ x: Double) -> Double { exp(x) }

func accuracy(_ margins: [Double]) -> Double { PairMetrics(margins: margins).accuracy }

func correlation(_ x: [Double], _ y: [Double]) -> Double {
  let (meanX, meanY) = (x.reduce(0, +) / Double(x.count), y.reduce(0, +) / Double(y.count))
  var (xx, yy, xy) = (0.0, 0.0, 0.0)
  for (a, b) in zip(x, y) {
    xx += (a - meanX) * (a - meanX)
    yy += (b - meanY) * (b - meanY)
    xy += (a - meanX) * (b - meanY)
  }
  return xy / (xx * yy).squareRoot()
}

/// The derivative of `f` by each coordinate, by central differences.
func differences(_ f: ([Double]) throws -> Double, at point: [Double], step: Double = 1e-5) rethrows
  -> [Double]
{
  try point.indices.map { i in
    var (up, down) = (point, point)
    up[i] += step
    down[i] -= step
    return try (f(up) - f(down)) / (2 * step)
  }
}
