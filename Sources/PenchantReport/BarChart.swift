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

  public var svg: String {
    let names = series.first?.rows.map(\.name) ?? []
    let bar = series.count > 1 ? 11.0 : 14.0
    let row = bar * Double(series.count) + 8
    let top = series.count > 1 ? 34.0 : 16.0
    let bottom = top + row * Double(names.count)
    let left = 60 + 6.2 * Double(min(34, names.map(\.count).max() ?? 0))
    let right = 640.0
    var canvas = Canvas(width: 680, height: bottom + 44)
    let values = series.flatMap { $0.rows.flatMap { [$0.value, $0.low ?? $0.value, $0.high ?? $0.value] } }
    let xs = Scale(values, to: (left, right), including: [from] + (mark.map { [$0.value] } ?? []))
    for tick in xs.ticks {
      canvas.line(xs(tick), top, xs(tick), bottom, "grid")
      canvas.text(xs(tick), bottom + 16, xs.label(tick))
    }
    var legend = left
    for (place, line) in series.enumerated() {
      for (index, item) in line.rows.enumerated() {
        let y = top + row * Double(index) + 4 + bar * Double(place)
        if place == 0 {
          let name = item.name.count > 34 ? item.name.prefix(33) + "…" : item.name[...]
          canvas.text(left - 8, top + row * (Double(index) + 0.5) + 4, String(name), anchor: "end")
        }
        guard item.value.isFinite else { continue }
        var hint = "\(line.name) \(item.name): " + String(format: "%.3f", item.value)
        if let low = item.low, let high = item.high { hint += String(format: " (%.3f to %.3f)", low, high) }
        let base = xs(max(xs.domain.lowerBound, from))
        canvas.rectangle(
          min(base, xs(item.value)), y, abs(xs(item.value) - base), bar - 2, "bar f\(place % 6)", hint: hint)
        if let low = item.low, let high = item.high, low.isFinite, high.isFinite {
          let middle = y + (bar - 2) / 2
          canvas.line(xs(low), middle, xs(high), middle, "whisker")
          canvas.line(xs(low), middle - 3, xs(low), middle + 3, "whisker")
          canvas.line(xs(high), middle - 3, xs(high), middle + 3, "whisker")
        }
      }
      if series.count > 1 {
        canvas.rectangle(legend, 8, 12, 12, "bar f\(place % 6)")
        canvas.text(legend + 17, 18, line.name, anchor: "start")
        legend += 34 + 7 * Double(line.name.count)
      }
    }
    if let mark {
      canvas.line(xs(mark.value), top - 4, xs(mark.value), bottom, "diagonal")
      canvas.text(xs(mark.value), bottom + 34, mark.name, "axis-name")
    }
    canvas.line(left, bottom, right, bottom, "axis")
    canvas.text(right, bottom + 34, x, "axis-name", anchor: "end")
    return canvas.svg(title: "\(title). \(caption)")
  }
}
