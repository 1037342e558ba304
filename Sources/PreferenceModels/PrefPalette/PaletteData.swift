import PenchantKernels
import PenchantTrain

/// Pairs of texts from several communities, as the preference model reads them: tensors a text, indices a pair.
///
/// Representations are to be centred and scores standardised with statistics of the training texts (`PaletteScaling`).
public struct PaletteData: Sendable {
  /// h `[N, d]`, e `[N, K, m]`, s `[N, K]`.
  public var texts: PaletteTexts
  /// Names of the K attributes, in the order of the tensors.
  public var attributes: [String]
  public var communities: [String]
  /// The preferred text of each pair, and the other.
  public var chosen: [UInt32]
  public var rejected: [UInt32]
  /// Place in `communities`, one a pair.
  public var community: [UInt32]
  /// The post under which both texts stand: pairs of a post are not independent.
  public var post: [UInt32]
  public var weight: [Float]
  /// Who judged, one a pair; read by robust training alone. Empty: nobody knows, and all are one annotator.
  public var annotator: [UInt32]
  /// Differences of votes; read by the margin of the configuration alone. Empty: none are known.
  public var votes: [Float]

  /// Pairs, communities and posts in the order of `chosen`; no weights means 1 each.
  ///
  /// - Throws: `ConfigurationError` when counts do not fit or an index is outside its table.
  public init(
    texts: PaletteTexts, attributes: [String], communities: [String], chosen: [UInt32], rejected: [UInt32],
    community: [UInt32], post: [UInt32], weight: [Float]? = nil, votes: [Float] = [],
    annotator: [UInt32] = []
  ) throws(ConfigurationError) {
    self.texts = texts
    self.attributes = attributes
    self.communities = communities
    self.chosen = chosen
    self.rejected = rejected
    self.community = community
    self.post = post
    self.weight = weight ?? [Float](repeating: 1, count: chosen.count)
    self.votes = votes
    self.annotator = annotator
    try check()
  }

  public var count: Int { chosen.count }

  /// The same texts with some of the pairs.
  public func subset(_ pairs: [Int]) -> PaletteData {
    var part = self
    part.chosen = pairs.map { chosen[$0] }
    part.rejected = pairs.map { rejected[$0] }
    part.community = pairs.map { community[$0] }
    part.post = pairs.map { post[$0] }
    part.weight = pairs.map { weight[$0] }
    part.votes = votes.isEmpty ? [] : pairs.map { votes[$0] }
    part.annotator = annotator.isEmpty ? [] : pairs.map { annotator[$0] }
    return part
  }

  /// The pairs of one community.
  public func of(community index: Int) -> PaletteData {
    subset(community.indices.filter { Int(community[$0]) == index })
  }

  /// The same pairs, pair p there `counts[p]` times. Repeated rather than weighted: Adam takes steps of one size, and
  /// refits with weights move the model less than other data do (by 10 to 30 % in `PaletteRefitsTests`' setting).
  func drawn(_ counts: [Int]) -> PaletteData {
    subset(counts.indices.flatMap { [Int](repeating: $0, count: counts[$0]) })
  }

  private func check() throws(ConfigurationError) {
    guard attributes.count == texts.attributes, Set(attributes).count == attributes.count else {
      throw ConfigurationError(
        "\(attributes.count) attribute names (\(Set(attributes).count) distinct) for \(texts.attributes) attributes"
      )
    }
    guard Set(communities).count == communities.count else {
      throw ConfigurationError("a community stands twice in the list of \(communities.count)")
    }
    for (name, length) in [
      ("rejected", rejected.count), ("community", community.count), ("post", post.count),
      ("weight", weight.count), ("votes", votes.isEmpty ? count : votes.count),
      ("annotator", annotator.isEmpty ? count : annotator.count),
    ] where length != count {
      throw ConfigurationError("\(name) has \(length) values for \(count) pairs")
    }
    if let far = (chosen + rejected).max(), far >= texts.count {
      throw ConfigurationError("a pair names text \(far); there are \(texts.count)")
    }
    if let far = community.max(), far >= communities.count {
      throw ConfigurationError("a pair names community \(far); there are \(communities.count)")
    }
    guard weight.allSatisfy({ $0 >= 0 && $0.isFinite }), votes.allSatisfy(\.isFinite) else {
      throw ConfigurationError("weights must be 0 or more and votes finite")
    }
    guard texts.content.allSatisfy(\.isFinite), texts.scores.allSatisfy(\.isFinite) else {
      throw ConfigurationError("a value of the content or of the attribute scores is not finite")
    }
  }
}
