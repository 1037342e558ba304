/// One panel of small multiples: how a value moves over ordered steps, a line a community, with interval bands.
///
/// For levels 1 … 5 of an attribute it is the community's response curve (PrefPalette, section 8, item 3), for periods
/// it is drift. More than six lines: give those to be read a highlight, the others are drawn pale.
public struct ResponseCurves: Chart {
  public struct Point: Sendable {
    /// Place among `labels`, from 0.
    public var step: Int
    public var value: Double
    public var low: Double?
    public var high: Double?
    public init(step: Int, value: Double, low: Double? = nil, high: Double? = nil) {
      self.step = step
      self.value = value
      self.low = low
      self.high = high
    }
  }
  public struct Line: Sendable {
    public var name: String
    public var points: [Point]
    public var isHighlighted: Bool
    public init(_ name: String, _ points: [Point], isHighlighted: Bool = true) {
      self.name = name
      self.points = points
      self.isHighlighted = isHighlighted
    }
  }
  public var title: String
  public var caption: String
  public var labels: [String]
  public var lines: [Line]
  /// What the steps are, below the axis.
  public var x: String
  /// Values that the axis must hold, so that panels beside each other can be compared.
  public var including: [Double]

  public init(
    title: String, caption: String, labels: [String], x: String, lines: [Line], including: [Double] = []
  ) {
    self.title = title
    self.caption = caption
    self.labels = labels
    self.x = x
    self.lines = lines
    self.including = including
  }

  public var widths: [Double] { [360] }

  public func svg(width: Double) -> String {
    let bright = lines.filter(\.isHighlighted)
    let key = Legend(bright.map(\.name), width: width - 20)
    let top = 10.0
    let bottom = top + 160
    let left = 46.0
    let right = width - 24
    var canvas = Canvas(width: width, height: bottom + 46 + key.height)
    let points = lines.flatMap(\.points)
    let bands = bright.flatMap(\.points).flatMap { [$0.low, $0.high].compactMap(\.self) }
    let ys = Scale(
      points.map(\.value) + bands, to: (bottom, top), including: including + [0], count: 4, rounded: false)
    let steps = Double(max(1, labels.count - 1))
    let place = { (step: Int) in left + 10 + (right - left - 20) * Double(step) / steps }
    for tick in ys.ticks {
      canvas.line(left, ys(tick), right, ys(tick), tick == 0 ? "axis" : "grid")
      canvas.text(left - 6, ys(tick) + 4, decimal(tick, ys.digits, plus: true), anchor: "end")
    }
    // Labels that would touch are left out; the first and the last stay.
    let widest = labels.map { Lettering.width($0) + 8 }.max() ?? 0
    let stride = max(1, Int((widest / ((right - left - 20) / steps)).rounded(.up)))
    for (step, label) in labels.enumerated() where step % stride == 0 {
      canvas.text(place(step), bottom + 16, label)
    }
    canvas.text(place(0), bottom + 34, x, "axis-name", anchor: "start")
    canvas.paths(
      lines.filter { !$0.isHighlighted }.map { $0.points.map { (x: place($0.step), y: ys($0.value)) } },
      "series faint")
    for (index, line) in bright.enumerated() {
      let band = line.points.filter { $0.low != nil && $0.high != nil }
      if band.count > 1 {
        canvas.path(
          band.map { (x: place($0.step), y: ys($0.high ?? $0.value)) }
            + band.reversed().map { (x: place($0.step), y: ys($0.low ?? $0.value)) },
          "band f\(index % 6)", closed: true)
      }
    }
    for (index, line) in bright.enumerated() {
      canvas.path(line.points.map { (x: place($0.step), y: ys($0.value)) }, "series s\(index % 6)")
      for point in line.points {
        var hint = "\(line.name), \(labels.indices.contains(point.step) ? labels[point.step] : ""): "
        hint += decimal(point.value, plus: true)
        if point.low != nil { hint += ", 95% \(interval(point.low, point.high))" }
        canvas.circle(place(point.step), ys(point.value), 3, "dot f\(index % 6)", hint: hint)
      }
    }
    key.draw(on: &canvas, x: 12, y: bottom + 46)
    return canvas.svg(title: title, description: caption)
  }
}
