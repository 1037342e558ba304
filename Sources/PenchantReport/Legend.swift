/// Coloured squares with names, in as many rows as the width needs.
struct Legend {
  private let items: [(lines: [String], x: Double, y: Double)]
  /// Of all rows, in CSS pixels; 0 when there is no name.
  let height: Double

  init(_ names: [String], width: Double) {
    var items: [(lines: [String], x: Double, y: Double)] = []
    var x = 0.0
    var y = 0.0
    var row = 0.0
    for name in names {
      let lines = Lettering.lines(name, width: width - 20, most: 3)
      let room = 20 + (lines.map { Lettering.width($0) }.max() ?? 0) + 14
      if x > 0, x + room > width + 14 {
        x = 0
        y += row
        row = 0
      }
      items.append((lines, x, y))
      x += room
      row = max(row, Lettering.lineHeight * Double(lines.count) + 4)
    }
    self.items = items
    height = names.isEmpty ? 0 : y + row + 4
  }

  func draw(on canvas: inout Canvas, x: Double, y: Double) {
    for (index, item) in items.enumerated() {
      canvas.rectangle(x + item.x, y + item.y, 12, 12, "bar f\(index % 6)")
      for (line, text) in item.lines.enumerated() {
        canvas.text(
          x + item.x + 18, y + item.y + 10 + Lettering.lineHeight * Double(line), text, anchor: "start")
      }
    }
  }
}
