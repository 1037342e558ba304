import Foundation

/// Elements of a drawing.
struct Canvas {
  let width: Double
  /// May be set when the last element is known.
  var height: Double
  private(set) var body = ""

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    body += "<line x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\" class=\"\(style)\"/>\n"
  }

  mutating func path(_ points: [(x: Double, y: Double)], _ style: String, closed: Bool = false) {
    paths([points], style, closed: closed)
  }

  /// Lines that look the same, one element for all.
  mutating func paths(_ lines: [[(x: Double, y: Double)]], _ style: String, closed: Bool = false) {
    let drawn = lines.filter { !$0.isEmpty }.map { points in
      "M" + points.map { "\(n($0.x)) \(n($0.y))" }.joined(separator: "L") + (closed ? "Z" : "")
    }
    guard !drawn.isEmpty else { return }
    body += "<path d=\"\(drawn.joined())\" class=\"\(style)\"/>\n"
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
    let name = style.isEmpty ? "" : " class=\"\(style)\""
    body += "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"\(n(r))\"\(name)\(title)\n"
  }

  mutating func text(
    _ x: Double, _ y: Double, _ text: String, _ style: String = "label", anchor: String = "middle",
    turned: Bool = false
  ) {
    let turn = turned ? " transform=\"rotate(-90 \(n(x)) \(n(y)))\"" : ""
    let side = anchor == "start" || anchor.isEmpty ? "" : " text-anchor=\"\(anchor)\""
    let name = style.isEmpty ? "" : " class=\"\(style)\""
    body += "<text x=\"\(n(x))\" y=\"\(n(y))\"\(name)\(side)\(turn)>\(escape(text))</text>\n"
  }

  /// Lines of text with their middle at `y`.
  mutating func lines(
    _ x: Double, _ y: Double, _ lines: [String], _ style: String = "label", anchor: String = "end"
  ) {
    let first = y + 4 - Lettering.lineHeight * Double(lines.count - 1) / 2
    for (index, line) in lines.enumerated() {
      text(x, first + Lettering.lineHeight * Double(index), line, style, anchor: anchor)
    }
  }

  /// Intervals with their two ends, one path for all.
  mutating func whiskers(_ intervals: [(from: Double, to: Double, y: Double)]) {
    let shown = intervals.filter { $0.from.isFinite && $0.to.isFinite }
    guard !shown.isEmpty else { return }
    let paths = shown.map {
      "M\(n($0.from)) \(n($0.y))H\(n($0.to))M\(n($0.from)) \(n($0.y - 3))v6M\(n($0.to)) \(n($0.y - 3))v6"
    }
    body += "<path class=\"whisker\" d=\"\(paths.joined())\"/>\n"
  }

  /// What `draw` draws, under one class: elements inside need none of their own.
  mutating func group(_ style: String, _ draw: (inout Canvas) -> Void) {
    body += "<g class=\"\(style)\">\n"
    draw(&self)
    body += "</g>\n"
  }

  /// A filled rectangle in few letters: a page may have thousands.
  mutating func cell(
    _ x: Double, _ y: Double, _ w: Double, _ h: Double, _ style: String, opacity: Double = 1,
    hint: String = ""
  ) {
    let title = hint.isEmpty ? "/>" : "><title>\(escape(hint))</title></path>"
    let shade = opacity < 1 ? " fill-opacity=\"\(String(format: "%.2f", max(0, opacity)).dropFirst())\"" : ""
    body +=
      "<path class=\"\(style)\"\(shade) d=\"M\(n(x)) \(n(y))h\(n(w))v\(n(h))h\(n(-w))z\"\(title)\n"
  }

  /// Round dots in few letters, one path for all: lines without length that the style gives round ends.
  mutating func dots(_ places: [(x: Double, y: Double)], _ style: String) {
    guard !places.isEmpty else { return }
    let moves = places.map { "M\(n($0.x)) \(n($0.y))h0" }
    body += "<path d=\"\(moves.joined())\" class=\"\(style)\"/>\n"
  }

  /// A picture at the left upper corner, its pixels as squares.
  mutating func image(_ address: String, width: Double, height: Double) {
    body +=
      "<image class=\"pixels\" width=\"\(n(width))\" height=\"\(n(height))\" href=\"\(escape(address))\"/>\n"
  }

  /// A triangle with its middle at a place: look twice.
  mutating func warning(_ x: Double, _ y: Double, hint: String) {
    body +=
      "<path class=\"warning\" d=\"M\(n(x)) \(n(y - 6))l6.5 11h-13zm0 4v3.5m0 2v.3\"><title>\(escape(hint))</title></path>\n"
  }

  /// The drawing; `title` and `description` are its text alternative.
  func svg(title: String, description: String) -> String {
    "<svg viewBox=\"0 0 \(n(width)) \(n(height))\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">\n"
      + "<title>\(escape(title))</title><desc>\(escape(description))</desc>\n" + body + "</svg>"
  }

  private func n(_ x: Double) -> String {
    guard x.isFinite else { return "0" }
    let text = String(format: "%.1f", x)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
