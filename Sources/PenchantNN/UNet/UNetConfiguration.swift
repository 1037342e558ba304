/// Sizes of a ``UNet``.
public struct UNetConfiguration: Sendable, Codable, Equatable {
  /// Pixels of a side of the square pictures; a power of two times the smallest level.
  public var size: Int
  /// Channels of the pictures.
  public var channels: Int
  /// Channels of each level, the first at full size, each next one at half.
  public var widths: [Int]
  /// Residual blocks of a level on each side.
  public var blocks: Int
  /// Sides at which attention follows every residual block.
  public var attention: [Int]
  /// Residual blocks in the middle; attention stands behind the first.
  public var middleBlocks: Int
  public var heads: Int
  /// Groups of every group norm; every width is a multiple.
  public var groups: Int
  /// Sines and cosines of a time.
  public var waves: Int
  /// Width of the embedding of time and class.
  public var embedding: Int
  /// Classes of pictures; 0 for a model without. One more row stands for "no class".
  public var classes: Int
  public var dropout: Float

  public init(
    size: Int, channels: Int, widths: [Int], blocks: Int = 1, attention: [Int] = [], middleBlocks: Int = 2,
    heads: Int = 1, groups: Int = 8, waves: Int = 64, embedding: Int = 128, classes: Int = 0,
    dropout: Float = 0
  ) {
    self.size = size
    self.channels = channels
    self.widths = widths
    self.blocks = blocks
    self.attention = attention
    self.middleBlocks = middleBlocks
    self.heads = heads
    self.groups = groups
    self.waves = waves
    self.embedding = embedding
    self.classes = classes
    self.dropout = dropout
  }

  /// Digits of 8 × 8 pixels in ten classes: levels of 8 and 4 pixels, attention at 4.
  public static let digits = UNetConfiguration(
    size: 8, channels: 1, widths: [16, 32], middleBlocks: 1, waves: 16, embedding: 64, classes: 10)

  /// Pictures of 28 × 28 pixels in ten classes, as MNIST: levels of 28, 14 and 7 pixels, attention at 7.
  public static let mnist = UNetConfiguration(
    size: 28, channels: 1, widths: [32, 64, 64], attention: [7], heads: 2, classes: 10)

  /// Pixels of a side at a level.
  func side(_ level: Int) -> Int { size >> level }

  /// What is wrong, in a sentence with the field, its value and what is expected; `nil` when all is well.
  public var problem: String? {
    func positive(_ value: Int, _ name: String) -> String? {
      value > 0 ? nil : "\(name) is \(value); it is a positive number"
    }
    if let bad = positive(size, "size") ?? positive(channels, "channels") ?? positive(blocks, "blocks")
      ?? positive(middleBlocks, "middleBlocks") ?? positive(heads, "heads") ?? positive(groups, "groups")
      ?? positive(embedding, "embedding")
    {
      return bad
    }
    if widths.isEmpty || widths.count > 16 {
      return "widths has \(widths.count) levels; 1 to 16 are possible"
    }
    let halvings = widths.count - 1
    if size % (1 << halvings) != 0 {
      return "size \(size) does not halve \(halvings) times, once between neighbours of widths \(widths)"
    }
    for width in widths where width <= 0 || width % groups != 0 || width % heads != 0 {
      return "width \(width) is not a positive multiple of groups (\(groups)) and heads (\(heads))"
    }
    let sides = widths.indices.map(side)
    if let odd = attention.first(where: { !sides.contains($0) }) {
      return "attention at \(odd) pixels; levels have \(sides)"
    }
    if waves < 2 { return "waves is \(waves); it is at least 2" }
    if classes < 0 || classes >= Int(UInt32.max) { return "classes is \(classes); it is 0 or more" }
    if !(dropout >= 0 && dropout < 1) { return "dropout is \(dropout); it is in [0, 1)" }
    return nil
  }
}
