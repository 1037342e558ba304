import Foundation
import PenchantKernels
import PenchantTrain

/// The Fréchet distance (squared 2-Wasserstein, Dowson and Landau 1982) between the Gaussians that have the
/// means and covariances of two sample sets, on raw values in Double:
///
///     |μ₁ - μ₂|² + tr C₁ + tr C₂ - 2 tr (C₁^½ C₂ C₁^½)^½
///
/// With `C = Aᵀ A` the last trace is the sum of the singular values of `A₁ A₂ᵀ`. That holds for covariances
/// without full rank too, so fewer samples than values need no ridge; centred samples are then `A`
/// themselves. Sets that small are close to each other by chance less often than large ones: compare
/// distances at equal counts only.
public struct FrechetDistance: Sendable {
  private let mean: [Double]
  /// `[rows, mean.count]`, `factorᵀ factor` is the covariance (divided by n - 1).
  private let factor: [[Double]]
  public let shape: SampleShape

  /// Summarises the reference once; cost `n d²` and an eigenvalue problem of order d when there are more
  /// samples than values.
  ///
  /// - Throws: `KernelError.value` for fewer than two samples or values that are not finite.
  public init(from reference: SampleSet) throws {
    let (count, width) = (reference.count, reference.shape.count)
    guard count > 1, width > 0 else {
      throw KernelError.value(
        "FrechetDistance", "\(count) samples of \(width) values; two or more are needed")
    }
    if let place = reference.values.firstIndex(where: { !$0.isFinite }) {
      throw KernelError.value("FrechetDistance", "sample \(place / width) holds \(reference.values[place])")
    }
    shape = reference.shape
    var mean = [Double](repeating: 0, count: width)
    for row in 0..<count {
      for (column, value) in reference[row].enumerated() { mean[column] += Double(value) }
    }
    for column in 0..<width { mean[column] /= Double(count) }
    self.mean = mean
    let scale = 1 / Double(count - 1).squareRoot()
    let centred = (0..<count).map { row in
      zip(reference[row], mean).map { (Double($0) - $1) * scale }
    }
    factor = count <= width ? centred : try Self.factor(centred, width)
  }

  /// Rows of a covariance that are summed together.
  private static let block = 16

  /// `width` rows with the same products as many rows.
  private static func factor(_ rows: [[Double]], _ width: Int) throws -> [[Double]] {
    // Blocks of rows of the lower triangle, each in one pass over the samples.
    let blocks = (width - 1) / block + 1
    let covariance = try parallelMap(blocks) { number in
      let places = number * block..<min(width, (number + 1) * block)
      var sums = [Double](repeating: 0, count: places.count * width)
      sums.withUnsafeMutableBufferPointer { sums in
        for row in rows {
          row.withUnsafeBufferPointer { row in
            for (part, i) in places.enumerated() {
              let scale = row[i]
              for j in 0...i { sums[part * width + j] += scale * row[j] }
            }
          }
        }
      }
      return sums
    }
    let eigen = try SymmetricEigen(Array(covariance.joined()), order: width)
    return (0..<width).map { place in
      // Rounding leaves directions without variance a little below 0.
      let length = max(0, eigen.values[place]).squareRoot()
      return eigen.vectors[place * width..<(place + 1) * width].map { length * $0 }
    }
  }

  /// The distance of other samples from the reference, 0 or more.
  ///
  /// - Throws: `KernelError.shape` for samples of another shape, and what `init` throws.
  public func distance(to samples: SampleSet) throws -> Double {
    guard samples.shape == shape else {
      throw KernelError.shape("FrechetDistance", "samples of \(samples.shape), the reference has \(shape)")
    }
    let other = try FrechetDistance(from: samples)
    let products = try parallelMap(factor.count) { row in other.factor.map { dot(factor[row], $0) } }
    let singular = try SingularValues(
      Array(products.joined()), rows: factor.count, columns: other.factor.count, vectors: false)
    var distance = zip(mean, other.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    for row in factor { distance += dot(row, row) }
    for row in other.factor { distance += dot(row, row) }
    distance -= 2 * singular.values.reduce(0, +)
    return max(0, distance)
  }
}
