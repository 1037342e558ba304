/// Sizes of a ``ConditionedUNet``. Lists have one entry a level, the finest first.
public struct ConditionedUNetConfiguration: Sendable, Codable, Equatable {
  /// What follows the residual blocks of a level.
  public enum Attention: String, Sendable, Codable {
    case none
    /// ``PictureAttention``: between the pixels.
    case pixels
    /// ``ContextTransformer``: between the pixels, and to a context.
    case context
  }

  /// Pixels, or latents, of a side; each halves once between neighbours of `widths`.
  public var height: Int
  public var width: Int
  /// Of the pictures.
  public var channels: Int
  /// Channels of each level.
  public var widths: [Int]
  /// Residual blocks of each level on the way down; the way up has one more.
  public var blocks: [Int]
  public var down: [Attention]
  public var up: [Attention]
  /// Behind the first block of the middle.
  public var middle = Attention.context
  /// Residual blocks in the middle.
  public var middleBlocks = 2
  /// Heads of attention; the last entry also holds for the middle.
  public var heads: [Int]
  /// Blocks of each ``ContextTransformer``; the last entry also holds for the middle.
  public var depths: [Int]
  /// Width of the rows of a context; 0 for a network without one.
  public var context = 0
  /// Rows of a context.
  public var places = 1
  /// Kinds of pictures: each has a context, a row of what is added, or a row of a table of its own.
  public var classes = 0
  /// Whether classes have a table whose rows are added to the embedding of time.
  public var hasLabels = false
  /// Width of a vector of each class that comes to the embedding of time by two layers; 0 for none.
  public var added = 0
  /// Width of the embedding of time.
  public var embedding: Int
  public var timeShift = 0.0
  public var cosineFirst = true
  public var groups = 32
  public var epsilon: Float = 1e-5
  /// Whether the embedding scales and shifts a norm; it is added before the norm otherwise.
  public var scalesAndShifts = false
  /// Whether a convolution that halves has its padding on the right and below only.
  public var padsAfter = false

  public init(
    height: Int, width: Int, channels: Int, widths: [Int], blocks: [Int], down: [Attention],
    up: [Attention], heads: [Int], depths: [Int], embedding: Int
  ) {
    self.height = height
    self.width = width
    self.channels = channels
    self.widths = widths
    self.blocks = blocks
    self.down = down
    self.up = up
    self.heads = heads
    self.depths = depths
    self.embedding = embedding
  }

  /// Rows of the tables of classes: one more than classes, for "no class"; 0 where nothing depends on one.
  public var rows: Int { context > 0 || added > 0 || hasLabels ? classes + 1 : 0 }

  /// What is wrong, in a sentence with the field, its value and what is expected; `nil` when all is well.
  public var problem: String? {
    func limits(_ value: Int, _ name: String, _ range: ClosedRange<Int>) -> String? {
      range.contains(value)
        ? nil : "\(name) is \(value); it is from \(range.lowerBound) to \(range.upperBound)"
    }
    let levels = widths.count
    let single: [(Int, String, ClosedRange<Int>)] = [
      (levels, "the number of levels", 1...16), (height, "height", 1...4096), (width, "width", 1...4096),
      (channels, "channels", 1...65536), (middleBlocks, "middleBlocks", 0...64),
      (context, "context", 0...65536), (places, "places", 1...65536), (classes, "classes", 0...(1 << 20)),
      (added, "added", 0...(1 << 20)), (embedding, "embedding", 1...(1 << 20)),
      (groups, "groups", 1...65536),
    ]
    for (value, name, range) in single {
      if let bad = limits(value, name, range) { return bad }
    }
    for (name, count) in [
      ("blocks", blocks.count), ("down", down.count), ("up", up.count), ("heads", heads.count),
      ("depths", depths.count),
    ] where count != levels {
      return "\(name) has \(count) entries for \(levels) levels"
    }
    let halves = 1 << (levels - 1)
    if height % halves != 0 || width % halves != 0 {
      return
        "a picture of \(height)×\(width) does not halve \(levels - 1) times; sides are multiples of \(halves)"
    }
    for level in widths.indices {
      if let bad = limits(widths[level], "a width", 2...65536) ?? limits(blocks[level], "blocks", 1...64)
        ?? limits(heads[level], "heads", 1...65536) ?? limits(depths[level], "depths", 0...64)
      {
        return bad
      }
      if widths[level] % groups != 0 { return "width \(widths[level]) is not a multiple of \(groups) groups" }
      let attends =
        down[level] != .none || up[level] != .none
        || level == levels - 1 && middle != .none && middleBlocks > 0
      if attends, widths[level] % heads[level] != 0 {
        return "width \(widths[level]) is not a multiple of \(heads[level]) heads"
      }
    }
    if context == 0, (down + up + [middle]).contains(.context) {
      return "context is 0, and a level reads one"
    }
    if rows == 0, classes > 0 { return "classes is \(classes), and nothing depends on a class" }
    if hasLabels, classes == 0 { return "classes is 0 in a table of classes" }
    if !(epsilon >= 0 && epsilon < 1) { return "epsilon is \(epsilon); it is in [0, 1)" }
    if !(timeShift >= 0 && timeShift < Double(widths[0] / 2)) {
      return "timeShift is \(timeShift); it is from 0 to below half the first width"
    }
    return nil
  }
}
