/// Names of rows at the left of a chart, in as many lines as they need, and with that the rows' heights.
struct NameColumn {
  /// Of the names with the gap behind them, in CSS pixels.
  let width: Double
  let height: Double
  private let names: [String]
  private let lines: [[String]]
  private let tops: [Double]
  private let heights: [Double]

  /// - Parameter least: height of a row whose name takes one line.
  init(_ names: [String], width: Double, share: Double = 0.38, least: Double = 20) {
    let longest = names.map { Lettering.width($0) }.max() ?? 0
    let room = min(longest + 1, max(60, width * share - 16))
    self.names = names
    self.width = room + 16
    lines = names.map { Lettering.lines($0, width: room) }
    heights = lines.map { max(least, Lettering.lineHeight * Double($0.count) + 6) }
    var tops: [Double] = []
    var y = 0.0
    for height in heights {
      tops.append(y)
      y += height
    }
    self.tops = tops
    height = y
  }

  func top(_ row: Int) -> Double { tops[row] }
  func height(_ row: Int) -> Double { heights[row] }
  func middle(_ row: Int) -> Double { tops[row] + heights[row] / 2 }

  func draw(on canvas: inout Canvas, top: Double) {
    canvas.group("names") { canvas in
      for row in lines.indices { canvas.lines(width - 8, top + middle(row), lines[row], "", anchor: "") }
    }
  }
}
