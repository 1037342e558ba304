/// Attributes against attributes: correlations with their VIF, or how far a rewrite of one moves the scores of all.
public struct MatrixTable: Chart {
  public var title: String
  public var caption: String
  public var names: [String]
  /// [names][names]
  public var values: [[Double]]
  /// What the values are, below.
  public var key: String
  /// Cells off the diagonal get a frame from this absolute value on.
  public var threshold: Double
  /// A number for each row at the right, with the bound above which it is marked.
  public var side: (name: String, values: [Double], bound: Double)?

  public init(
    title: String, caption: String, names: [String], values: [[Double]], key: String, threshold: Double,
    side: (name: String, values: [Double], bound: Double)? = nil
  ) {
    self.title = title
    self.caption = caption
    self.names = names
    self.values = values
    self.key = key
    self.threshold = threshold
    self.side = side
  }

  public var isWide: Bool { true }

  public func svg(width: Double) -> String {
    let limit = values.joined().map(abs).filter(\.isFinite).max() ?? 1
    return CellGrid(
      rows: names, columns: names, values: values.map { $0.map(Optional.some) }, limit: limit, key: key,
      isFramed: { row, column in row != column && abs(values[row][column]) >= threshold },
      side: side.map { side in
        (side.name, side.values.map { (decimal($0, 1), $0 > side.bound) })
      }
    ).svg(width: width, title: title, description: caption)
  }
}
