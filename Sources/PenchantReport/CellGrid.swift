import Foundation

/// Coloured cells with names at the left and on top; what `HeatMap` and `MatrixTable` share.
struct CellGrid {
  var rows: [String]
  var columns: [String]
  /// [rows][columns]
  var values: [[Double?]]
  /// The absolute value of the full colour.
  var limit: Double
  /// What the values are, below.
  var key: String
  /// Tree of the rows, drawn at the right; `rows` stand in its order.
  var tree: Dendrogram?
  /// Cells with a frame.
  var isFramed: (_ row: Int, _ column: Int) -> Bool = { _, _ in false }
  /// A number for each row at the right, marked with a triangle when told so.
  var side: (name: String, values: [(text: String, isMarked: Bool)])?

  /// Cells narrower than this have no text.
  private static let cellWithText = 28.0
  /// From here on text has two places behind the point.
  private static let cellWithTwoPlaces = 37.0
  /// Longest run of a name on top, in CSS pixels.
  private static let longestHeader = 190.0

  func svg(width: Double, title: String, description: String) -> String {
    let column = NameColumn(rows, width: width, share: width < 450 ? 0.3 : 0.24, least: width < 450 ? 18 : 22)
    let treeRoom = tree == nil ? 0 : width < 450 ? 24.0 : 56
    let sideRoom = side == nil ? 0 : width < 450 ? 34.0 : 58
    // Whole pixels: sharp edges, and shorter numbers in a page with thousands of cells.
    let left = column.width.rounded(.up)
    let right = width - max(4, treeRoom + sideRoom)
    let cell = min(64, max(1, ((right - left) / Double(max(1, columns.count))).rounded(.down)))
    let perHeader = max(1, Int(cell / Lettering.lineHeight))
    // A header breaks between words only, unless a word is longer than there is room for.
    let pieces = perHeader == 1 ? columns : columns.flatMap { $0.split(separator: " ").map(String.init) }
    let headerRoom = min(Self.longestHeader, 1 + (pieces.map { Lettering.width($0) }.max() ?? 0))
    let headers = columns.map { Lettering.lines($0, width: headerRoom, most: perHeader) }
    let top = (10 + (headers.joined().map { Lettering.width($0) }.max() ?? 0)).rounded(.up)
    let end = left + cell * Double(columns.count)
    let bottom = top + column.height
    var canvas = Canvas(width: width, height: bottom + 56)
    column.draw(on: &canvas, top: top)
    for (index, lines) in headers.enumerated() {
      let middle = left + cell * (Double(index) + 0.5)
      for (place, line) in lines.enumerated() {
        let x = middle + 4 + Lettering.lineHeight * (Double(place) - Double(lines.count - 1) / 2)
        canvas.text(x, top - 6, line, "row-name", anchor: "start", turned: true)
      }
    }
    canvas.group("cells") { canvas in
      for row in rows.indices {
        for index in columns.indices {
          drawCell(
            row, index, on: &canvas, x: left + cell * Double(index), y: top + column.top(row), width: cell,
            height: column.height(row))
        }
      }
    }
    if let side {
      canvas.text(end + sideRoom / 2, top - 6, side.name, "axis-name")
      for (row, value) in side.values.enumerated() where row < rows.count {
        let y = top + column.middle(row)
        canvas.text(end + sideRoom - (width < 450 ? 10 : 22), y + 4, value.text, anchor: "end")
        if value.isMarked { canvas.warning(end + sideRoom - 3, y, hint: "\(rows[row]): \(value.text)") }
      }
    }
    if let tree { draw(tree, on: &canvas, column: column, top: top, from: end + 4, to: width - 6) }
    drawKey(on: &canvas, left: left, y: bottom + 14, room: min(200, end - left))
    return canvas.svg(title: title, description: description)
  }

  private func drawCell(
    _ row: Int, _ column: Int, on canvas: inout Canvas, x: Double, y: Double, width: Double, height: Double
  ) {
    guard row < values.count, column < values[row].count, let value = values[row][column], value.isFinite
    else { return }
    let depth = limit > 0 ? min(1, abs(value) / limit) : 0
    let hasText = width >= Self.cellWithText
    // No hint where nobody hovers: narrow cells are those of a telephone.
    canvas.cell(
      x, y, width, height, value < 0 ? "minus" : "plus", opacity: 0.04 + 0.92 * depth,
      hint: hasText ? "\(rows[row]), \(columns[column]): \(decimal(value, plus: true))" : "")
    if isFramed(row, column) { canvas.rectangle(x + 1.5, y + 1.5, width - 3, height - 3, "frame") }
    if hasText {
      canvas.text(
        x + width / 2, (y + height / 2 + 4).rounded(),
        decimal(value, width >= Self.cellWithTwoPlaces ? 2 : 1),
        depth > 0.85 ? "deep" : "", anchor: "")
    }
  }

  /// Brackets whose depth is the distance of what they join.
  private func draw(
    _ tree: Dendrogram, on canvas: inout Canvas, column: NameColumn, top: Double, from left: Double,
    to right: Double
  ) {
    let most = tree.merges.map(\.height).max() ?? 0
    guard most > 0 else { return }
    var nodes = [(x: Double, y: Double)](repeating: (left, 0), count: rows.count)
    for (place, row) in tree.order.enumerated() { nodes[row] = (left, top + column.middle(place)) }
    for merge in tree.merges {
      let a = nodes[merge.first]
      let b = nodes[merge.second]
      let x = left + (right - left) * merge.height / most
      canvas.path([a, (x, a.y), (x, b.y), b], "tree")
      nodes.append((x, (a.y + b.y) / 2))
    }
  }

  private func drawKey(on canvas: inout Canvas, left: Double, y: Double, room: Double) {
    let steps = 11
    let step = room / Double(steps)
    for index in 0..<steps {
      let value = 2 * Double(index) / Double(steps - 1) - 1
      canvas.cell(
        left + step * Double(index), y, step, 8, value < 0 ? "minus" : "plus",
        opacity: 0.04 + 0.92 * abs(value))
    }
    canvas.text(left, y + 22, decimal(-limit, 1, plus: true), anchor: "start")
    canvas.text(left + room / 2, y + 22, "0")
    canvas.text(left + room, y + 22, decimal(limit, 1, plus: true), anchor: "end")
    canvas.text(6, y + 36, key, "axis-name", anchor: "start")
  }
}
