import PenchantKernels

/// Margins that are linear in parameters: what EM and the direct fit move beside the reliabilities.
public protocol MarginModel: Sendable {
  var parameterCount: Int { get }
  var pairCount: Int { get }
  /// Log-odds of the observed order of every pair, A θ.
  func margins(_ parameters: [Double]) throws -> [Double]
  /// Aᵀ x: the gradient by the parameters, from the gradient by the margins.
  func gather(_ perPair: [Double]) throws -> [Double]
  /// The same of some pairs, for steps on batches.
  func margins(_ parameters: [Double], of pairs: [Int]) throws -> [Double]
  func gather(_ perPair: [Double], of pairs: [Int]) throws -> [Double]
}

/// Margins that are given: nothing but the reliabilities moves.
public struct GivenMargins: MarginModel {
  public let values: [Double]
  public init(_ values: [Double]) { self.values = values }
  public var parameterCount: Int { 0 }
  public var pairCount: Int { values.count }
  public func margins(_ parameters: [Double]) -> [Double] { values }
  public func gather(_ perPair: [Double]) -> [Double] { [] }
  public func margins(_ parameters: [Double], of pairs: [Int]) -> [Double] { pairs.map { values[$0] } }
  public func gather(_ perPair: [Double], of pairs: [Int]) -> [Double] { [] }
}

/// One worth an item: the margin of a pair is the difference. With reliabilities this is Crowd-BT (Chen et al. 2013).
public struct ItemWorths: MarginModel {
  private let graph: ComparisonGraph

  /// - Parameters: places of items below `items`, one of each a pair.
  public init(items: Int, chosen: [UInt32], rejected: [UInt32]) throws(KernelError) {
    graph = try ComparisonGraph(items: items, chosen: chosen, rejected: rejected)
  }

  public var parameterCount: Int { graph.items }
  public var pairCount: Int { graph.count }

  public func margins(_ parameters: [Double]) throws(KernelError) -> [Double] {
    guard parameters.count == graph.items else {
      throw .shape("ItemWorths.margins", "\(parameters.count) worths for \(graph.items) items")
    }
    return graph.chosen.indices.map {
      parameters[Int(graph.chosen[$0])] - parameters[Int(graph.rejected[$0])]
    }
  }

  public func gather(_ perPair: [Double]) throws(KernelError) -> [Double] {
    var out = [Double](repeating: 0, count: graph.items)
    try graph.gather(perPair, into: &out)
    return out
  }

  public func margins(_ parameters: [Double], of pairs: [Int]) -> [Double] {
    pairs.map { parameters[Int(graph.chosen[$0])] - parameters[Int(graph.rejected[$0])] }
  }

  public func gather(_ perPair: [Double], of pairs: [Int]) -> [Double] {
    var out = [Double](repeating: 0, count: graph.items)
    for (pair, value) in zip(pairs, perPair) {
      out[Int(graph.chosen[pair])] += value
      out[Int(graph.rejected[pair])] -= value
    }
    return out
  }
}

/// A weight a feature: the margin of a pair is the difference of its features times the weights.
public struct FeatureDifferences: MarginModel {
  public let width: Int
  /// Row-major `[pairs, width]`.
  public let values: [Double]

  /// - Throws: `KernelError.shape` unless `values` are whole rows of `width`.
  public init(width: Int, _ values: [Double]) throws(KernelError) {
    guard width > 0, values.count % width == 0 else {
      throw .shape("FeatureDifferences", "\(values.count) values in rows of \(width)")
    }
    self.width = width
    self.values = values
  }

  public var parameterCount: Int { width }
  public var pairCount: Int { values.count / width }

  public func margins(_ parameters: [Double]) throws(KernelError) -> [Double] {
    guard parameters.count == width else {
      throw .shape("FeatureDifferences.margins", "\(parameters.count) weights for \(width) features")
    }
    return values.withUnsafeBufferPointer { x in
      parameters.withUnsafeBufferPointer { w in
        (0..<pairCount).map { row in
          var sum = 0.0
          for j in 0..<width { sum += x[row &* width &+ j] * w[j] }
          return sum
        }
      }
    }
  }

  public func gather(_ perPair: [Double]) throws(KernelError) -> [Double] {
    guard perPair.count == pairCount else {
      throw .shape("FeatureDifferences.gather", "\(perPair.count) values for \(pairCount) pairs")
    }
    var out = [Double](repeating: 0, count: width)
    out.withUnsafeMutableBufferPointer { out in
      values.withUnsafeBufferPointer { x in
        for row in 0..<perPair.count {
          let factor = perPair[row]
          for j in 0..<width { out[j] += factor * x[row &* width &+ j] }
        }
      }
    }
    return out
  }

  public func margins(_ parameters: [Double], of pairs: [Int]) throws(KernelError) -> [Double] {
    try FeatureDifferences(width: width, rows(pairs)).margins(parameters)
  }

  public func gather(_ perPair: [Double], of pairs: [Int]) throws(KernelError) -> [Double] {
    try FeatureDifferences(width: width, rows(pairs)).gather(perPair)
  }

  private func rows(_ pairs: [Int]) -> [Double] {
    var rows: [Double] = []
    rows.reserveCapacity(pairs.count * width)
    for pair in pairs { rows += values[pair * width..<(pair + 1) * width] }
    return rows
  }
}
