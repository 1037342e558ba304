/// Points in the plane, one colour a series; both axes have the same scale, so circles are round.
public struct ScatterChart: Chart {
  public var title: String
  public var caption: String
  public var series: [PointSeries]
  public var x: String
  public var y: String
  /// Of longer series every k-th point is drawn, so that about so many are left: a page must not weigh
  /// megabytes.
  public var most: Int
  /// The part of the plane that is drawn; nil takes that of the points. Points outside are left out.
  public var window: (x: ClosedRange<Double>, y: ClosedRange<Double>)?

  public init(
    title: String, caption: String, x: String, y: String, series: [PointSeries], most: Int = 2000,
    window: (x: ClosedRange<Double>, y: ClosedRange<Double>)? = nil
  ) {
    self.title = title
    self.caption = caption
    self.x = x
    self.y = y
    self.series = series
    self.most = most
    self.window = window
  }

  /// Larger numbers are no places on a page, and sums of them overflow.
  private static let limit = 1e30

  /// What is drawn of a series.
  func shown(_ series: PointSeries) -> [(x: Double, y: Double)] {
    let inside = series.points.filter { point in
      guard abs(point.x) < Self.limit, abs(point.y) < Self.limit else { return false }
      return window.map { $0.x.contains(point.x) && $0.y.contains(point.y) } ?? true
    }
    let share = Double(max(1, most)) / Double(max(1, inside.count))
    guard share < 1 else { return inside }
    // Every k-th point would see one mode only where modes take turns; multiples of the golden ratio have no
    // period.
    let ratio = (5.0.squareRoot() - 1) / 2
    return inside.indices.filter { (Double($0) * ratio).truncatingRemainder(dividingBy: 1) < share }.map {
      inside[$0]
    }
  }

  public func svg(width: Double) -> String {
    let drawn = series.map(shown)
    let key = Legend(series.map(\.name), width: width - 74)
    let left = 54.0
    let right = width - 20
    let top = 26.0 + key.height
    // Taller pages than wide ones are tiresome; a flat cloud gets a flat frame.
    let room = right - left
    let (xs, ys) = (
      ends(drawn.joined().map(\.x), window?.x), ends(drawn.joined().map(\.y), window?.y)
    )
    let height = min(room, max(120, room * (ys.high - ys.low) / (xs.high - xs.low)))
    let bottom = top + height
    let unit = max((xs.high - xs.low) / room, (ys.high - ys.low) / height)
    let xScale = scale(xs, unit * room, to: (left, right), count: width < 450 ? 4 : 6)
    let yScale = scale(ys, unit * height, to: (bottom, top), count: 5)
    var canvas = Canvas(width: width, height: bottom + 44)
    for tick in yScale.ticks {
      canvas.line(left, yScale(tick), right, yScale(tick), "grid")
      canvas.text(left - 8, yScale(tick) + 4, yScale.label(tick), anchor: "end")
    }
    for tick in xScale.ticks {
      canvas.line(xScale(tick), top, xScale(tick), bottom, "grid")
      canvas.text(xScale(tick), bottom + 18, xScale.label(tick))
    }
    canvas.text((left + right) / 2, bottom + 38, x, "axis-name")
    canvas.text(left, top - 10, y, "axis-name", anchor: "start")
    key.draw(on: &canvas, x: left, y: 4)
    for (index, points) in drawn.enumerated() {
      canvas.dots(points.map { (x: xScale($0.x), y: yScale($0.y)) }, "cloud s\(index % 6)")
    }
    return canvas.svg(title: title, description: caption)
  }

  private func ends(_ values: [Double], _ window: ClosedRange<Double>?) -> (low: Double, high: Double) {
    let low = window?.lowerBound ?? values.min() ?? 0
    let high = window?.upperBound ?? values.max() ?? 1
    guard abs(low) < Self.limit, abs(high) < Self.limit else { return (0, 1) }
    // One place has no scale of its own.
    let room = max(1, abs(low)) * 0.1
    return high > low ? (low, high) : (low - room, high + room)
  }

  /// A scale over `length` around the middle of two ends.
  private func scale(
    _ ends: (low: Double, high: Double), _ length: Double, to range: (from: Double, to: Double), count: Int
  ) -> Scale {
    let middle = ends.low / 2 + ends.high / 2
    return Scale([middle - length / 2, middle + length / 2], to: range, count: count, rounded: false)
  }
}
