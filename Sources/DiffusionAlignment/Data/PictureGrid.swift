import PenchantKernels

/// Pictures of a sample set beside each other, magnified so that small ones can be seen.
public struct PictureGrid: Sendable {
  /// Pictures in a row.
  public var columns: Int
  /// Pixels on paper for a pixel of a sample, a side; nil makes the shorter side of a picture 48 pixels or
  /// more.
  public var magnification: Int?
  /// Pixels between pictures and around them, in the grey of `gapValue`.
  public var gap: Int

  /// Neither paper of a light page nor of a dark one, nor the black or white of a picture.
  static let gapValue: UInt8 = 128
  private static let shorterSide = 48

  public init(columns: Int, magnification: Int? = nil, gap: Int = 2) {
    self.columns = columns
    self.magnification = magnification
    self.gap = gap
  }

  /// The grid of some samples, or of all, row by row. Values are cut to -1...1, NaN is drawn as -1.
  ///
  /// - Throws: `KernelError.shape` for samples that are no pictures of 1 or 3 channels and rows that are not
  ///   there; `.value` for a grid of no column or above 2^26 pixels.
  public func bitmap(_ samples: SampleSet, rows: [Int]? = nil) throws(KernelError) -> Bitmap {
    let rows = rows ?? Array(0..<samples.count)
    let shape = samples.shape
    guard shape.isPicture else {
      throw .shape("PictureGrid", "samples of \(shape); pictures of 1 or 3 channels can be drawn")
    }
    if let row = rows.first(where: { !(0..<samples.count ~= $0) }) {
      throw .shape("PictureGrid", "row \(row) of \(samples.count) samples")
    }
    let scale = magnification ?? max(1, (Self.shorterSide - 1) / min(shape.height, shape.width) + 1)
    let most = Bitmap.pixelLimit
    guard 1...most ~= columns, 1...most ~= scale, 0...most ~= gap, !rows.isEmpty else {
      throw .value(
        "PictureGrid",
        "\(rows.count) pictures in \(columns) columns, magnified \(scale) times, \(gap) pixels between")
    }
    let across = min(columns, rows.count)
    let down = (rows.count - 1) / across + 1
    guard let width = Self.side(across, shape.width, scale, gap),
      let height = Self.side(down, shape.height, scale, gap),
      width.multipliedReportingOverflow(by: height).overflow == false,
      width * height <= most
    else {
      throw .value(
        "PictureGrid",
        "\(rows.count) pictures of \(shape) magnified \(scale) times are more than \(most) pixels")
    }
    let channels = shape.channels
    var bytes = [UInt8](repeating: Self.gapValue, count: width * height * channels)
    for (place, row) in rows.enumerated() {
      let left = gap + place % across * (shape.width * scale + gap)
      let top = gap + place / across * (shape.height * scale + gap)
      let picture = samples[row].map(Self.byte)
      for y in 0..<shape.height * scale {
        for x in 0..<shape.width * scale {
          let from = (y / scale * shape.width + x / scale) * channels
          let to = ((top + y) * width + left + x) * channels
          for channel in 0..<channels { bytes[to + channel] = picture[from + channel] }
        }
      }
    }
    return Bitmap(height: height, width: width, channels: channels, bytes: bytes)
  }

  /// `count` sides magnified, with gaps between and around them; nil when that overflows.
  private static func side(_ count: Int, _ side: Int, _ scale: Int, _ gap: Int) -> Int? {
    let cell = side.multipliedReportingOverflow(by: scale)
    let step = cell.partialValue.addingReportingOverflow(gap)
    let all = step.partialValue.multipliedReportingOverflow(by: count)
    let whole = all.partialValue.addingReportingOverflow(gap)
    return cell.overflow || step.overflow || all.overflow || whole.overflow ? nil : whole.partialValue
  }

  /// -1...1 as 0...255.
  private static func byte(_ value: Float) -> UInt8 {
    guard value > -1 else { return 0 }
    return UInt8(((min(value, 1) + 1) * 127.5).rounded())
  }
}
