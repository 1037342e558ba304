/// Signed values as colours centred at 0, rows that are alike beside each other: communities × attributes.
public struct HeatMap: Chart {
  public var title: String
  public var caption: String
  public var rows: [String]
  public var columns: [String]
  /// [rows][columns]; no value leaves the cell empty.
  public var values: [[Double?]]
  /// What the values are, below.
  public var key: String

  public init(
    title: String, caption: String, rows: [String], columns: [String], values: [[Double?]], key: String
  ) {
    self.title = title
    self.caption = caption
    self.rows = rows
    self.columns = columns
    self.values = values
    self.key = key
  }

  public var isWide: Bool { true }

  /// Rows as they are drawn: average-linkage clusters together.
  public var order: [Int] { tree.order }

  private var tree: Dendrogram { Dendrogram(finite) }

  /// One row of values a name; what is not finite is missing.
  private var finite: [[Double?]] {
    values.prefix(rows.count).map { $0.map { value in value.flatMap { $0.isFinite ? $0 : nil } } }
  }

  public func svg(width: Double) -> String {
    let tree = tree
    let values = finite
    // The largest values set no colour: one outlier would pale all others.
    let sizes = values.joined().compactMap { $0.map(abs) }.sorted()
    let limit = sizes.isEmpty ? 0 : sizes[min(sizes.count - 1, sizes.count * 98 / 100)]
    return CellGrid(
      rows: tree.order.map { rows[$0] }, columns: columns, values: tree.order.map { values[$0] },
      limit: limit, key: key, tree: rows.count > 2 ? tree : nil
    ).svg(width: width, title: title, description: caption)
  }
}
