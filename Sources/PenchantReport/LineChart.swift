/// Lines over a shared x axis: loss over steps.
public struct LineChart: Chart {
  public struct Series: Sendable {
    public var name: String
    public var points: [(x: Double, y: Double)]
    public init(_ name: String, _ points: [(x: Double, y: Double)]) {
      self.name = name
      self.points = points
    }
  }
  public var title: String
  public var caption: String
  public var series: [Series]
  public var x: String
  public var y: String

  public init(title: String, caption: String, x: String, y: String, series: [Series]) {
    self.title = title
    self.caption = caption
    self.x = x
    self.y = y
    self.series = series
  }

  public var svg: String {
    var canvas = Canvas(width: 560, height: 300)
    let left = 54.0
    let right = 540.0
    let top = 26.0
    let bottom = 256.0
    let points = series.flatMap(\.points)
    let xs = Scale(points.map(\.x), to: (left, right), count: 6, rounded: false)
    let ys = Scale(points.map(\.y), to: (bottom, top))
    for tick in ys.ticks {
      canvas.line(left, ys(tick), right, ys(tick), "grid")
      canvas.text(left - 8, ys(tick) + 4, ys.label(tick), anchor: "end")
    }
    for tick in xs.ticks { canvas.text(xs(tick), bottom + 18, xs.label(tick)) }
    canvas.line(left, bottom, right, bottom, "axis")
    canvas.text((left + right) / 2, bottom + 38, x, "axis-name")
    canvas.text(left, top - 10, y, "axis-name", anchor: "start")
    var legend = right - series.map { 34 + 7 * Double($0.name.count) }.reduce(0, +)
    for (index, line) in series.enumerated() {
      let shown = line.points.filter { $0.x.isFinite && $0.y.isFinite }.map { (x: xs($0.x), y: ys($0.y)) }
      canvas.path(shown, "series s\(index % 6)")
      if shown.count == 1 { canvas.circle(shown[0].x, shown[0].y, 3, "dot f\(index % 6)") }
      canvas.line(legend, top - 14, legend + 18, top - 14, "series s\(index % 6)")
      canvas.text(legend + 23, top - 10, line.name, anchor: "start")
      legend += 34 + 7 * Double(line.name.count)
    }
    return canvas.svg(title: "\(title). \(caption)")
  }
}
