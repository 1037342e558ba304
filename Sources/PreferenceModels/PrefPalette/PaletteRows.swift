import PenchantKernels

/// The distinct (text, community) of pairs, each looked at once however many pairs name it.
struct PaletteRows {
  /// Places of texts, and their communities, in the order of first appearance.
  private(set) var text: [UInt32] = []
  private(set) var community: [UInt32] = []
  /// The post of the first pair that names the row.
  private(set) var post: [UInt32] = []
  /// Rows of the pairs.
  private(set) var chosen: [Int] = []
  private(set) var rejected: [Int] = []

  init(_ data: PaletteData) throws {
    var place: [UInt64: Int] = [:]
    place.reserveCapacity(2 * data.count)
    func row(_ index: UInt32, _ pair: Int) -> Int {
      let key = UInt64(data.community[pair]) << 32 | UInt64(index)
      if let at = place[key] { return at }
      place[key] = text.count
      text.append(index)
      community.append(data.community[pair])
      post.append(data.post[pair])
      return text.count - 1
    }
    for pair in 0..<data.count {
      chosen.append(row(data.chosen[pair], pair))
      rejected.append(row(data.rejected[pair], pair))
    }
  }

  /// The texts of the rows, in their order; the data's own when they are the same.
  func texts(of data: PaletteData) throws(KernelError) -> PaletteTexts {
    if text.count == data.texts.count, text.indices.allSatisfy({ Int(text[$0]) == $0 }) { return data.texts }
    return try data.texts.gather(text.map(Int.init))
  }
}
