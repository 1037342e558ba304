import PenchantData
import PenchantKernels
import PenchantTrain

/// The baselines of section 13 that need no language model, each fitted to the pairs that the model was fitted to.
struct PaletteRivals {
  private let prepared: TextPalette.Prepared
  private let fitted: TextPalette.Fitted
  private let test: [Int]
  private let seed: UInt64
  /// Standardised attribute scores, and content, of all texts.
  private let scores: [Float]
  private let names: [String]

  private(set) var scoresOnly: LinearEstimate?
  private(set) var hierarchical: HierarchicalFit?
  private(set) var all: [PaletteRival] = []

  static let contentOnly = "content only"

  /// - Parameter test: pairs of all test sets, one after the other.
  init(_ prepared: TextPalette.Prepared, _ fitted: TextPalette.Fitted, test: [Int], seed: UInt64) throws {
    self.prepared = prepared
    self.fitted = fitted
    self.test = test
    self.seed = seed
    scores = fitted.stage.texts.scores
    names = fitted.model.attributes.map(\.name)
    try addRules()
    try addContent()
    try addScores()
    try addContentAndScores()
    try addGate()
    try addOurs()
  }

  private var table: PairTable { prepared.table.table }
  private var severalCommunities: Bool { fitted.model.communities.count > 1 }

  private mutating func add(
    _ model: String, _ meaning: String, isOurs: Bool = false, chances: Bool = true, _ margins: [Double]
  ) {
    all.append(
      PaletteRival(model: model, meaning: meaning, isOurs: isOurs, statesChances: chances, margins: margins))
  }

  private mutating func addRules() throws {
    add("random", "a coin", chances: false, [Double](repeating: 0, count: test.count))
    for (rule, name, meaning) in [
      (PairRule.earlierWins, "earlier wins", "the text that was written first"),
      (.longerWins, "longer wins", "the text with more words"),
    ] {
      let margins = test.map { rule.margin(prepared.table.pairs[$0]) ?? .nan }
      if margins.contains(where: \.isFinite) { add(name, meaning, chances: false, margins) }
    }
  }

  private mutating func addContent() throws {
    let content = fitted.stage.content.scores
    add(
      Self.contentOnly, "Bradley–Terry on the words and embeddings of a text",
      test.map { content[table.chosen[$0]] - content[table.rejected[$0]] })
    guard severalCommunities else { return }
    let width = fitted.stage.texts.contentWidth
    let columns = (0..<width).map { "content \($0)" }
    let margins = try tuned(fitted.stage.content.columns, columns) { ridge, pairs in
      let fits = try ScoresOnly(ridge: ridge).fitEach(pairs)
      return { Self.margins(of: $0, by: fits.map(\.weights)) }
    }
    add("content only, one a community", "the same features, weights of each community's own", margins)
  }

  private mutating func addScores() throws {
    try addScores("scores only", "Bradley–Terry on the \(names.count) attribute scores", Array(names.indices))
    for (family, title) in [(Attribute.Family.norm, "norms only"), (.value, "values only")] {
      let members = names.indices.filter { fitted.model.attributes[$0].family == family }
      if !members.isEmpty, members.count < names.count {
        try addScores(title, "the scores of \(members.count) attributes", members)
      }
    }
    let train = try pairs(fitted.stage.train, scores, names)
    let pooled = try ScoresOnly().fit(train)
    scoresOnly = pooled
    let tested = try pairs(test, scores, names)
    // Two alternatives: McFadden's model without a penalty.
    let logit = try ConditionalLogit().fit(ChoiceSets(train))
    add("conditional logit", "the scores again, without a penalty", tested.margins(logit.weights))
    guard severalCommunities else { return }
    let own = try tuned(scores, names) { ridge, pairs in
      let fits = try ScoresOnly(ridge: ridge).fitEach(pairs)
      return { Self.margins(of: $0, by: fits.map(\.weights)) }
    }
    add("scores only, one a community", "weights of each community's own", own)
    let fit = try HierarchicalBradleyTerry().fit(train)
    hierarchical = fit
    add(
      "scores only, hierarchical", "weights of each community, drawn towards their mean", fit.margins(tested))
  }

  private mutating func addScores(_ name: String, _ meaning: String, _ columns: [Int]) throws {
    let K = names.count
    let values =
      columns.count == K
      ? scores : (0..<table.texts.count).flatMap { text in columns.map { scores[text * K + $0] } }
    let margins = try tuned(values, columns.map { names[$0] }) { ridge, pairs in
      let weights = try ScoresOnly(ridge: ridge).fit(pairs).weights
      return { $0.margins(weights) }
    }
    add(name, meaning, margins)
  }

