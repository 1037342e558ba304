import PenchantKernels

/// What one sample is: a picture, or a point when height and width are 1.
///
/// Values of a sample lie row by row, pixel by pixel, channels last (NHWC), as convolutions of the tape read
/// them.
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
  /// Whether samples can be drawn in grey or colour; latents cannot.
  public var isPicture: Bool { !isPoint && (channels == 1 || channels == 3) }
}

extension SampleShape: CustomStringConvertible {
  public var description: String {
    isPoint ? "\(channels) coordinates" : "\(height)×\(width), \(channels) channel\(channels == 1 ? "" : "s")"
  }
}

extension SampleShape {
  /// Values of the largest sample: a colour picture of 4096 pixels a side has fewer.
  static let countLimit = 1 << 26

  /// Height, width and perhaps channels, as `8x8` or `28×28×3`; one number is a point with so many
  /// coordinates.
  ///
  /// - Throws: `KernelError.value` for other text, and for sizes that are 0 or too large.
  public init(_ text: String) throws(KernelError) {
    let sides = text.split(omittingEmptySubsequences: false) { $0 == "x" || $0 == "X" || $0 == "×" }.map {
      Int($0)
    }
    switch (sides.count, sides.contains(nil)) {
    case (1, false): self = .point(sides[0] ?? 0)
    case (2...3, false):
      self.init(
        height: sides[0] ?? 0, width: sides[1] ?? 0, channels: sides.count == 3 ? sides[2] ?? 0 : 1)
    default:
      throw .value(
        "SampleShape", "\"\(text.prefix(40))\" is no size; write height and width as 28x28, or 28x28x3")
    }
    try validate("SampleShape")
  }

  /// - Throws: `KernelError.value` unless every side is 1 or more and a sample has at most 2^26 values.
  func validate(_ call: String) throws(KernelError) {
    let area = height.multipliedReportingOverflow(by: width)
    let all = area.partialValue.multipliedReportingOverflow(by: channels)
    guard min(height, width, channels) >= 1, !area.overflow, !all.overflow,
      all.partialValue <= Self.countLimit
    else {
      throw .value(
        call,
        "a size of \(height)×\(width)×\(channels); sides of 1 or more and at most \(Self.countLimit) values "
          + "are possible")
    }
  }
}
