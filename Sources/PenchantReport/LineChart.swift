/// Lines over a shared x axis: loss over steps.
public struct LineChart: Chart {
  public var title: String
  public var caption: String
  public var series: [PointSeries]
  public var x: String
  public var y: String

  public init(title: String, caption: String, x: String, y: String, series: [PointSeries]) {
    self.title = title
    self.caption = caption
    self.x = x
    self.y = y
    self.series = series
  }

  public func svg(width: Double) -> String {
    let key = Legend(series.map(\.name), width: width - 74)
    let left = 54.0
    let right = width - 20
    let top = 26.0 + key.height
    let bottom = top + 230
    var canvas = Canvas(width: width, height: bottom + 44)
    let points = series.flatMap(\.points)
    let xs = Scale(points.map(\.x), to: (left, right), count: width < 450 ? 4 : 6, rounded: false)
    let ys = Scale(points.map(\.y), to: (bottom, top))
    for tick in ys.ticks {
      canvas.line(left, ys(tick), right, ys(tick), "grid")
      canvas.text(left - 8, ys(tick) + 4, ys.label(tick), anchor: "end")
    }
    for tick in xs.ticks { canvas.text(xs(tick), bottom + 18, xs.label(tick)) }
    canvas.line(left, bottom, right, bottom, "axis")
    canvas.text((left + right) / 2, bottom + 38, x, "axis-name")
    canvas.text(left, top - 10, y, "axis-name", anchor: "start")
    key.draw(on: &canvas, x: left, y: 4)
    for (index, line) in series.enumerated() {
      let shown = line.points.filter { $0.x.isFinite && $0.y.isFinite }.map { (x: xs($0.x), y: ys($0.y)) }
      canvas.path(shown, "series s\(index % 6)")
      if shown.count == 1 { canvas.circle(shown[0].x, shown[0].y, 3, "dot f\(index % 6)") }
    }
    return canvas.svg(title: title, description: caption)
  }
}
