import PenchantKernels
import PenchantTrain

/// Item-based nearest neighbours (Sarwar et al. 2001; Deshpande and Karypis 2004): an item scores by its similarity to the
/// items of the history.
///
/// Similarity is the cosine of the items' sets of users, shrunk for rare items: c(i, j) / (sqrt(n(i) n(j)) + λ). Of every item
/// the most similar ones are kept. The score of j is the sum over the history of decay^age · similarity, age 0 for the last
/// item. Items that are neighbours of nothing score 0 and tie.
public struct ItemNeighbours: SequenceScorer, Sendable {
  public struct Configuration: Sendable, Equatable, Codable {
    /// Similar items that are kept of each.
    public var neighbours: Int
    /// λ: how many users a similarity of rare items is short of.
    public var shrinkage: Double
    /// What an item counts for, relative to the one after it; 1 counts all items of the history alike.
    public var decay: Double

    public init(neighbours: Int = 200, shrinkage: Double = 10, decay: Double = 0.8) {
      self.neighbours = neighbours
      self.shrinkage = shrinkage
      self.decay = decay
    }

    /// What `BaselineChoice` tries.
    public static let grid = [0.5, 0.8, 1].flatMap { decay in
      [0.0, 10, 50].map { Configuration(shrinkage: $0, decay: decay) }
    }

    /// - Throws: `KernelError.value` for the first that is out of range.
    public func validate() throws(KernelError) {
      guard neighbours >= 1 else {
        throw .value("ItemNeighbours", "\(neighbours) neighbours; 1 or more are possible")
      }
      guard shrinkage >= 0, shrinkage.isFinite else {
        throw .value("ItemNeighbours", "a shrinkage of \(shrinkage); 0 or more is possible")
      }
      guard decay > 0, decay <= 1 else {
        throw .value("ItemNeighbours", "a decay of \(decay); above 0 to 1 is possible")
      }
    }
  }

  public let configuration: Configuration
  public let itemCounts: [UInt32]
  let starts: [Int]
  let neighbours: [Neighbour]

  struct Neighbour {
    /// From 0.
    var item: UInt32
    var similarity: Float
  }

  /// - Throws: `KernelError.value` for a configuration out of range.
  public init(_ together: CoOccurrences, _ configuration: Configuration = Configuration()) throws {
    try configuration.validate()
    let (counts, holders) = (together.counts, together.holders)
    let items = together.itemCount
    let size = 256
    let blocks = try parallelMap((items + size - 1) / size) { block in
      (block * size..<min(items, (block + 1) * size)).map { item in
        var near = counts.row(item).map { place in
          let column = counts.columns[place]
          let scale = (Double(holders[item]) * Double(holders[Int(column)])).squareRoot()
          return Neighbour(
            item: column, similarity: Float(Double(counts.counts[place]) / (scale + configuration.shrinkage)))
        }
        if near.count > configuration.neighbours {
          near.sort { ($1.similarity, $0.item) < ($0.similarity, $1.item) }
          near.removeSubrange(configuration.neighbours...)
        }
        return near
      }
    }
    var starts = [0]
    for row in blocks.joined() { starts.append(starts[starts.count - 1] + row.count) }
    self.init(
      starts: starts, blocks.joined().flatMap { $0 }, itemCounts: together.itemCounts, configuration)
  }

  /// - Parameters:
  ///   - starts: the neighbours of item i, from 0, are `neighbours[starts[i]..<starts[i + 1]]`.
  ///   - configuration: checked.
  init(starts: [Int], _ neighbours: [Neighbour], itemCounts: [UInt32], _ configuration: Configuration) {
    self.configuration = configuration
    self.itemCounts = itemCounts
    self.starts = starts
    self.neighbours = neighbours
  }

  public init(_ train: ItemSequences, _ configuration: Configuration = Configuration()) throws {
    try self.init(CoOccurrences(train), configuration)
  }

  public func score(histories: [ArraySlice<Int32>], into scores: inout [Float]) throws {
    try checkScores(scores.count, histories.count, itemCount, "ItemNeighbours")
    var all = scores.mutableSpan
    for column in 0..<all.count { all[column] = 0 }
    for (row, history) in histories.enumerated() {
      let start = row * itemCount
      var weight: Float = 1
      for item in history.reversed() {
        try checkItem(item, itemCount, "ItemNeighbours")
        for place in starts[Int(item) - 1]..<starts[Int(item)] {
          all[start + Int(neighbours[place].item)] += weight * neighbours[place].similarity
        }
        weight *= Float(configuration.decay)
        // What follows would be lost in rounding.
        if weight < 1e-6 { break }
      }
    }
  }
}
