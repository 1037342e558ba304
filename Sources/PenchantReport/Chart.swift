import Foundation

/// A picture as inline SVG. Colours are classes, so the page's style sheet decides light, dark and print.
public protocol Chart: Sendable {
  var title: String { get }
  /// A sentence that says what is to be seen, also read by screen readers.
  var caption: String { get }
  var svg: String { get }
  /// Whether it takes a row of the page for itself.
  var isWide: Bool { get }
}

extension Chart {
  public var isWide: Bool { false }
}

/// Elements of a drawing.
struct Canvas {
  let width: Double
  let height: Double
  private(set) var body = ""

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    body += "<line x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\" class=\"\(style)\"/>\n"
  }

  mutating func path(_ points: [(x: Double, y: Double)], _ style: String, closed: Bool = false) {
    guard let first = points.first else { return }
    let rest = points.dropFirst().map { "L\(n($0.x)) \(n($0.y))" }.joined()
    body += "<path d=\"M\(n(first.x)) \(n(first.y))\(rest)\(closed ? "Z" : "")\" class=\"\(style)\"/>\n"
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ w: Double, _ h: Double, _ style: String, hint: String = ""
  ) {
    let title = hint.isEmpty ? "/>" : "><title>\(escape(hint))</title></rect>"
    body +=
      "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(max(0, w)))\" height=\"\(n(max(0, h)))\" class=\"\(style)\"\(title)\n"
  }

  mutating func circle(_ x: Double, _ y: Double, _ r: Double, _ style: String, hint: String = "") {
    let title = hint.isEmpty ? "/>" : "><title>\(escape(hint))</title></circle>"
    body += "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"\(n(r))\" class=\"\(style)\"\(title)\n"
  }

  mutating func text(
    _ x: Double, _ y: Double, _ text: String, _ style: String = "label", anchor: String = "middle"
  ) {
    body +=
      "<text x=\"\(n(x))\" y=\"\(n(y))\" class=\"\(style)\" text-anchor=\"\(anchor)\">\(escape(text))</text>\n"
  }

  func svg(title: String) -> String {
    "<svg viewBox=\"0 0 \(n(width)) \(n(height))\" role=\"img\" aria-label=\"\(escape(title))\" xmlns=\"http://www.w3.org/2000/svg\">\n"
      + body + "</svg>"
  }

  private func n(_ x: Double) -> String {
    guard x.isFinite else { return "0" }
    let text = String(format: "%.1f", x)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

/// Text made safe for HTML and SVG, attribute values too.
public func escape(_ text: String) -> String {
  var out = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": out += "&amp;"
    case "<": out += "&lt;"
    case ">": out += "&gt;"
    case "\"": out += "&quot;"
    case "'": out += "&#39;"
    // XML has no room for other control characters, not even escaped.
    case "\n", "\t": out.unicodeScalars.append(scalar)
    case _ where scalar.value < 0x20: out += "\u{FFFD}"
    default: out.unicodeScalars.append(scalar)
    }
  }
  return out
}
