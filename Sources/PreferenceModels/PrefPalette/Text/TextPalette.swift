import PenchantData
import PenchantKernels
import PenchantTrain

/// PrefPalette from pairs of texts to a value profile of every community (Li et al. 2025; section 6 of the specification):
/// a content-only reward model, attribute heads, and the preference model on both.
///
/// ```swift
/// let pairs = try PairReader("pairs.jsonl").pairs()
/// let study = try await TextPalette().study(pairs)
/// print(study.result.table)
/// let chance = try study.model.explain("Because it is cheap.", over: "no", community: "tea").probability
/// ```
public struct TextPalette: Sendable {
  public let configuration: TextPaletteConfiguration
  public let seed: UInt64
  let encoder: (any TextEncoder)?

  /// - Parameter encoder: opened from `configuration.features.encoder`; nil for the built-in features.
  /// - Throws: `ConfigurationError`.
  public init(
    _ configuration: TextPaletteConfiguration = TextPaletteConfiguration(), seed: UInt64 = 0,
    encoder: (any TextEncoder)? = nil
  ) throws {
    try configuration.validate()
    self.configuration = configuration
    self.seed = seed
    self.encoder = encoder.map(MemoisedEncoder.init)
  }

  /// Everything that no split changes: texts with their features, and attribute heads.
  struct Prepared: Sendable {
    var table: PaletteTable
    var texts: PreparedTexts
    var attributes: PaletteAttributes
    /// What the heads see of each text.
    var features: FeatureMatrix

    init(_ table: PaletteTable, _ attributes: PaletteAttributes, _ palette: TextPalette) throws {
      self.table = table
      self.attributes = attributes
      texts = try PreparedTexts(table.table, palette.configuration.features, encoder: palette.encoder)
      features = try attributes.inputs.inputs.features(table.table.texts, contexts: table.contexts)
    }
  }

  /// A fitted model, and what it was fitted on.
  struct Fitted: Sendable {
    var model: FittedTextPalette
    var stage: PaletteStage
    /// Parts of the training pairs that chose settings, for baselines to choose theirs by.
    var inner: [Int]
    var validation: [Int]
    /// Whether training ended by itself.
    var isFinished: Bool
  }

  /// - Parameter group: what a fold of the content model keeps together, one a text.
  func stage(_ prepared: Prepared, train: [Int], group: [Int]) throws -> PaletteStage {
    guard !train.isEmpty else { throw ConfigurationError("there is no pair to train on") }
    let content = try PaletteContent.fit(
      prepared.texts, train: train, group: group, configuration, seed: seed)
    let heads = try prepared.attributes.heads.standardised(
      over: prepared.features.selecting(content.cross.inside))
    return try PaletteStage(
      content, heads: heads, heads.encode(prepared.features, bfloat16: true),
      attributesFirst: configuration.content.residual, train: train)
  }

  /// Penalty and epochs by `validation`, of fits to `inner`.
  func select(
    _ prepared: Prepared, _ stage: PaletteStage, inner: [Int], validation: [Int],
    progress: ProgressLine = ProgressLine(style: .silent)
  ) throws -> PaletteSelection {
    guard !inner.isEmpty, !validation.isEmpty else {
      return try PaletteSelection(configuration, pairs: inner.count, fit: nil)
    }
    // A community of validation pairs alone keeps the parameters it started with: what all share.
    let communities = prepared.table.communities(inner + validation)
    func data(_ rows: [Int]) throws -> PaletteData {
      try prepared.table.data(rows, stage.texts, attributes: stage.heads.attributes, communities: communities)
    }
    let (train, held) = (try data(inner), try data(validation))
    return try PaletteSelection(configuration, pairs: inner.count) { settings in
      try PrefPalette(settings, seed: seed).fit(
        to: train, validating: held, start: stage.start, progress: progress
      ).state
    }
  }

  func fit(
    _ prepared: Prepared, _ stage: PaletteStage, _ selection: PaletteSelection, inner: [Int],
    validation: [Int],
    run: RunDirectory? = nil, resume: Bool = false, progress: ProgressLine = ProgressLine(style: .silent)
  ) throws -> Fitted {
    let data = try prepared.table.data(
      stage.train, stage.texts, attributes: stage.heads.attributes,
      communities: prepared.table.communities(stage.train))
    let (fitted, labels) = try PrefPalette(
      configuration.palette(selection, pairs: data.count), seed: seed
    ).fitWithLabels(
      to: data, start: stage.start, annotators: prepared.table.table.users, run: run, resume: resume,
      progress: progress)
    if let run, var labels {
      labels.pairs = stage.train
      try labels.write(into: run)
    }
    return Fitted(
      model: FittedTextPalette(
        configuration: configuration, attributes: prepared.attributes.attributes,
        content: stage.content.content,
        residual: stage.residual, heads: stage.heads, inputs: prepared.attributes.inputs, model: fitted),
      stage: stage, inner: inner, validation: validation, isFinished: !Interrupt.isRequested)
  }
}
