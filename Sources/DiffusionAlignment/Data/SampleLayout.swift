import PenchantData
import PenchantKernels

/// What a caller says about the samples of a file.
struct SampleLayout {
  let size: SampleShape?
  let range: ClosedRange<Float>?
  let labelled: Bool

  /// Values of bytes.
  static let byteRange: ClosedRange<Float> = 0...255

  init(size: SampleShape? = nil, range: ClosedRange<Float>? = nil, labelled: Bool = false) throws(KernelError)
  {
    if let size { try size.validate("SampleReader") }
    if let range {
      let width = range.upperBound - range.lowerBound
      guard width > 0, width.isFinite else {
        throw .value("SampleReader", "a range of \(range); two different finite numbers are needed")
      }
    }
    self.size = size
    self.range = range
    self.labelled = labelled
  }

  /// Maps the ends of the range to -1 and 1, in place.
  ///
  /// - Parameter natural: the range of the file's own type, when the caller gave none.
  func scale(_ values: inout [Float], natural: ClosedRange<Float>? = nil) {
    guard let range = range ?? natural else { return }
    let low = range.lowerBound
    let half = (range.upperBound - low) / 2
    for place in values.indices { values[place] = (values[place] - low) / half - 1 }
  }

  /// Refuses samples of another shape than the caller's.
  func check(_ shape: SampleShape, _ file: String) throws(DataError) {
    guard let size, size != shape else { return }
    throw DataError(
      file: file, field: "size", "the samples have another size", expected: "expected \(size)",
      found: "found \(shape)")
  }

  /// Samples from pictures that must have one size; when one is in colour, all are.
  ///
  /// - Parameter names: their files, for messages.
  func pictures(_ pictures: [Bitmap], names: [String]) throws(DataError) -> SampleSet {
    guard let first = pictures.first else {
      throw DataError(file: "pictures", "there is no picture")
    }
    if let other = pictures.firstIndex(where: { $0.height != first.height || $0.width != first.width }) {
      throw DataError(
        file: names[other], "the pictures have different sizes",
        expected: "\(first.height)×\(first.width) as \(names[0])",
        found: "found \(pictures[other].height)×\(pictures[other].width)",
        repair: "bring all pictures to one size first")
    }
    let inColour = pictures.contains { $0.channels == 3 }
    let shape = SampleShape(height: first.height, width: first.width, channels: inColour ? 3 : 1)
    try check(shape, names[0])
    var values: [Float] = []
    values.reserveCapacity(pictures.count * shape.count)
    for picture in pictures { values += (inColour ? picture.inColour : picture).bytes.map(Float.init) }
    scale(&values, natural: Self.byteRange)
    return SampleSet(shape: shape, values: values)
  }
}
