import PenchantKernels

/// The next item depends on the last one only: counts of neighbouring items, smoothed with popularity.
///
/// P(j | i) = (n(i → j) + λ q(j)) / (n(i) + λ), q the share of item j in training: the mean of a Dirichlet posterior with
/// λ imagined transitions. An empty history is answered with q.
public struct MarkovModel: SequenceScorer, Sendable, Equatable {
  public struct Configuration: Sendable, Equatable, Codable {
    /// λ: how many transitions popularity counts for.
    public var smoothing: Double

    public init(smoothing: Double = 1) { self.smoothing = smoothing }

    /// What `BaselineChoice` tries.
    public static let grid = [0.1, 1, 10, 100].map { Configuration(smoothing: $0) }
  }

  public let configuration: Configuration
  /// q.
  private let shares: [Float]
  private let transitions: ItemCounts
  /// n(i).
  private let leaving: [UInt32]

  /// - Throws: `KernelError.value` unless the smoothing is a positive number.
  public init(_ train: ItemSequences, _ configuration: Configuration = Configuration()) throws {
    guard configuration.smoothing > 0, configuration.smoothing.isFinite else {
      throw KernelError.value(
        "MarkovModel", "a smoothing of \(configuration.smoothing); it must be a number above 0")
    }
    self.configuration = configuration
    let total = Float(max(1, train.items.count))
    shares = PopularityModel(train).counts.map { $0 / total }
    let places = ItemPlaces(train)
    // An event ends its sequence when the next place starts another user.
    var ends = [Bool](repeating: false, count: train.items.count + 1)
    for offset in train.offsets { ends[offset] = true }
    let isEnd = ends
    transitions = try ItemCounts(rows: train.itemCount) { item, visit in
      for event in places[item] where !isEnd[event + 1] { visit(Int(train.items[event + 1]) - 1) }
    }
    var leaving = [UInt32](repeating: 0, count: train.itemCount)
    for item in 0..<train.itemCount {
      leaving[item] = transitions.counts[transitions.row(item)].reduce(0, +)
    }
    self.leaving = leaving
  }

  public var itemCount: Int { shares.count }

  public func score(histories: [ArraySlice<Int32>], into scores: inout [Float]) throws {
    try checkScores(scores.count, histories.count, itemCount, "MarkovModel")
    var all = scores.mutableSpan
    for (row, history) in histories.enumerated() {
      let start = row * itemCount
      guard let last = history.last else {
        for column in 0..<itemCount { all[start + column] = shares[column] }
        continue
      }
      try checkItem(last, itemCount, "MarkovModel")
      let item = Int(last) - 1
      let total = Double(leaving[item]) + configuration.smoothing
      let prior = Float(configuration.smoothing / total)
      for column in 0..<itemCount { all[start + column] = prior * shares[column] }
      for place in transitions.row(item) {
        all[start + Int(transitions.columns[place])] += Float(Double(transitions.counts[place]) / total)
      }
    }
  }
}
