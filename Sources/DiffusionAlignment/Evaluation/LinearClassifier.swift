import Foundation
import PenchantKernels
import PenchantTrain

/// Multinomial logistic regression on raw values: how well the classes of samples can be told, which says
/// whether generated pictures still are what they were asked to be.
public struct LinearClassifier: Sendable, Equatable {
  public let shape: SampleShape
  public let classNames: [String]
  /// `[shape.count + 1, classes]`; the last row holds the intercepts.
  public let weights: [Double]

  /// Rows of a partial sum: a fixed number, so that the sum does not depend on threads.
  private static let block = 128

  /// Minimises `Σ -log P(class) + ridge/2 |w|²`, intercepts free, by L-BFGS.
  ///
  /// - Parameter ridge: above 0; 1 is what scikit-learn's `C = 1` means.
  /// - Throws: `KernelError.value` for samples without two classes or with values that are not finite, and
  ///   for a ridge that is not above 0.
  public init(fitting samples: SampleSet, ridge: Double = 1) throws {
    guard ridge > 0, ridge.isFinite else {
      throw KernelError.value("LinearClassifier", "a ridge of \(ridge); it must be above 0")
    }
    guard samples.classes.count == samples.count, Set(samples.classes).count > 1 else {
      throw KernelError.value(
        "LinearClassifier",
        "\(samples.count) samples of \(Set(samples.classes).count) classes; two classes are needed")
    }
    if let place = samples.values.firstIndex(where: { !$0.isFinite }) {
      throw KernelError.value(
        "LinearClassifier", "sample \(place / samples.shape.count) holds \(samples.values[place])")
    }
    let width = samples.shape.count
    let classes = samples.classNames.count
    let blocks = (samples.count - 1) / Self.block + 1
    let solver = LBFGS(tolerance: 1e-6, stepLimit: 300)
    let solution = try solver.minimise(from: [Double](repeating: 0, count: classes * (width + 1))) {
      point, gradient in
      let parts = try parallelMap(blocks) { block in
        let first = block * Self.block
        return Self.loss(samples, first..<min(samples.count, first + Self.block), point, classes)
      }
      var value = 0.0
      for place in gradient.indices { gradient[place] = 0 }
      for part in parts {
        value += part.loss
        for place in gradient.indices { gradient[place] += part.gradient[place] }
      }
      for place in 0..<width * classes {
        value += ridge / 2 * point[place] * point[place]
        gradient[place] += ridge * point[place]
      }
      return value
    }
    shape = samples.shape
    classNames = samples.classNames
    weights = solution.point
  }

  /// The loss of some rows and its gradient.
  private static func loss(
    _ samples: SampleSet, _ rows: Range<Int>, _ weights: [Double], _ classes: Int
  ) -> (loss: Double, gradient: [Double]) {
    let width = samples.shape.count
    var loss = 0.0
    var gradient = [Double](repeating: 0, count: weights.count)
    for row in rows {
      var errors = scores(samples[row], weights, classes)
      let target = samples.classes[row]
      let top = errors.max() ?? 0
      let total = errors.reduce(0) { $0 + exp($1 - top) }
      loss += log(total) + top - errors[target]
      for number in 0..<classes { errors[number] = exp(errors[number] - top) / total }
      errors[target] -= 1
      gradient.withUnsafeMutableBufferPointer { gradient in
        var place = 0
        for value in samples[row] {
          let x = Double(value)
          for number in 0..<classes { gradient[place + number] += x * errors[number] }
          place += classes
        }
        for number in 0..<classes { gradient[width * classes + number] += errors[number] }
      }
    }
    return (loss, gradient)
  }

  private static func scores(_ sample: ArraySlice<Float>, _ weights: [Double], _ classes: Int) -> [Double] {
    var scores = Array(weights[sample.count * classes..<(sample.count + 1) * classes])
    scores.withUnsafeMutableBufferPointer { scores in
      weights.withUnsafeBufferPointer { weights in
        var place = 0
        for value in sample {
          let x = Double(value)
          for number in 0..<classes { scores[number] += x * weights[place + number] }
          place += classes
        }
      }
    }
    return scores
  }

  /// The likeliest class of each sample; of equal ones the first.
  ///
  /// - Throws: `KernelError.shape` for samples of another shape.
  public func classes(of samples: SampleSet) throws(KernelError) -> [Int] {
    guard samples.shape == shape else {
      throw .shape("LinearClassifier", "samples of \(samples.shape), it was fitted to \(shape)")
    }
    return (0..<samples.count).map { row in
      let scores = Self.scores(samples[row], weights, classNames.count)
      return scores.indices.max { scores[$0] < scores[$1] } ?? 0
    }
  }

  /// The share of samples whose likeliest class is their class.
  ///
  /// - Throws: `KernelError.shape` for samples of another shape or without classes, `.value` for classes that
  ///   were not there when it was fitted.
  public func accuracy(_ samples: SampleSet) throws(KernelError) -> Double {
    guard samples.classes.count == samples.count, samples.count > 0 else {
      throw .shape(
        "LinearClassifier.accuracy", "\(samples.classes.count) classes for \(samples.count) samples")
    }
    let known = try samples.classes(as: classNames)
    let right = try zip(classes(of: known), known.classes).count { $0 == $1 }
    return Double(right) / Double(samples.count)
  }
}
