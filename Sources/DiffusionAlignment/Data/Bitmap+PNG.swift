import PenchantData
import PenchantKernels

extension Bitmap {
  static let mark: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// Larger pictures are refused, so that a header of a few bytes cannot ask for all memory.
  static let pixelLimit = 1 << 26

  /// Decodes a PNG file: 1 to 16 bits, grey, colour or palette, with or without alpha.
  ///
  /// Grey stays one channel, colour and palettes become three. Samples of 16 bits are rounded to 8, colours
  /// are those of sRGB, and what is transparent lies over white: `255 + (value - 255) · alpha / 255`,
  /// rounded.
  ///
  /// - Throws: `DataError` with libpng's reason, and for more than 67 million pixels.
  public init(png: [UInt8], name: String = "memory") throws(DataError) {
    guard png.starts(with: Self.mark) else {
      throw DataError(
        file: name, byte: 0, png.isEmpty ? "the file is empty" : "this is not a PNG picture",
        expected: "it starts with the bytes 89 50 4e 47", repair: "convert the picture to PNG")
    }
    self = try png.withUnsafeBufferPointer { (bytes) throws(DataError) in
      try Bitmap(decoding: UnsafeRawBufferPointer(bytes), name: name)
    }
  }

  private init(decoding bytes: UnsafeRawBufferPointer, name: String) throws(DataError) {
    let image = PNGImage()
    func damaged() -> DataError {
      DataError(
        file: name, "the PNG picture is damaged", found: "libpng says: \(clipped(image.message))",
        repair: "copy or export the picture again")
    }
    guard image.beginRead(bytes) else { throw damaged() }
    let (width, height) = (image.width, image.height)
    let pixels = width.multipliedReportingOverflow(by: height)
    guard !pixels.overflow, pixels.partialValue <= Self.pixelLimit else {
      throw DataError(
        file: name, field: "IHDR", "the picture is too large",
        expected: "at most \(Self.pixelLimit) pixels are read", found: "its header says \(width)×\(height)",
        repair: "make it smaller, or copy it again if it is not that large")
    }
    let channels = image.isColour ? 3 : 1
    var read = [UInt8](repeating: 0, count: pixels.partialValue * (channels + 1))
    guard image.finishRead(rowBytes: width * (channels + 1), into: &read) else { throw damaged() }
    var values = [UInt8](repeating: 0, count: pixels.partialValue * channels)
    for pixel in 0..<pixels.partialValue {
      let from = pixel * (channels + 1)
      let alpha = Int(read[from + channels])
      for channel in 0..<channels {
        values[pixel * channels + channel] = UInt8(
          (Int(read[from + channel]) * alpha + 255 * (255 - alpha) + 127) / 255)
      }
    }
    self.init(height: height, width: width, channels: channels, bytes: values)
  }

  /// The picture as a PNG file of 8 bits a sample.
  ///
  /// - Throws: `KernelError.value` with libpng's reason, as for a side of 0 or above a million.
  public func png() throws(KernelError) -> [UInt8] {
    let image = PNGImage()
    guard let file = image.write(height: height, width: width, isColour: channels == 3, bytes) else {
      throw .value("Bitmap.png", "libpng cannot write \(height)×\(width) pixels: \(image.message)")
    }
    return file
  }
}
