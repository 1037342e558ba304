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

    /// - Throws: `KernelError.value` unless the smoothing is a positive number.
    public func validate() throws(KernelError) {
      guard smoothing > 0, smoothing.isFinite else {
        throw .value("MarkovModel", "a smoothing of \(smoothing); it must be a number above 0")
      }
    }
  }

  public let configuration: Configuration
  public let itemCounts: [UInt32]
  /// q.
  private let shares: [Float]
  let transitions: CountMatrix
  /// n(i).
  private let leaving: [UInt32]

  /// - Throws: `KernelError.value` unless the smoothing is a positive number.
  public init(_ train: ItemSequences, _ configuration: Configuration = Configuration()) throws {
    try configuration.validate()
    let places = ItemPlaces(train)
    // An event ends its sequence when the next place starts another user.
    var ends = [Bool](repeating: false, count: train.items.count + 1)
    for offset in train.offsets { ends[offset] = true }
    let isEnd = ends
    let transitions = try CountMatrix(rows: train.itemCount) { item, visit in
      for event in places[item] where !isEnd[event + 1] { visit(Int(train.items[event + 1]) - 1) }
    }
    self.init(transitions, itemCounts: train.itemCounts(), configuration)
  }

  /// - Parameters:
  ///   - transitions: how often an item follows another, as many rows as there are items.
  ///   - configuration: checked.
  init(_ transitions: CountMatrix, itemCounts: [UInt32], _ configuration: Configuration) {
    self.configuration = configuration
    self.itemCounts = itemCounts
    self.transitions = transitions
    let total = Float(max(1, itemCounts.reduce(0) { $0 + Int($1) }))
    shares = itemCounts.map { Float($0) / total }
    leaving = itemCounts.indices.map { transitions.counts[transitions.row($0)].reduce(0, &+) }
  }

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
