/// A picture as inline SVG. Colours are classes, so the page's style sheet decides light, dark and print.
///
/// A chart is drawn for a width in CSS pixels, not scaled down to it: letters keep their size on a telephone.
public protocol Chart: Sendable {
  var title: String { get }
  /// A sentence that says what is to be seen, also read by screen readers.
  var caption: String { get }
  /// The drawing for a column `width` CSS pixels wide.
  func svg(width: Double) -> String
  /// Whether it takes a row of the page for itself.
  var isWide: Bool { get }
  /// Widths that it is drawn for: one, or a broad one and a narrow one between which the style sheet chooses.
  var widths: [Double] { get }
}

extension Chart {
  public var isWide: Bool { false }
  public var widths: [Double] { [isWide ? 860 : 560, 360] }

  /// Its drawings as they stand in the page.
  var markup: String {
    guard widths.count > 1 else { return svg(width: widths.first ?? 360) }
    return
      "<div class=\"broad\">\(svg(width: widths[0]))</div>\n<div class=\"narrow\">\(svg(width: widths[1]))</div>"
  }
}
