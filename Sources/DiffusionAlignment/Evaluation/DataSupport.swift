import PenchantKernels

/// Where the data are: a sample is off when its nearest neighbour among them is further away than that of all but one in a
/// hundred of them (the precision of Kynkäänniemi et al. 2019 with one neighbour and one radius).
public struct DataSupport: Sendable {
  /// `[count, values]`.
  private let data: [Float]
  private let norms: [Float]
  private let values: Int
  /// Largest squared distance that is not off.
  private let radius: Float

  /// Of at most `limit` samples, evenly taken.
  public init(_ samples: SampleSet, limit: Int = 4096) throws(KernelError) {
    values = samples.shape.count
    let step = max(1, (samples.count + limit - 1) / limit)
    var chosen: [Float] = []
    for row in stride(from: 0, to: samples.count, by: step) { chosen += samples[row] }
    data = chosen
    norms = Self.norms(chosen, values)
    let distances = try Self.nearest(chosen, data, norms, values, excludingSelf: true).sorted()
    radius = distances.isEmpty ? 0 : distances[min(distances.count - 1, distances.count * 99 / 100)]
  }

  /// Share of samples that are off.
  public func shareOff(_ samples: [Float]) throws(KernelError) -> Double {
    let distances = try Self.nearest(samples, data, norms, values, excludingSelf: false)
    return distances.isEmpty
      ? 0 : Double(distances.filter { !($0 <= radius) }.count) / Double(distances.count)
  }

  private static func norms(_ rows: [Float], _ values: Int) -> [Float] {
    stride(from: 0, to: rows.count, by: max(1, values)).map { first in
      rows[first..<first + values].reduce(0) { $0 + $1 * $1 }
    }
  }

  /// Squared distances to the nearest of `data`, in blocks of rows.
  private static func nearest(
    _ rows: [Float], _ data: [Float], _ norms: [Float], _ values: Int, excludingSelf: Bool
  ) throws(KernelError) -> [Float] {
    let (count, all) = (rows.count / max(1, values), norms.count)
    var result: [Float] = []
    for first in stride(from: 0, to: count, by: 256) {
      let last = min(first + 256, count)
      let block = Array(rows[first * values..<last * values])
      let own = Self.norms(block, values)
      let products = try product(
        ProductShape(rows: last - first, columns: all, inner: values, transposesB: true), block, data)
      for row in 0..<last - first {
        var least = Float.infinity
        for other in 0..<all where !(excludingSelf && other == first + row) {
          let distance = own[row] + norms[other] - 2 * products[row * all + other]
          if distance.isNaN {
            // A sample that is not a number is off.
            least = .infinity
            break
          }
          least = min(least, distance)
        }
        result.append(max(0, least))
      }
    }
    return result
  }
}
