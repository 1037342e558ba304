import Foundation

/// Stated chance against observed share, one dot a bin; the diagonal is perfect.
public struct CalibrationChart: Chart {
  public struct Bin: Sendable {
    public var confidence: Double
    public var accuracy: Double
    public var count: Int
    public init(confidence: Double, accuracy: Double, count: Int) {
      self.confidence = confidence
      self.accuracy = accuracy
      self.count = count
    }
  }
  public var title: String
  public var caption: String
  public var series: [(name: String, bins: [Bin])]

  public init(title: String, caption: String, series: [(name: String, bins: [Bin])]) {
    self.title = title
    self.caption = caption
    self.series = series
  }

  public func svg(width: Double) -> String {
    var canvas = Canvas(width: width, height: 360)
    let left = 44.0
    let right = width - 20
    let top = 16.0
    let bottom = 308.0
    let accuracies = series.flatMap { $0.bins.filter { $0.count > 0 }.map(\.accuracy) }
    let xs = Scale([0.5, 1], to: (left, right), count: 5)
    let ys = Scale([0.5, 1] + accuracies, to: (bottom, top), count: 5)
    for tick in ys.ticks {
      canvas.line(left, ys(tick), right, ys(tick), "grid")
      canvas.text(left - 8, ys(tick) + 4, ys.label(tick), anchor: "end")
    }
    for tick in xs.ticks { canvas.text(xs(tick), bottom + 18, xs.label(tick)) }
    canvas.line(left, bottom, right, bottom, "axis")
    canvas.line(xs(0.5), ys(0.5), xs(1), ys(1), "diagonal")
    canvas.text(
      (left + right) / 2, bottom + 38, "chance that the model states", "axis-name")
    canvas.text(left, top - 4, "share it was right", "axis-name", anchor: "start")
    for (index, line) in series.enumerated() {
      let bins = line.bins.filter { $0.count > 0 }
      canvas.path(bins.map { (x: xs($0.confidence), y: ys($0.accuracy)) }, "series s\(index % 6)")
      let most = Double(bins.map(\.count).max() ?? 1)
      for bin in bins {
        let hint = String(
          format: "%d pairs: says %.3f, right %.3f", bin.count, bin.confidence, bin.accuracy)
        canvas.circle(
          xs(bin.confidence), ys(bin.accuracy), 2.5 + 5 * (Double(bin.count) / most).squareRoot(),
          "dot f\(index % 6)", hint: "\(line.name), \(hint)")
      }
      let y = top + 14 + 18 * Double(index)
      canvas.circle(left + 20, y - 4, 4, "dot f\(index % 6)")
      canvas.text(left + 32, y, line.name, anchor: "start")
    }
    return canvas.svg(title: title, description: caption)
  }
}
