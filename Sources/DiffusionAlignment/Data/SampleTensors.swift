import Foundation
import PenchantData

/// Samples in `.npy` and safetensors files.
enum SampleTensors {
  /// Names in a safetensors file.
  static let samples = "x"
  static let classes = "classes"
  /// Metadata: the names of the classes as a JSON list.
  static let classNames = "class_names"

  /// - Parameter classes: the file of the classes, when there is one.
  static func read(
    _ array: NumPyFile, classes: String? = nil, _ layout: SampleLayout
  ) throws(DataError) -> SampleSet {
    let shape = try sampleShape(array.shape, layout, array.file, "shape")
    var values = try array.floats()
    try scale(&values, array.type, rank: array.shape.count, shape, layout, array.file, "shape")
    guard let classes, FileManager.default.fileExists(atPath: classes) else {
      return SampleSet(shape: shape, values: values)
    }
    let numbers = try NumPyFile(classes)
    return try labelled(
      shape, values, numbers.integers(), of: numbers.shape, names: nil, file: numbers.file, field: "shape")
  }

  static func read(_ file: SafeTensors, _ layout: SampleLayout) throws(DataError) -> SampleSet {
    let floats = file.entries.filter(\.type.isFloatingPoint)
    guard let entry = file.entry(samples) ?? (floats.count == 1 ? floats[0] : nil) else {
      throw DataError(
        file: file.file, field: samples, "the tensor of samples is not clear",
        expected: "the tensor \"x\", or one of floats only",
        found: "the file has \(quotedList(file.entries.map(\.name), limit: 6))")
    }
    let shape = try sampleShape(entry.shape, layout, file.file, entry.name)
    var values = try file.floats(entry.name)
    try scale(&values, entry.type, rank: entry.shape.count, shape, layout, file.file, entry.name)
    guard let classes = file.entry(Self.classes) else { return SampleSet(shape: shape, values: values) }
    return try labelled(
      shape, values, file.integers(Self.classes), of: classes.shape, names: names(file), file: file.file,
      field: Self.classes)
  }

  /// The shape of a sample when all have the shape `whole`.
  private static func sampleShape(
    _ whole: [Int], _ layout: SampleLayout, _ file: String, _ field: String
  ) throws(DataError) -> SampleShape {
    guard (2...4).contains(whole.count) else {
      throw DataError(
        file: file, field: field, "the array has \(whole.count) dimensions",
        expected: "[n, d] or [n, height, width] or [n, height, width, channels]", found: "found \(whole)")
    }
    guard !whole.contains(0) else {
      throw DataError(file: file, field: field, "there is no sample in it", found: "found \(whole)")
    }
    if whole.count == 2 {
      guard let size = layout.size else { return .point(whole[1]) }
      guard size.count == whole[1] else {
        throw DataError(
          file: file, field: field, "the samples have another size",
          expected: "\(size) are \(size.count) values",
          found: "found \(whole)")
      }
      return size
    }
    let shape = SampleShape(height: whole[1], width: whole[2], channels: whole.count == 4 ? whole[3] : 1)
    try layout.check(shape, file)
    return shape
  }

  /// Refuses values that are not finite, then scales.
  private static func scale(
    _ values: inout [Float], _ type: ElementType, rank: Int, _ shape: SampleShape, _ layout: SampleLayout,
    _ file: String, _ field: String
  ) throws(DataError) {
    if let place = values.firstIndex(where: { !$0.isFinite }) {
      throw DataError(
        file: file, field: field, "a sample holds \(values[place])", expected: "finite values",
        found: "found in row \(place / shape.count), value \(place % shape.count), both counted from 0")
    }
    layout.scale(&values, natural: type == .uint8 && rank > 2 ? SampleLayout.byteRange : nil)
  }

  private static func labelled(
    _ shape: SampleShape, _ values: [Float], _ classes: [Int], of whole: [Int], names: [String]?,
    file: String,
    field: String
  ) throws(DataError) -> SampleSet {
    let count = values.count / shape.count
    guard whole == [count] else {
      throw DataError(
        file: file, field: field, "the classes do not fit the samples", expected: "[\(count)]",
        found: "found \(whole)")
    }
    guard let names else { return SampleSet(shape: shape, values: values, labels: classes.map(String.init)) }
    if let row = classes.firstIndex(where: { !names.indices.contains($0) }) {
      throw DataError(
        file: file, field: field, "a class has no name", expected: "0 to \(names.count - 1)",
        found: "found \(classes[row]) in row \(row)")
    }
    return SampleSet(shape: shape, values: values, classes: classes, classNames: names)
  }

  private static func names(_ file: SafeTensors) throws(DataError) -> [String]? {
    guard let text = file.metadata[classNames] else { return nil }
    let names = (try? JSONValue(parsing: text))?.array?.map(\.string)
    guard let names, !names.contains(nil), Set(names).count == names.count else {
      throw DataError(
        file: file.file, field: classNames, "the names of the classes cannot be read",
        expected: "a JSON list of different strings", found: "found \(clipped(text))")
    }
    return names.compactMap { $0 }
  }
}

extension SampleSet {
  /// The samples as a safetensors file: `x` as `[n, h, w, c]`, or `[n, d]` for points, and the integers
  /// `classes` with their names in the metadata. `SampleReader` reads the same set back.
  public func bytes() throws(DataError) -> [UInt8] { try writer().bytes() }

  /// The same at a path.
  ///
  /// - Throws: `DataError` when it cannot be written.
  public func write(to path: String) throws(DataError) { try writer().write(to: path) }

  private func writer() throws(DataError) -> SafeTensorsWriter {
    var writer = SafeTensorsWriter(metadata: ["format": "penchant samples"])
    if !classes.isEmpty {
      writer.metadata[SampleTensors.classNames] =
        JSONValue.array(classNames.map(JSONValue.string)).description
      try writer.add(SampleTensors.classes, shape: [count], classes)
    }
    let sides = shape.isPoint ? [shape.channels] : [shape.height, shape.width, shape.channels]
    try writer.add(SampleTensors.samples, shape: [count] + sides, values)
    return writer
  }
}
