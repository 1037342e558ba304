import PenchantKernels

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

extension SampleSet {
  /// Samples with the classes that `labels` name, one a sample; names stand in order, by value when all are
  /// whole numbers.
  init(shape: SampleShape, values: [Float], labels: [String]) {
    let names = Self.ordered(Set(labels))
    let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    self.init(shape: shape, values: values, classes: labels.compactMap { numbers[$0] }, classNames: names)
  }

  /// Names of classes in the order of their numbers: by value when all are whole numbers.
  static func ordered(_ names: Set<String>) -> [String] {
    let isNumbers = names.allSatisfy { Int($0) != nil }
    return names.sorted {
      isNumbers ? (Int($0) ?? 0, $0) < (Int($1) ?? 0, $1) : $0.utf8.lexicographicallyPrecedes($1.utf8)
    }
  }

  /// The same samples with classes numbered as in `names`: those of the data that a model was trained on.
  ///
  /// - Throws: `KernelError.value` for a class that is not among them.
  public func classes(as names: [String]) throws(KernelError) -> SampleSet {
    var places: [Int] = []
    for name in classNames {
      guard let place = names.firstIndex(of: name) else {
        throw .value(
          "SampleSet.classes",
          "the class \"\(name.prefix(60))\" is not among \(names.prefix(12).joined(separator: ", "))")
      }
      places.append(place)
    }
    return SampleSet(shape: shape, values: values, classes: classes.map { places[$0] }, classNames: names)
  }
}