  private mutating func addContentAndScores() throws {
    let (K, d) = (names.count, fitted.stage.texts.contentWidth)
    let content = fitted.stage.content.columns
    var values: [Float] = []
    values.reserveCapacity(table.texts.count * (1 + K))
    for text in 0..<table.texts.count {
      values.append(content[text * d])
      values += scores[text * K..<(text + 1) * K]
    }
    let columns = ["content"] + names
    let pooled = try tuned(values, columns) { ridge, pairs in
      let weights = try ScoresOnly(ridge: ridge).fit(pairs).weights
      return { $0.margins(weights) }
    }
    add("content and scores", "Bradley–Terry on the content-only score and the attribute scores", pooled)
    guard severalCommunities else { return }
    let fit = try HierarchicalBradleyTerry().fit(pairs(fitted.stage.train, values, columns))
    add(
      "content and scores, hierarchical", "the same, weights of each community drawn towards their mean",
      fit.margins(try pairs(test, values, columns)))
  }

  /// ArmoRM (Wang et al. 2024): what is asked decides which scores count.
  private mutating func addGate() throws {
    let contexts = prepared.table.contexts
    guard Set(contexts).count > 1, let signs = scoresOnly?.weights.map({ $0 < 0 ? Float(-1) : 1 }) else {
      return
    }
    let distinct = Set(contexts).sorted()
    let place = Dictionary(uniqueKeysWithValues: distinct.enumerated().map { ($1, $0) })
    let (states, width) = (try fitted.model.content.columns(distinct), fitted.model.content.width)
    let K = names.count
    // A gate has no signs.
    let turned = scores.indices.map { scores[$0] * signs[$0 % K] }
    func part(_ rows: [Int]) throws -> (ScoredPairs, [Float]) {
      (
        try pairs(rows, turned, names),
        rows.flatMap { row in
          let at = place[contexts[table.chosen[row]]] ?? 0
          return Array(states[at * width..<(at + 1) * width])
        }
      )
    }
    let train = try part(fitted.stage.train)
    let verbosity = names.firstIndex(of: LexicalCue.verbosity.rawValue)
    let decorrelation = try verbosity.map { try Decorrelation(turned, width: K, from: $0) }
    let gate = try ScoreGate().fit(
      train.0, states: train.1, stateWidth: width, decorrelation: decorrelation, seed: seed)
    let tested = try part(test)
    add(
      "gated scores", "what is asked decides which scores count", try gate.margins(tested.0, states: tested.1)
    )
  }

  private mutating func addOurs() throws {
    let model = try fitted.model.knowing(prepared.table.communities(test)).model
    let communities = model.communities.isEmpty ? prepared.table.communities(test) : model.communities
    let data = try prepared.table.data(test, fitted.stage.texts, attributes: names, communities: communities)
    add(
      "PrefPalette", "content and attributes, weights of each community", isOurs: true,
      try model.margins(data))
    add(
      "PrefPalette without attributes", "the same model, attributes left out",
      try model.margins(data, use: false))
  }

  /// Margins on the test pairs by a fit to all training pairs, with the ridge that is best on held-out ones.
  private func tuned(
    _ values: [Float], _ columns: [String],
    _ fit: (_ ridge: Double, _ pairs: ScoredPairs) throws -> (ScoredPairs) -> [Double]
  ) throws -> [Double] {
    var best = (ridge: 1.0, loss: Double.infinity)
    if !fitted.validation.isEmpty, !fitted.inner.isEmpty {
      let inner = try pairs(fitted.inner, values, columns)
      let validation = try pairs(fitted.validation, values, columns)
      for ridge in [0.1, 1, 10, 100, 1000] {
        let loss = try fit(ridge, inner)(validation).map { softplus(-$0) }.sum()
        if loss < best.loss { best = (ridge, loss) }
      }
    }
    return try fit(best.ridge, pairs(fitted.stage.train, values, columns))(pairs(test, values, columns))
  }

  private func pairs(_ rows: [Int], _ values: [Float], _ columns: [String]) throws -> ScoredPairs {
    try ScoredPairs(table, rows: rows, scores: values, columns: columns)
  }

  /// Margins by the weights of each pair's community; 0 for one without.
  private static func margins(of pairs: ScoredPairs, by weights: [[Double]]) -> [Double] {
    var margins = [Double](repeating: 0, count: pairs.count)
    for (community, rows) in pairs.byCommunity.enumerated() where community < weights.count && !rows.isEmpty {
      for (row, margin) in zip(rows, pairs[rows].margins(weights[community])) { margins[row] = margin }
    }
    return margins
  }
}
