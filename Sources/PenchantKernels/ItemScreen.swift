import CPenchant

/// A copy of items in eight bits a number that makes the best of one query faster to find and changes no bit of it:
/// only items that may be among them are read in full.
public struct ItemScreen: Sendable {
  let items: Int
  let width: Int
  let values: [Float]

  /// - Parameter rows: `[items, width]`, any numbers.
  /// - Throws: `KernelError.shape` when the count does not fit or rows are longer than some 16 million.
  public init(items: Int, width: Int, _ rows: Span<Float>) throws(KernelError) {
    try RankingShape(queries: 0, items: items, width: width)
      .checkInputs(Span(), rows, nil, nil, nil, "ItemScreen")
    let floats = pn_rank_screen_floats(items, width)
    guard let size = Int(exactly: floats) else {
      throw .shape("ItemScreen", "\(items) items of \(width) floats")
    }
    var values = [Float](repeating: 0, count: size)
    try check(pn_rank_screen_f32(items, width, address(rows), &values), "ItemScreen")
    self.items = items
    self.width = width
    self.values = values
  }
}
