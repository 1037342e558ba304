import PenchantKernels

/// A log whose law is known, for the demo and for tests: what a perfect model reaches can be computed.
///
/// Items belong to clusters. Every user has a hidden taste, a mixture over clusters. The next item is, with chance
/// `following`, one of the planted successors of the present one; otherwise a cluster is drawn from the taste and an item
/// from it, popular ones more often (Zipf). So popularity knows a little, the last item knows the successors, and the whole
/// history tells the taste.
public struct SyntheticLog: Sendable {
  public struct Configuration: Sendable, Equatable, Codable {
    public var users = 2000
    public var items = 500
    public var clusters = 20
    public var tastes = 6
    /// Clusters a taste prefers, and the share of the draws that falls on them; the rest is spread over all.
    public var preferredClusters = 3
    public var preference = 0.9
    /// Chance that a planted successor follows.
    public var following = 0.5
    /// Chances of the successors of an item, in order; the number of successors.
    public var successors = [0.6, 0.3, 0.1]
    /// Lengths of the histories, uniform.
    public var shortest = 6
    public var longest = 30
    public var seed: UInt64 = 0

    public init() {}

    /// - Throws: `KernelError.value` for the first that is out of range.
    public func validate() throws(KernelError) {
      func require(_ holds: Bool, _ says: String) throws(KernelError) {
        guard holds else { throw .value("SyntheticLog", says) }
      }
      try require(users >= 0 && users < Int(Int32.max), "\(users) users")
      try require(
        clusters >= 1 && tastes >= 1, "\(clusters) clusters and \(tastes) tastes; 1 or more are needed")
      try require(items >= clusters && items < Int(Int32.max), "\(items) items for \(clusters) clusters")
      try require(
        (1...clusters).contains(preferredClusters), "\(preferredClusters) preferred of \(clusters) clusters")
      try require((0...1).contains(preference), "a preference of \(preference); 0 to 1 is possible")
      try require((0...1).contains(following), "a chance of following of \(following); 0 to 1 is possible")
      try require(
        !successors.isEmpty && successors.count < items && successors.allSatisfy { $0 >= 0 }
          && abs(successors.reduce(0, +) - 1) < 1e-9,
        "successors with the chances \(successors); they must be fewer than the items and add to 1")
      try require(shortest >= 1 && longest >= shortest, "lengths from \(shortest) to \(longest)")
    }
  }

  public let configuration: Configuration
  /// Chance of each cluster under each taste, `[tastes][clusters]`.
  let tastes: [[Double]]
  /// Chance of each item within its cluster; item j stands at j - 1, its cluster is (j - 1) % clusters.
  let withinCluster: [Double]
  /// `[items][successors]`, ids.
  let successors: [[Int32]]

  private enum Stream {
    static let law: UInt64 = 0x5359_4E54_4800_0000
    static let user: UInt64 = 0x5359_4E54_4900_0000
  }

  /// - Throws: `KernelError.value` for a configuration out of range.
  public init(_ configuration: Configuration = Configuration()) throws(KernelError) {
    try configuration.validate()
    self.configuration = configuration
    let clusters = configuration.clusters
    var draws = Philox(seed: configuration.seed, stream: Stream.law)
    tastes = (0..<configuration.tastes).map { _ in
      let preferred = Set((0..<clusters).shuffled(using: &draws).prefix(configuration.preferredClusters))
      return (0..<clusters).map { cluster in
        (1 - configuration.preference) / Double(clusters)
          + (preferred.contains(cluster)
            ? configuration.preference / Double(configuration.preferredClusters) : 0)
      }
    }
    // The place of item j - 1 in its cluster is (j - 1) / clusters.
    var totals = [Double](repeating: 0, count: clusters)
    for item in 0..<configuration.items { totals[item % clusters] += 1 / Double(item / clusters + 1) }
    withinCluster = (0..<configuration.items).map { 1 / Double($0 / clusters + 1) / totals[$0 % clusters] }
    successors = (0..<configuration.items).map { item in
      var chosen: [Int32] = []
      while chosen.count < configuration.successors.count {
        let other = Int32(draws.index(below: configuration.items)) + 1
        if Int(other) - 1 != item, !chosen.contains(other) { chosen.append(other) }
      }
      return chosen
    }
  }

  func cluster(_ item: Int32) -> Int { (Int(item) - 1) % configuration.clusters }

  /// The histories of all users; that of a user is a function of the seed and the user alone.
  public func sequences() throws -> ItemSequences {
    try ItemSequences(itemCount: configuration.items, sequences: (0..<configuration.users).map(sequence))
  }

  /// The history of one user.
  public func sequence(_ user: Int) -> [Int32] {
    var draws = Philox(seed: configuration.seed, stream: Stream.user &+ UInt64(user))
    let taste = tastes[draws.index(below: tastes.count)]
    let length =
      configuration.shortest + draws.index(below: configuration.longest - configuration.shortest + 1)
    var items: [Int32] = []
    while items.count < length {
      if let last = items.last, draws.uniform() < configuration.following {
        items.append(successors[Int(last) - 1][pick(configuration.successors, &draws)])
        continue
      }
      let cluster = pick(taste, &draws)
      let members = Array(stride(from: cluster, to: configuration.items, by: configuration.clusters))
      items.append(Int32(members[pick(members.map { withinCluster[$0] }, &draws)]) + 1)
    }
    return items
  }

  /// A place drawn by its weight; the weights add to 1.
  private func pick(_ weights: [Double], _ draws: inout Philox) -> Int {
    var left = draws.uniform()
    for (place, weight) in weights.enumerated() {
      left -= weight
      if left < 0 { return place }
    }
    return weights.count - 1
  }

  /// The same as a log with names (`u1`, `i1`, …) and times that ascend over all users.
  public func log() throws -> InteractionLog {
    let sequences = try sequences()
    var log = InteractionLog()
    var time = 0.0
    for user in 0..<sequences.count {
      for item in sequences[user] {
        log.append(user: "u\(user + 1)", item: "i\(item)", time: time)
        time += 1
      }
    }
    return log
  }
}
