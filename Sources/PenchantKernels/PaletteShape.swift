import CPenchant

/// Sizes of PrefPalette's preference model, and where its parameters lie in one vector (`penchant/palette.h`).
public struct PaletteShape: Sendable, Equatable, Codable {
  public enum Form: String, Sendable, Codable, CaseIterable {
    /// One reward vector for content and attributes.
    case paper
    /// A signed direction for every attribute on its standardised score.
    case signed
  }

  public var form: Form
  /// d, width of the content.
  public var content: Int
  /// K
  public var attributes: Int
  /// m, width of an attribute's representation.
  public var width: Int
  /// r, width of the attention.
  public var rank: Int
  /// C; 0: no part of the model belongs to a community.
  public var communities: Int

  public init(form: Form, content: Int, attributes: Int, width: Int, rank: Int, communities: Int) {
    self.form = form
    self.content = content
    self.attributes = attributes
    self.width = width
    self.rank = rank
    self.communities = communities
  }

  /// L, length of a row: query, reward, direction.
  public var rowLength: Int { rank + content + (form == .signed ? attributes : 0) }
  public var contentQuery: Range<Int> { 0..<rank * content }
  public var key: Range<Int> { follows(contentQuery, rank * width) }
  public var score: Range<Int> { follows(key, rank) }
  public var mix: Int { score.upperBound }
  public var shared: Range<Int> { mix + 1..<mix + 1 + rowLength }
  public var count: Int { shared.upperBound + communities * rowLength }

  /// The row of community `index`, to be added to the shared one.
  public func own(_ index: Int) -> Range<Int> {
    let start = shared.upperBound + index * rowLength
    return start..<start + rowLength
  }

  /// Parts of a row that starts at `start`.
  public func query(at start: Int) -> Range<Int> { start..<start + rank }
  public func reward(at start: Int) -> Range<Int> { start + rank..<start + rank + content }
  public func direction(at start: Int) -> Range<Int> { start + rank + content..<start + rowLength }

  private func follows(_ range: Range<Int>, _ count: Int) -> Range<Int> {
    range.upperBound..<range.upperBound + count
  }

  /// - Throws: `KernelError.shape` for sizes that no model has.
  func c(_ call: StaticString) throws(KernelError) -> pn_palette_shape {
    let limit = 1 << 24
    guard (1...limit).contains(content), (1...limit).contains(attributes), (1...limit).contains(width),
      (1...limit).contains(rank), (0...limit).contains(communities)
    else {
      throw .shape(
        "\(call)",
        "content \(content), \(attributes) attributes of width \(width), rank \(rank), \(communities) communities"
      )
    }
    guard form == .signed || content == width else {
      throw .shape("\(call)", "the paper form has one width; content \(content), attributes \(width)")
    }
    return pn_palette_shape(
      form: form == .paper ? PN_PALETTE_PAPER : PN_PALETTE_SIGNED, content: content, attributes: attributes,
      width: width, rank: rank, communities: communities)
  }
}
