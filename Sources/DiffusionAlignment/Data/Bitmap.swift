/// A picture of bytes as files have it: grey or RGB, row by row, channels last.
public struct Bitmap: Sendable, Equatable {
  public let height: Int
  public let width: Int
  /// 1 (grey) or 3 (red, green, blue).
  public let channels: Int
  /// `[height, width, channels]`.
  public let bytes: [UInt8]

  /// A picture whose bytes are known to fit.
  init(height: Int, width: Int, channels: Int, bytes: [UInt8]) {
    self.height = height
    self.width = width
    self.channels = channels
    self.bytes = bytes
  }

  public var shape: SampleShape { SampleShape(height: height, width: width, channels: channels) }

  /// 0...255 as -1...1.
  var values: [Float] { bytes.map { Float($0) / 127.5 - 1 } }

  /// The same picture with three channels.
  var inColour: Bitmap {
    guard channels == 1 else { return self }
    return Bitmap(
      height: height, width: width, channels: 3, bytes: bytes.flatMap { repeatElement($0, count: 3) })
  }
}
