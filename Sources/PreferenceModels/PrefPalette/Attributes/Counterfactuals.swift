import PenchantData
import PenchantKernels
import PenchantTrain

/// Rewrites of a set of texts, the pairs they give, and which pairs train and which test.
public struct Counterfactuals: Sendable {
  public var records: [CounterfactualRecord]
  public let attributes: [Attribute]

  public init(records: [CounterfactualRecord], attributes: [Attribute]) {
    self.records = records
    self.attributes = attributes
  }

  /// Writes what `records` lack: a record, attribute and level that is there is not asked for again.
  ///
  /// - Parameter finished: gets each record when it is whole, in order; a place to save it.
  public static func synthesise(
    _ records: [CounterfactualRecord], attributes: [Attribute], by rewriter: some Rewriter, seed: UInt64,
    finished: (CounterfactualRecord) throws -> Void = { _ in }
  ) async throws -> Counterfactuals {
    var done: [CounterfactualRecord] = []
    done.reserveCapacity(records.count)
    for record in records {
      var record = record
      for attribute in attributes {
        for level in Attribute.levelRange where record[attribute.name, level] == nil {
          record[attribute.name, level] = try await rewriter.rewrite(
            record.original, context: record.context, attribute: attribute, level: level, seed: seed)
        }
      }
      record.teacher = rewriter.teacher
      try finished(record)
      done.append(record)
    }
    return Counterfactuals(records: done, attributes: attributes)
  }

  /// All pairs of levels of every (record, attribute), ten when no level is missing and no two rewrites are the same. The
  /// original is in none of them.
  public func pairs() -> [CounterfactualPair] {
    records.indices.flatMap { record in
      attributes.indices.flatMap { pairs(record, attribute: $0) }
    }
  }

  private func pairs(_ record: Int, attribute: Int) -> [CounterfactualPair] {
    let texts = Attribute.levelRange.map { records[record][attributes[attribute].name, $0] }
    var pairs: [CounterfactualPair] = []
    for low in 1..<5 {
      for high in (low + 1)...5 {
        guard let below = texts[low - 1], let above = texts[high - 1], below != above else { continue }
        pairs.append(CounterfactualPair(record: record, attribute: attribute, low: low, high: high))
      }
    }
    return pairs
  }

  /// Pairs by what testing them tells.
  public struct Splits: Sendable {
    public var train: [CounterfactualPair] = []
    /// Texts that no training pair has, of communities that it has; `level`: pairs of levels that were left out of texts
    /// that train; `ood`: communities that are left out whole.
    public var comment = Halves()
    public var level = Halves()
    public var ood = Halves()
    /// The communities of `ood`, the same for every attribute.
    public var heldOut: [String] = []

    public struct Halves: Sendable {
      /// Looked at while training, to keep the best step; `test` is reported.
      public var eval: [CounterfactualPair] = []
      public var test: [CounterfactualPair] = []
    }
  }

  /// How many texts and communities are left out.
  public struct SplitPlan: Sendable, Equatable, Codable {
    /// Communities left out whole; nil: 10 of 45, as in the paper, and in that proportion of fewer, at least one of three.
    public var communities: Int?
    /// Share of the texts of each other community left out; at least one text.
    public var comments: Double

    public init(communities: Int? = nil, comments: Double = 0) {
      self.communities = communities
      self.comments = comments
    }
  }

  /// The splits of PrefPalette's attribute data, with one set of held-out communities for all attributes.
  ///
  /// - Throws: `ConfigurationError` when nothing is left to train on.
  public func splits(_ plan: SplitPlan = SplitPlan(), seed: UInt64) throws -> Splits {
    let names = Set(records.map(\.community)).sorted()
    let out = plan.communities ?? (names.count < 3 ? 0 : max(1, names.count * 10 / 45))
    guard out >= 0, out < names.count || names.isEmpty, (0..<1).contains(plan.comments) else {
      throw ConfigurationError(
        "\(out) of \(names.count) communities and a share \(plan.comments) of the texts cannot be left out; nothing would train"
      )
    }
    var splits = Splits()
    splits.heldOut = try permutation(names.count, seed: seed, stream: Self.stream).prefix(out).map {
      names[Int($0)]
    }.sorted()
    var members: [String: [Int]] = [:]
    for (place, record) in records.enumerated() { members[record.community, default: []].append(place) }
    var commented: Set<Int> = []
    for (number, name) in names.enumerated() where !splits.heldOut.contains(name) {
      let own = members[name] ?? []
      guard own.count > 1 else { continue }
      let size = max(1, Int((plan.comments * Double(own.count)).rounded()))
      let order = try permutation(own.count, seed: seed, stream: Self.stream &+ 1 &+ UInt64(number))
      commented.formUnion(order.prefix(min(size, own.count - 1)).map { own[Int($0)] })
    }
    let heldOut = Set(splits.heldOut)
    for attribute in attributes.indices {
      var (train, comment, ood): ([CounterfactualPair], [CounterfactualPair], [CounterfactualPair]) = (
        [], [], []
      )
      for record in records.indices {
        let own = pairs(record, attribute: attribute)
        if heldOut.contains(records[record].community) {
          ood += own
        } else if commented.contains(record) {
          comment += own
        } else {
          train += own
        }
      }
      let level = min(comment.count, train.count / 5)
      let order = try permutation(
        train.count, seed: seed, stream: Self.stream &+ (1 << 20) &+ UInt64(attribute)
      ).map(Int.init)
      Self.halve(order.prefix(level).sorted().map { train[$0] }, into: &splits.level)
      splits.train += order.dropFirst(level).sorted().map { train[$0] }
      Self.halve(comment, into: &splits.comment)
      Self.halve(ood, into: &splits.ood)
    }
    guard !splits.train.isEmpty else {
      throw ConfigurationError("no pair of rewrites is left to train on; there are \(records.count) records")
    }
    return splits
  }

  private static let stream: UInt64 = 0x4346_5350_0000_0000

  /// In turn, so that both halves have pairs of every text and gap.
  private static func halve(_ pairs: [CounterfactualPair], into halves: inout Splits.Halves) {
    for (place, pair) in pairs.enumerated() {
      if place.isMultiple(of: 2) { halves.eval.append(pair) } else { halves.test.append(pair) }
    }
  }
}
