import Foundation

/// A PNG picture within the page, its pixels kept as squares when it is shown larger.
public struct Picture: Chart {
  public var title: String
  public var caption: String
  /// What can be seen, for those who cannot see it.
  public var alternative: String
  /// The file.
  public var png: [UInt8]
  /// Pixels of the file.
  public var width: Int
  public var height: Int
  public var isWide: Bool

  public init(
    title: String, caption: String, alternative: String, png: [UInt8], width: Int, height: Int,
    isWide: Bool = false
  ) {
    self.title = title
    self.caption = caption
    self.alternative = alternative
    self.png = png
    self.width = width
    self.height = height
    self.isWide = isWide
  }

  /// One drawing for all widths: a second one would carry the file twice.
  public var widths: [Double] { [isWide ? 860 : 560] }

  /// The picture as wide as the column, or in its own size when that is less.
  public func svg(width column: Double) -> String {
    let (across, down) = (Double(max(1, width)), Double(max(1, height)))
    let shown = min(column, across)
    let data = Data(png).base64EncodedString()
    var canvas = Canvas(width: column, height: shown * down / across)
    canvas.image("data:image/png;base64,\(data)", width: shown, height: shown * down / across)
    return canvas.svg(title: alternative, description: caption)
  }
}
