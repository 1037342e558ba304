import Foundation
import PenchantData

/// An IDX array of bytes, the format of MNIST (LeCun, Cortes, Burges): two zero bytes, the type of elements,
/// the number of dimensions, the dimensions as 32-bit numbers with the high byte first, the elements.
struct IDXFile {
  let name: String
  let shape: [Int]
  let bytes: ArraySlice<UInt8>

  private static let typeOfBytes: UInt8 = 0x08

  static func isIDX(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0, 0]) }

  init(_ file: [UInt8], name: String) throws(DataError) {
    self.name = name
    guard file.count >= 4, file[0] == 0, file[1] == 0 else {
      throw DataError(
        file: name, byte: 0, "this is not an IDX file",
        expected: "it starts with the bytes 00 00 08 and 01 to 04",
        found: "found \(file.count) bytes, first \(file.prefix(4).map { String($0, radix: 16) })")
    }
    guard file[2] == Self.typeOfBytes else {
      throw DataError(
        file: name, byte: 2, "the elements are not bytes", expected: "type 0x08, as MNIST has it",
        found: "found type 0x\(String(file[2], radix: 16))",
        repair: "convert it: np.save(\"pictures.npy\", array)")
    }
    let rank = Int(file[3])
    guard (1...4).contains(rank), file.count >= 4 + 4 * rank else {
      throw DataError(
        file: name, byte: 3, "the header is cut or has \(rank) dimensions",
        expected: "1 to 4 dimensions of 4 bytes",
        found: "found \(file.count) bytes in all")
    }
    shape = (0..<rank).map { place in
      file[(4 + 4 * place)..<(8 + 4 * place)].reduce(0) { $0 << 8 | Int($1) }
    }
    var size = 1
    for length in shape {
      let product = size.multipliedReportingOverflow(by: length)
      size = product.overflow ? .max : product.partialValue
    }
    bytes = file[(4 + 4 * rank)...]
    guard size == bytes.count else {
      throw DataError(
        file: name, byte: 4 + 4 * rank, "the data does not fit the header",
        expected: "\(shape) takes \(size) bytes", found: "the file holds \(bytes.count)",
        repair: "was all of the file copied?")
    }
  }

  /// `[n, rows, columns]` or `[n, rows, columns, channels]` as pictures.
  func pictures(_ layout: SampleLayout) throws(DataError) -> SampleSet {
    guard shape.count >= 3 else {
      throw DataError(
        file: name, field: "dimensions", "this file holds no pictures", expected: "[n, rows, columns]",
        found: "found \(shape)", repair: shape.count == 1 ? "these are labels; name the file of images" : nil)
    }
    guard !bytes.isEmpty else {
      throw DataError(file: name, field: "dimensions", "there is no picture in it", found: "found \(shape)")
    }
    let sample = SampleShape(height: shape[1], width: shape[2], channels: shape.count == 4 ? shape[3] : 1)
    try layout.check(sample, name)
    var values = bytes.map(Float.init)
    layout.scale(&values, natural: SampleLayout.byteRange)
    return SampleSet(shape: sample, values: values)
  }

  /// The pictures of `path` with the labels of the file beside it, when the name has `images-idx3` and such a
  /// file exists.
  static func labelled(_ pictures: SampleSet, _ path: String) throws(DataError) -> SampleSet {
    let url = URL(fileURLWithPath: path)
    let name = url.lastPathComponent
    guard name.contains("images-idx3") else { return pictures }
    let label = name.replacingOccurrences(of: "images-idx3", with: "labels-idx1")
    let other = label.hasSuffix(".gz") ? String(label.dropLast(3)) : label + ".gz"
    let beside = [label, other].map { url.deletingLastPathComponent().appendingPathComponent($0).path }
    guard let file = beside.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      return pictures
    }
    let labels = try IDXFile(wholeFile(file), name: file)
    guard labels.shape == [pictures.count] else {
      throw DataError(
        file: file, field: "dimensions", "the labels do not fit the pictures",
        expected: "[\(pictures.count)], one for each of \(path)", found: "found \(labels.shape)")
    }
    return SampleSet(shape: pictures.shape, values: pictures.values, labels: labels.bytes.map { String($0) })
  }
}
