/// Parts that add up to a total, each starting where the one before ended: why one text wins over another.
public struct Waterfall: Chart {
  public var title: String
  public var caption: String
  public var parts: [(name: String, value: Double)]
  /// Parts below this many are joined into one, the smallest first.
  public var most: Int

  public init(title: String, caption: String, parts: [(name: String, value: Double)], most: Int = 12) {
    self.title = title
    self.caption = caption
    self.parts = parts
    self.most = most
  }

  public var total: Double { parts.reduce(0) { $0 + $1.value } }

  /// The first part, then the others from large to small; what is beyond `most` is one part.
  var shown: [(name: String, value: Double)] {
    guard let first = parts.first else { return [] }
    let rest = parts.dropFirst().enumerated().sorted {
      (-abs($0.element.value), $0.offset) < (-abs($1.element.value), $1.offset)
    }.map(\.element)
    guard rest.count >= most else { return [first] + rest }
    let joined = rest.dropFirst(most - 2)
    return [first] + rest.prefix(most - 2) + [
      (name: "\(joined.count) others together", value: joined.reduce(0) { $0 + $1.value })
    ]
  }

  public func svg(width: Double) -> String {
    let rows = shown
    let column = NameColumn(rows.map(\.name) + ["together"], width: width, least: 22)
    let top = 8.0
    let bottom = top + column.height
    let left = column.width + 40
    let right = width - 52
    var ends = [0.0]
    for row in rows { ends.append(ends[ends.count - 1] + row.value) }
    let xs = Scale(ends, to: (left, right), including: [0], count: width < 450 ? 3 : 6)
    var canvas = Canvas(width: width, height: bottom + 44)
    for tick in xs.ticks {
      canvas.line(xs(tick), top, xs(tick), bottom, tick == 0 ? "axis" : "grid")
      canvas.text(xs(tick), bottom + 16, decimal(tick, xs.digits, plus: true))
    }
    column.draw(on: &canvas, top: top)
    for index in 0...rows.count {
      let isTotal = index == rows.count
      let value = isTotal ? total : rows[index].value
      let from = isTotal ? 0 : ends[index]
      let to = from + value
      let name = isTotal ? "together" : rows[index].name
      let y = top + column.middle(index)
      canvas.rectangle(
        xs(min(from, to)), y - 7, max(1, abs(xs(to) - xs(from))), 14,
        isTotal ? "total" : value < 0 ? "minus" : "plus", hint: "\(name): \(decimal(value, 3, plus: true))")
      if value < 0 {
        canvas.text(xs(to) - 4, y + 4, decimal(value, plus: true), anchor: "end")
      } else {
        canvas.text(xs(to) + 4, y + 4, decimal(value, plus: true), anchor: "start")
      }
      if !isTotal {
        canvas.line(xs(to), y + 7, xs(to), top + column.middle(index + 1) - 7, "link")
      }
    }
    canvas.text(width - 8, bottom + 36, "log-odds for the chosen text", "axis-name", anchor: "end")
    return canvas.svg(title: title, description: caption)
  }
}
