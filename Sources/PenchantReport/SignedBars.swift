import Foundation

/// Bars to both sides of zero with 95 % intervals, and a dot for the attention share beside each: the taste of a
/// community (PrefPalette, section 8: attention has no direction, so it is shown beside the weight, never alone).
public struct SignedBars: Chart {
  public struct Row: Sendable {
    public var name: String
    /// Log-odds for one standard deviation more of the attribute.
    public var value: Double
    public var low: Double?
    public var high: Double?
    /// Mean attention, a share of one.
    public var share: Double?
    /// Whether the effect stands out from chance; other bars are drawn pale.
    public var isFlagged: Bool
    public init(
      _ name: String, _ value: Double, low: Double? = nil, high: Double? = nil, share: Double? = nil,
      isFlagged: Bool = true
    ) {
      self.name = name
      self.value = value
      self.low = low
      self.high = high
      self.share = share
      self.isFlagged = isFlagged
    }
  }
  public var title: String
  public var caption: String
  public var rows: [Row]
  /// Values that the axis must hold, so that panels beside each other can be compared.
  public var including: [Double]
  /// The attention share at the right end of its column; that of the largest row when 0.
  public var mostShare: Double

  public init(
    title: String, caption: String, rows: [Row], including: [Double] = [], mostShare: Double = 0
  ) {
    self.title = title
    self.caption = caption
    self.rows = rows
    self.including = including
    self.mostShare = mostShare
  }

  /// A panel: many stand beside each other.
  public var widths: [Double] { [360] }

  /// Ranks may differ by this much before a row is marked.
  public static let tolerance = 5.0

  /// Rows whose rank by attention and rank by absolute value differ by more than `tolerance`. Equal values share
  /// the mean of their ranks.
  public var disagreements: Set<Int> {
    let shown = rows.indices.filter { rows[$0].share != nil && rows[$0].value.isFinite }
    let byValue = Self.ranks(shown.map { abs(rows[$0].value) })
    let byShare = Self.ranks(shown.map { rows[$0].share ?? 0 })
    return Set(shown.indices.filter { abs(byValue[$0] - byShare[$0]) > Self.tolerance }.map { shown[$0] })
  }

  /// 1 for the largest value.
  static func ranks(_ values: [Double]) -> [Double] {
    values.map { value in
      let above = values.count { $0 > value }
      let equal = values.count { $0 == value }
      return Double(above) + Double(equal + 1) / 2
    }
  }

  public func svg(width: Double) -> String {
    let hasShares = rows.contains { $0.share != nil }
    let column = NameColumn(rows.map(\.name), width: width)
    let top = hasShares ? 20.0 : 8
    let bottom = top + column.height
    let left = column.width
    let right = width - (hasShares ? 90 : 20)
    let values = rows.flatMap { [$0.value, $0.low ?? $0.value, $0.high ?? $0.value] }
    let xs = Scale(
      values, to: (left, right), including: including + [0], count: width < 450 ? 4 : 6, rounded: false)
    var canvas = Canvas(width: width, height: bottom + 56)
    for tick in xs.ticks {
      canvas.line(xs(tick), top, xs(tick), bottom, tick == 0 ? "axis" : "grid")
      canvas.text(xs(tick), bottom + 15, decimal(tick, xs.digits, plus: true))
      canvas.text(xs(tick), bottom + 30, percent(logistic(tick)))
    }
    canvas.text(left, bottom + 48, "weight, and how often more of it wins", "axis-name", anchor: "start")
    column.draw(on: &canvas, top: top)
    for (index, row) in rows.enumerated() where row.value.isFinite {
      let y = top + column.middle(index)
      var hint = decimal(row.value, plus: true)
      if row.low != nil, row.high != nil { hint += ", 95% \(interval(row.low, row.high))" }
      if !row.isFlagged { hint += ", may be chance" }
      canvas.cell(
        min(xs(0), xs(row.value)), y - 6, abs(xs(row.value) - xs(0)), 12, row.value < 0 ? "minus" : "plus",
        opacity: row.isFlagged ? 1 : 0.35, hint: hint)
    }
    canvas.whiskers(
      rows.enumerated().compactMap { index, row in
        guard let low = row.low, let high = row.high else { return nil }
        return (xs(low), xs(high), top + column.middle(index))
      })
    if hasShares { drawShares(on: &canvas, column: column, top: top, from: right + 25) }
    return canvas.svg(title: title, description: caption)
  }

  private func drawShares(on canvas: inout Canvas, column: NameColumn, top: Double, from left: Double) {
    let room = 36.0
    let most = mostShare > 0 ? mostShare : rows.compactMap(\.share).max() ?? 0
    let marked = disagreements
    canvas.text(left - 4, top - 8, "attention", "axis-name", anchor: "start")
    canvas.text(left, top + column.height + 15, "0", anchor: "middle")
    canvas.text(left + room, top + column.height + 15, percent(most), anchor: "middle")
    for x in [left, left + room] { canvas.line(x, top, x, top + column.height, "grid") }
    canvas.group("shares") { canvas in
      for (index, row) in rows.enumerated() {
        guard let share = row.share, share.isFinite else { continue }
        canvas.circle(
          left + room * (most > 0 ? share / most : 0), top + column.middle(index), 3.5, "",
          hint: "attention \(percent(share, 1))")
      }
    }
    for index in marked.sorted() {
      canvas.warning(
        left + room + 16, top + column.middle(index),
        hint: "ranks by attention and by weight differ by more than 5")
    }
  }
}
