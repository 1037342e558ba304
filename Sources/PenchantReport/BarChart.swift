import Foundation

/// Horizontal bars with intervals, one row a group: accuracy by community.
public struct BarChart: Chart {
  public var isWide: Bool { true }
  public struct Row: Sendable {
    public var name: String
    public var value: Double
    public var low: Double?
    public var high: Double?
    public init(_ name: String, _ value: Double, low: Double? = nil, high: Double? = nil) {
      self.name = name
      self.value = value
      self.low = low
      self.high = high
    }
  }
  public var title: String
  public var caption: String
  public var series: [(name: String, rows: [Row])]
  /// A line across, such as the value of a coin or of all rows together.
  public var mark: (name: String, value: Double)?
  public var x: String
  public var from: Double

  public init(
    title: String, caption: String, x: String, from: Double = 0, series: [(name: String, rows: [Row])],
    mark: (name: String, value: Double)? = nil
  ) {
    self.title = title
    self.caption = caption
    self.x = x
    self.from = from
    self.series = series
    self.mark = mark
  }

  public func svg(width: Double) -> String {
    let names = series.first?.rows.map(\.name) ?? []
    let bar = series.count > 1 ? 11.0 : 14.0
    let column = NameColumn(names, width: width, least: bar * Double(series.count) + 8)
    let key = Legend(series.count > 1 ? series.map(\.name) : [], width: width - 12)
    let top = 12 + key.height
    let bottom = top + column.height
    let left = column.width
    let right = width - 24
    var canvas = Canvas(width: width, height: bottom + 56)
    let values = series.flatMap { $0.rows.flatMap { [$0.value, $0.low ?? $0.value, $0.high ?? $0.value] } }
    let xs = Scale(
      values, to: (left, right), including: [from] + (mark.map { [$0.value] } ?? []),
      count: width < 450 ? 3 : 6)
    for tick in xs.ticks {
      canvas.line(xs(tick), top, xs(tick), bottom, "grid")
      canvas.text(xs(tick), bottom + 16, xs.label(tick))
    }
    key.draw(on: &canvas, x: 6, y: 4)
    column.draw(on: &canvas, top: top)
    var whiskers: [(from: Double, to: Double, y: Double)] = []
    let base = xs(max(xs.domain.lowerBound, from))
    for (place, line) in series.enumerated() {
      for (index, item) in line.rows.enumerated() where item.value.isFinite && index < names.count {
        let y = top + column.middle(index) - bar * Double(series.count) / 2 + bar * Double(place)
        var hint = "\(line.name) \(item.name): " + String(format: "%.3f", item.value)
        if let low = item.low, let high = item.high { hint += String(format: " (%.3f to %.3f)", low, high) }
        canvas.rectangle(
          min(base, xs(item.value)), y, abs(xs(item.value) - base), bar - 2, "bar f\(place % 6)", hint: hint)
        if let low = item.low, let high = item.high {
          whiskers.append((xs(low), xs(high), y + (bar - 2) / 2))
        }
      }
    }
    canvas.whiskers(whiskers)
    if let mark {
      canvas.line(xs(mark.value), top - 4, xs(mark.value), bottom, "diagonal")
      canvas.text(xs(mark.value), bottom + 32, mark.name, "axis-name")
    }
    canvas.line(left, bottom, right, bottom, "axis")
    canvas.text(right, bottom + 48, x, "axis-name", anchor: "end")
    return canvas.svg(title: title, description: caption)
  }
}
