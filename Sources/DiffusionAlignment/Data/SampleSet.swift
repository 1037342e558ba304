/// Samples of one shape, and perhaps a class of each.
public struct SampleSet: Sendable, Equatable {
  public let shape: SampleShape
  /// `[count, height, width, channels]`. Pictures are scaled to -1...1, points are as they were given.
  public var values: [Float]
  /// A class number a sample, in `0..<classNames.count`; empty when there are no classes.
  public var classes: [Int]
  public var classNames: [String]

  /// Samples that are known to fit: `values` fill whole samples, `classes` is empty or has one number each.
  package init(shape: SampleShape, values: [Float], classes: [Int] = [], classNames: [String] = []) {
    self.shape = shape
    self.values = values
    self.classes = classes
    self.classNames = classNames
  }

  public var count: Int { shape.count == 0 ? 0 : values.count / shape.count }

  /// The values of sample `row`.
  public subscript(row: Int) -> ArraySlice<Float> {
    values[row * shape.count..<(row + 1) * shape.count]
  }

  /// Some of the samples, in the order of `rows`.
  public func samples(_ rows: some Sequence<Int>) -> SampleSet {
    var chosen = SampleSet(shape: shape, values: [], classNames: classNames)
    for row in rows {
      chosen.values += self[row]
      if !classes.isEmpty { chosen.classes.append(classes[row]) }
    }
    return chosen
  }
}
