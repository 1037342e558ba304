import PenchantData
import PenchantKernels
import PenchantTrain

/// Attribute heads for the texts of a data set, and what is known of them.
struct PaletteAttributes: Sendable {
  var attributes: [Attribute]
  var heads: FittedAttributeHeads
  var inputs: PaletteTextInputs
  var evaluation: AttributeHeadEvaluation
  /// Rewrites of texts that the heads did not learn from; empty when people judged.
  var held: [CounterfactualRecord]

  /// Learns from rewrites of a file, of rules, or from judgements of people, as the configuration says.
  ///
  /// - Parameters:
  ///   - pairs: of which rules rewrite texts.
  ///   - reserved: texts that judgements must not teach, because pairs of them are to be tested.
  static func fit(
    _ pairs: [PreferencePair], reserved: Set<String>, _ configuration: TextPaletteConfiguration,
    encoder: (any TextEncoder)?, seed: UInt64, progress: ProgressLine
  ) async throws -> PaletteAttributes {
    configuration.attributes.judgements.isEmpty
      ? try await fromRewrites(pairs, configuration, encoder, seed, progress)
      : try fromPeople(reserved, configuration, encoder, seed, progress)
  }

  private static func fromRewrites(
    _ pairs: [PreferencePair], _ configuration: TextPaletteConfiguration, _ encoder: (any TextEncoder)?,
    _ seed: UInt64, _ progress: ProgressLine
  ) async throws -> PaletteAttributes {
    let attributes = try Attribute.listed(configuration.attributes.list)
    let set = try await rewrites(pairs, attributes, configuration, seed, progress)
    var plan = Counterfactuals.SplitPlan(comments: configuration.attributes.held)
    // Whole communities are left out where enough rewrites of others remain.
    if set.records.count < 4 * Set(set.records.map(\.community)).count { plan.communities = 0 }
    var table = CounterfactualTable(set, try set.splits(plan, seed: seed))
    let ties = table.addTies(configuration.heads.ties, seed: seed)
    let teacher = teacher(set)
    let inputs = try PaletteTextInputs(
      configuration.attributes, teacher: teacher, attributes, encoder: encoder,
      featuriser: configuration.features.featuriser, countedIn: table.pairs.texts)
    progress.note(
      "attribute heads: \(table.pairs.texts.count) rewrites of \(set.records.count) texts, \(attributes.count) attributes"
    )
    let features = try inputs.inputs.features(table.pairs.texts, contexts: table.pairs.contexts)
    let fit = try AttributeHeads(configuration.heads, seed: seed).fit(
      features, table.pairs, train: table.pairs(.train) + ties, validation: table.pairs(.commentEval),
      teacher: teacher, encoder: configuration.features.encoder,
      trainer: Trainer(configuration.heads.run, progress: progress))
    let held = table.testRecords.map { set.records[$0] }
    return PaletteAttributes(
      attributes: attributes, heads: fit.heads, inputs: inputs,
      evaluation: try AttributeHeadEvaluation(fit.heads, table, scores: fit.scores), held: held)
  }

  private static func teacher(_ set: Counterfactuals) -> String {
    let names = Set(set.records.map(\.teacher).filter { !$0.isEmpty }).sorted()
    return names.isEmpty ? "a file" : names.joined(separator: ", ")
  }

  private static func rewrites(
    _ pairs: [PreferencePair], _ attributes: [Attribute], _ configuration: TextPaletteConfiguration,
    _ seed: UInt64,
    _ progress: ProgressLine
  ) async throws -> Counterfactuals {
    let file = configuration.attributes.counterfactuals
    if !file.isEmpty {
      let set = Counterfactuals(records: try CounterfactualRecord.read(file), attributes: attributes)
      for attribute in attributes where !set.records.contains(where: { $0.rewrite[attribute.name] != nil }) {
        throw DataError(
          file: file, field: attribute.name, "no text is rewritten for \"\(attribute.name)\"",
          repair: "name the attributes of the file: --attributes, or run penchant synthesize for this one")
      }
      return set
    }
    let communities = max(1, Set(pairs.map { $0.community ?? "" }).count)
    let each = max(2, (configuration.attributes.texts + communities - 1) / communities)
    let sources = try SourceText.texts(of: pairs, perCommunity: each, seed: seed)
    let records = sources.map {
      CounterfactualRecord(id: $0.id, community: $0.community, postTitle: $0.context, original: $0.text)
    }
    let all = try await Counterfactuals.synthesise(
      records, attributes: attributes, by: RuleRewriter(), seed: seed)
    let gate = QualityGate()
    return gate.passed(all, try gate.review(all))
  }

  private static func fromPeople(
    _ reserved: Set<String>, _ configuration: TextPaletteConfiguration, _ encoder: (any TextEncoder)?,
    _ seed: UInt64,
    _ progress: ProgressLine
  ) throws -> PaletteAttributes {
    let file = configuration.attributes.judgements
    let judgements = try AttributeJudgements.read(file)
    let list = configuration.attributes.list
    let known = try list.isEmpty ? [] : Attribute.listed(list)
    let names = list.isEmpty ? AttributeJudgements.names(judgements) : known.map(\.name)
    let attributes = names.map { name in
      known.first { $0.name == name } ?? Attribute.standard.first { $0.name == name }
        ?? Attribute(
          name: name, family: .norm, low: "less \(name)", high: "more \(name)",
          definition: "As people judged it.", levels: [String](repeating: "", count: 5))
    }
    let usable = judgements.filter { names.contains($0.attribute) }
    // A judgement that names a text to be tested on tests the heads; the others teach.
    let pairs = try AttributePairs(usable, attributes: names)
    let tests = usable.map { reserved.contains($0.more) || reserved.contains($0.less) }
    let free = usable.indices.filter { !tests[$0] }
    let order = try permutation(free.count, seed: seed, stream: stream).map { free[Int($0)] }
    let held = order.prefix(Int(Double(order.count) * configuration.attributes.held)).sorted()
    let train = order.dropFirst(held.count).sorted()
    let inputs = try PaletteTextInputs(
      configuration.attributes, teacher: AttributeHeadEvaluation.people, attributes, encoder: encoder,
      featuriser: configuration.features.featuriser,
      countedIn: pairs.texts(ofPairs: train).map { pairs.texts[$0] })
    progress.note("attribute heads: \(train.count) judgements of \(names.count) attributes")
    let features = try inputs.inputs.features(pairs.texts, contexts: pairs.contexts)
    let fit = try AttributeHeads(configuration.heads, seed: seed).fit(
      features, pairs, train: train, validation: held, teacher: AttributeHeadEvaluation.people,
      encoder: configuration.features.encoder, trainer: Trainer(configuration.heads.run, progress: progress))
    let unseen = usable.indices.filter {
      reserved.contains(usable[$0].more) && reserved.contains(usable[$0].less)
    }
    return PaletteAttributes(
      attributes: attributes, heads: fit.heads, inputs: inputs,
      evaluation: AttributeHeadEvaluation(
        fit.heads, pairs, test: unseen.isEmpty ? held : unseen, scores: fit.scores),
      held: [])
  }

  private static let stream: UInt64 = 0x504C_4A55_0000_0000
}
