import Foundation
import PenchantData
import PenchantKernels

/// Samples of files as the field has them, recognised by what the path is:
///
/// | path | samples | classes |
/// |---|---|---|
/// | folder of `.png` | pictures, grey or RGB | names of its sub-folders |
/// | one `.png` | one picture | – |
/// | IDX (MNIST) | pictures | the labels file beside it |
/// | `.npy` | `[n, d]`, `[n, h, w]`, `[n, h, w, c]` | `NAME.classes.npy` beside it |
/// | `.safetensors` | the tensor `x`, or the only one of floats | the integers `classes` |
/// | numbers in lines (CSV, TSV, blanks) | points, or pictures of a size | the column `class` or `label` |
///
/// IDX files and lines may be packed. A path `-` is standard input.
///
/// ```swift
/// let digits = try SampleReader.read("digits.csv.gz", size: SampleShape("8x8"), range: 0...16)
/// ```
public enum SampleReader {
  /// Reads what lies at `path`.
  ///
  /// - Parameters:
  ///   - size: the shape of one sample, where lines and `[n, d]` arrays do not say it; others must agree with
  ///     it.
  ///   - range: numbers that become -1 and 1. Pictures of bytes (PNG, IDX, arrays of `uint8` with rows and
  ///     columns)
  ///     have 0...255 when there is none, everything else is taken as it is.
  ///   - labelled: the last column of lines without a column of that name is the class. It is so by itself
  ///     when lines
  ///     without names have one column more than `size`.
  /// - Throws: `DataError` naming file, line or row, expected and found; `KernelError.value` for a range or a
  ///   size that cannot be.
  public static func read(
    _ path: String, size: SampleShape? = nil, range: ClosedRange<Float>? = nil, labelled: Bool = false
  ) throws -> SampleSet {
    let layout = try SampleLayout(size: size, range: range, labelled: labelled)
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      return try PictureFolder(path).samples(layout)
    }
    if path.hasSuffix(".npy") {
      return try SampleTensors.read(NumPyFile(path), classes: path.dropLast(4) + ".classes.npy", layout)
    }
    if path.hasSuffix(".safetensors") { return try SampleTensors.read(SafeTensors(path), layout) }
    let bytes = try wholeFile(path)
    let samples = try read(bytes, path == "-" ? "standard input" : path, layout)
    guard IDXFile.isIDX(bytes) else { return samples }
    return try IDXFile.labelled(samples, path)
  }

  /// Reads a file in memory, plain or packed, by its first bytes.
  ///
  /// - Parameter name: stands in messages.
  public static func read(
    bytes: [UInt8], name: String = "memory", size: SampleShape? = nil, range: ClosedRange<Float>? = nil,
    labelled: Bool = false
  ) throws -> SampleSet {
    let layout = try SampleLayout(size: size, range: range, labelled: labelled)
    return try read(unpacked(bytes, name: name), name, layout)
  }

  private static func read(_ bytes: [UInt8], _ name: String, _ layout: SampleLayout) throws -> SampleSet {
    if bytes.starts(with: Bitmap.mark) {
      return try layout.pictures([Bitmap(png: bytes, name: name)], names: [name])
    }
    if IDXFile.isIDX(bytes) { return try IDXFile(bytes, name: name).pictures(layout) }
    if bytes.starts(with: Array("\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) })) {
      return try SampleTensors.read(NumPyFile(bytes: bytes, name: name), layout)
    }
    // A safetensors file starts with the length of its header, which is JSON.
    if bytes.count > 8, bytes[8] == UInt8(ascii: "{"), bytes[4..<8].allSatisfy({ $0 == 0 }) {
      return try SampleTensors.read(SafeTensors(bytes: bytes, name: name), layout)
    }
    return try SampleTable.read(bytes, name, layout)
  }
}
