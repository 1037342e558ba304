import Foundation
import PenchantData
import PenchantTrain
import PreferenceModels

/// `penchant demo prefpalette`: communities with known tastes, the profile that is found, and how far the two agree.
struct PaletteDemo {
  let out: String
  let pairs: Int
  let seed: UInt64
  let progress: ProgressLine
  let json: Bool

  /// A planted taste of one community for one trait beside what was found.
  struct Taste: Encodable {
    var community: String
    var trait: String
    var attribute: String
    /// Log-odds for one standard deviation of the trait.
    var planted: Double
    /// W: log-odds for one standard deviation of the attribute's score.
    var found: Double
    var isFlagged: Bool
  }
  struct Findings: Encodable {
    var tastes: [Taste]
    /// Of planted and found over all communities and traits.
    var correlation: Double
    /// Share of the tastes of at least `strong` whose sign was found.
    var signs: Double
    var result: PaletteResult
  }

  /// Log-odds from which a taste counts as strong.
  private static let strong = 0.5

  func run() throws {
    for name in FittedTextPalette.File.allCases.map(\.rawValue) + [
      "config.yaml", "metrics.jsonl", "checkpoints", "selection.json",
    ] {
      try SystemFiles().remove("\(out)/\(name)")
    }
    let run = try RunDirectory.create(out)
    let corpus = DemoCorpus(seed: seed, pairsPerCommunity: pairs)
    let drawn = corpus.pairs()
    try run.write("pairs.jsonl", drawn.map { "\($0.json)\n" }.joined())
    try run.write("attributes.yaml", AttributeFile.text(Self.attributes))
    var configuration = TextPaletteConfiguration()
    configuration.attributes.list = run.file("attributes.yaml")
    configuration.data.test = 0.2
    try run.write("config.yaml", ConfigurationLayers<TextPaletteConfiguration>.text(configuration))
    try run.write("environment.json", json: RunEnvironment.current())
    let system = try TextPalette(configuration, seed: seed)
    let study = try waiting {
      try await system.study(drawn, data: run.file("pairs.jsonl"), run: run, progress: progress)
    }
    guard let model = study.model, let profile = study.result.profile else { throw ExitStatus.interrupted }
    let writer = PaletteRunWriter(run: run, result: study.result)
    try writer.write(model)
    let findings = Self.findings(profile, study.result)
    try run.write("tastes.json", json: findings.tastes)
    if json { return try showJSON(findings) }
    try show(writer.text)
    try show("\n" + text(findings))
  }

  private static func findings(_ profile: PaletteProfile, _ result: PaletteResult) -> Findings {
    var tastes: [Taste] = []
    for (name, weights) in DemoCorpus.communities {
      guard let community = profile.communities.first(where: { $0.community == name }) else { continue }
      for (place, trait) in traits.enumerated() {
        guard let entry = community.entries.first(where: { $0.attribute == trait.attribute }) else {
          continue
        }
        tastes.append(
          Taste(
            community: name, trait: DemoCorpus.traits[place], attribute: trait.attribute,
            planted: trait.sign * weights[place] * DemoCorpus.deviations[place], found: entry.weight,
            isFlagged: entry.certainty?.isFlagged ?? false))
      }
    }
    let strong = tastes.filter { abs($0.planted) >= Self.strong }
    return Findings(
      tastes: tastes, correlation: pearsonCorrelation(tastes.map(\.planted), tastes.map(\.found)),
      signs: Double(strong.count { $0.planted * $0.found > 0 }) / Double(max(1, strong.count)), result: result
    )
  }

  private func text(_ findings: Findings) -> String {
    var rows = [["planted / found"] + Self.traits.map(\.attribute)]
    for (name, _) in DemoCorpus.communities {
      rows.append(
        [name]
          + findings.tastes.filter { $0.community == name }.map { taste in
            "\(decimal(taste.planted, 1)) / \(decimal(taste.found, 1))"
          })
    }
    let strong = findings.tastes.count { abs($0.planted) >= Self.strong }
    return aligned(rows)
      + "\n\nplanted and found tastes correlate with \(decimal(findings.correlation, 2)); "
      + "\(decimal(100 * findings.signs, 0))% of the \(strong) strong ones have the right sign"
      + "\nnext: penchant predict \(out) --data \(out)/pairs.jsonl | head -3"
  }

  // MARK: - Attributes of the corpus

  /// The attribute that reads a trait, in the order of `DemoCorpus.traits`; −1 where they run against each other.
  private static let traits: [(attribute: String, sign: Double)] = [
    ("verbosity", 1), ("evidence", 1), ("anecdote", 1), ("wit", 1), ("politeness", 1), ("jargon", 1),
    ("formality", -1),
  ]

  /// Three of the nineteen, and four of the corpus' own, described as somebody would who knows the forum.
  private static let attributes: [Attribute] =
    ["verbosity", "politeness", "formality"].compactMap { name in
      Attribute.standard.first { $0.name == name }
    } + [
      own(
        "evidence", "unsupported", "evidenced",
        "Whether claims rest on something that was counted or measured.",
        ["i just think", "no idea", "people say", "it is a feeling", "who knows"],
        [
          "a survey", "percent", "according to", "studies", "the data", "a trial", "the yearly report",
          "measured",
        ]),
      own(
        "anecdote", "impersonal", "anecdotal", "Whether the writer tells of something that happened.",
        ["in general", "as a rule", "on average", "broadly"],
        [
          "my grandmother", "when i was nine", "last winter", "i cried", "we once", "my brother and i",
          "i remember",
          "an old man",
        ]),
      own(
        "wit", "earnest", "witty", "Whether it is written to amuse.",
        ["seriously", "in earnest", "to be serious"],
        ["my cat", "my dog", "haha", "lol", "frankly", "owe me money", "regret everything", "lonely"]),
      own(
        "jargon", "plain-spoken", "technical", "Whether it is written in the words of a trade.",
        ["in plain words", "simply put", "put simply", "in everyday terms"],
        [
          "load factor", "throughput", "capital expenditure", "amortise", "tolerance", "latency", "interface",
          "subsystem",
        ]),
    ]

  private static func own(
    _ name: String, _ low: String, _ high: String, _ definition: String, _ lowWords: [String],
    _ highWords: [String]
  ) -> Attribute {
    Attribute(
      name: name, family: .norm, low: low, high: high, definition: definition,
      levels: [
        "Entirely \(low).", "Rather \(low).", "Neither \(low) nor \(high).", "Rather \(high).",
        "Entirely \(high).",
      ],
      lowWords: lowWords, highWords: highWords)
  }
}
