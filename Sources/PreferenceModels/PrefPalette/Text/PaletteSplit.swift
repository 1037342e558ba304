import PenchantData
import PenchantKernels
import PenchantTrain

/// Which pairs train, which of them choose penalty and epochs, and which test.
public struct PaletteSplit: Sendable, Equatable {
  /// What the two sides of a split have not in common.
  public enum Unit: String, Codable, Sendable, CaseIterable {
    /// Posts when at least half of the pairs name one, else texts.
    case auto
    case post
    case text
    case pair
  }

  public var unit: Unit
  public var train: [Int]
  /// Two parts of `train` that share nothing of the unit: one is fitted, the other judges the fit.
  public var inner: [Int]
  public var validation: [Int]
  public var test: [Int]
  /// Pairs with one text on either side.
  public var dropped: [Int]

  /// - Throws: `KernelError.value` when a side would have no pair.
  public init(_ pairs: [PreferencePair], _ configuration: TextPaletteConfiguration.Data, seed: UInt64) throws
  {
    unit = Self.settled(configuration.split, pairs)
    let split = try Self.split(pairs, unit, share: configuration.test, seed: seed)
    (train, test, dropped) = (split.train, split.test, split.dropped)
    let parts = try Self.split(
      split.train.map { pairs[$0] }, unit, share: configuration.validation, seed: seed &+ 1)
    inner = parts.train.map { split.train[$0] }
    validation = parts.test.map { split.train[$0] }
  }

  /// What `auto` stands for.
  static func settled(_ unit: Unit, _ pairs: [PreferencePair]) -> Unit {
    guard unit == .auto else { return unit }
    return 2 * pairs.count { $0.post != nil } >= max(1, pairs.count) ? .post : .text
  }

  private static func split(_ pairs: [PreferencePair], _ unit: Unit, share: Double, seed: UInt64) throws
    -> Split
  {
    guard share > 0 else { return Split(name: unit.rawValue, train: Array(pairs.indices), test: []) }
    switch unit {
    case .auto, .text:
      let table = PairTable(pairs)
      let parts = components(table)
      let sizes = Dictionary(grouping: parts) { $0 }.values.map(\.count)
      // Texts that are compared in small circles leave together, and no pair is dropped.
      if sizes.count >= componentsPerCommunity * table.communities.count,
        2 * Double(sizes.max() ?? 0) <= share * Double(pairs.count)
      {
        return try Split.byGroup(parts.map(String.init), testFraction: share, seed: seed)
      }
      return try Split.byText(table, testFraction: share, seed: seed)
    case .post:
      let posts = pairs.enumerated().map { place, pair in
        pair.post.map { "\(pair.community ?? "")/\($0)" } ?? "/\(place)"
      }
      return try Split.byGroup(posts, testFraction: share, seed: seed)
    case .pair: return try Split.random(count: pairs.count, testFraction: share, seed: seed)
    }
  }

  /// Fewer circles than this, and a test would be of a few of them.
  private static let componentsPerCommunity = 20

  /// For each pair the connected component of the graph of comparisons that it is in, named by its smallest text.
  private static func components(_ table: PairTable) -> [Int] {
    var parent = Array(table.texts.indices)
    func root(_ text: Int) -> Int {
      var text = text
      while parent[text] != text {
        parent[text] = parent[parent[text]]
        text = parent[text]
      }
      return text
    }
    for pair in 0..<table.count {
      let (a, b) = (root(table.chosen[pair]), root(table.rejected[pair]))
      parent[max(a, b)] = min(a, b)
    }
    return table.chosen.map(root)
  }
}
