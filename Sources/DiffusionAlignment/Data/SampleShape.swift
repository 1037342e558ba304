/// What one sample is: a picture, or a point when height and width are 1.
///
/// Values of a sample lie row by row, pixel by pixel, channels last (NHWC), as convolutions of the tape read them.
public struct SampleShape: Sendable, Hashable, Codable {
  public var height: Int
  public var width: Int
  public var channels: Int

  public init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// A point with so many coordinates.
  public static func point(_ coordinates: Int) -> SampleShape {
    SampleShape(height: 1, width: 1, channels: coordinates)
  }

  /// Values of one sample.
  public var count: Int { height * width * channels }
  public var isPoint: Bool { height == 1 && width == 1 }
}

extension SampleShape: CustomStringConvertible {
  public var description: String {
    isPoint ? "\(channels) coordinates" : "\(height)×\(width), \(channels) channel\(channels == 1 ? "" : "s")"
  }
}
