import ArgumentParser
import DiffusionAlignment
import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PreferenceModels
import SequentialRecommenders

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure the model of a run on other data.",
    discussion: """
      Examples:
        penchant evaluate run --data held-out.jsonl --json
        penchant evaluate run --data new.jsonl --adapt first-pairs.jsonl
            a prefpalette run learns communities that it does not know from their first pairs
        penchant evaluate run --data labels.jsonl
            an lcpo run: likelihood and confidence; with "gold" in the records the AUC of the confidence for right labels
        penchant evaluate run
            a par run: proxy, true reward and divergence of its policy on the held-out prompts of its world
        penchant evaluate run --data log.inter --masked
            a recommender ranks the last known item of every user, or the test part that the log names
        penchant evaluate aligned --data held-out.jsonl
            an inpo run: share of pairs in the right order of the model's own reward, with its interval
        penchant evaluate base --data pictures
            a diffusion run: drawn samples beside those of the data
      """)

  @Argument(help: ArgumentHelp("The run directory.", valueName: "run"))
  var folder: String

  @Option(
    help: "Preference pairs, JSON lines; for a recommender a log of interactions. A par run needs none.")
  var data = ""

  @Option(help: "prefpalette: pairs of communities that the model does not know yet.")
  var adapt: String?

  @Flag(help: "Recommenders: compare by ranks without the items of the history; both are shown.")
  var masked = false

  @OptionGroup(title: "Pictures and points") var pictures: SampleOptions

  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.apply()
    let started = ProgressLine.clock()
    let model = try TrainedModel(folder).adapted(to: adapt)
    if case .diffusion = model {} else { try pictures.refuse(for: model.system) }
    if masked, !System.isRecommender(model.system) {
      throw ConfigurationError("--masked means nothing for a run of \(model.system)")
    }
    if case .par(let model) = model { return try evaluate(model) }
    guard !data.isEmpty else { throw ValidationError("--data FILE is needed for a run of \(model.system)") }
    let (pairs, named): ([PreferencePair], [(name: String, margins: [Double])])
    switch model {
    case .recommender(let trained, let seed): return try evaluate(trained, seed)
    case .lcpo(let model): return try evaluate(model)
    case .diffusion(let model, let run):
      return try DiffusionEvaluation(model: model, run: run, data: data, form: pictures.form ?? SampleForm())
        .answer(json: common.json)
    case .par(let model): return try evaluate(model)
    case .bradleyTerry(let model):
      pairs = try readPairs(data)
      let table = model.table(pairs)
      let scores = try model.score(table.texts)
      let margins = (0..<table.count).map { scores[table.chosen[$0]] - scores[table.rejected[$0]] }
      named = [("model of \(folder)", margins)]
    case .prefPalette(let model):
      pairs = try readPairs(data)
      let found = try model.margins(pairs)
      named = [
        ("model of \(folder)", found.withAttributes), ("attributes left out", found.without),
        ("content only", found.contentOnly),
      ]
    }
    let groups = pairs.map { $0.community ?? "" }
    func row(_ name: String, _ margins: [Double], chances: Bool = true) -> RunResult.Model {
      RunResult.Model(name: name, margins: margins, groups: groups, seed: model.seed, chances: chances)
    }
    let models = named.map { row($0.name, $0.margins) }
    let longer = BradleyTerry.lengthMargins(PairTable(pairs))
    let result = RunResult(
      system: model.system, data: data, seed: model.seed, threads: Team.size,
      seconds: ProgressLine.clock() - started, pairs: pairs.count, evaluation: "all pairs of the file",
      models: models + [row("longer text", longer, chances: false)],
      fingerprint: XXHash64.hex(named[0].margins))
    if common.json { return try showJSON(result) }
    try show(summary(result))
    if let first = result.models.first, first.groups.count > 1 { try show("\n" + groupTable(first)) }
  }
}

extension Evaluate {
  /// The last known item of every user, or the test part that the log names, beside popularity.
  private func evaluate(_ trained: TrainedRecommender, _ seed: UInt64) throws {
    let result = try trained.evaluate(
      InteractionReader(data).log(), file: data, ranked: masked ? .masked : .unmasked, seed: seed)
    if common.json { return try showJSON(result) }
    try show(recommenderTable(result))
    if let comparison = result.comparison { try show("\n" + comparisonText(comparison)) }
  }
}

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Write report.html of a run again.",
    discussion: "One self-contained page with the tables and charts; report.json holds the numbers.")

  @Argument(help: ArgumentHelp("The run directory.", valueName: "run"))
  var folder: String

  private struct Opening: Decodable { var system: String }

  func run() throws {
    let directory = try RunDirectory.open(folder)
    guard directory.contains("result.json") else {
      throw DataError(
        file: folder, "the run has no result yet",
        repair: directory.contains("model.safetensors")
          ? "its model was imported, and nothing has been measured"
          : "finish it: penchant train \(TrainedModel.system(of: directory)) --out \(folder) --resume")
    }
    let result = try directory.read("result.json")
    switch try System(named: JSON.decode(Opening.self, from: result).system) {
    case .bradleyTerry:
      try ReportWriter(run: directory, result: JSON.decode(RunResult.self, from: result)).write()
    case .recommender:
      try RecommenderRunWriter(run: directory, result: JSON.decode(RecommenderResult.self, from: result))
        .writeReport()
    case .diffusion:
      try DiffusionRunWriter(run: directory, result: JSON.decode(DiffusionResult.self, from: result))
        .writeReport()
    case .inpo:
      try AlignmentRunWriter(run: directory, result: JSON.decode(AlignmentResult.self, from: result))
        .writeReport()
    case .par:
      try PARRunWriter(run: directory, result: JSON.decode(PARResult.self, from: result)).writeReport()
    case .lcpo:
      try LCPORunWriter(run: directory, result: JSON.decode(LCPOResult.self, from: result)).writeReport()
    case .prefPalette:
      try PaletteRunWriter(run: directory, result: JSON.decode(PaletteResult.self, from: result))
        .writeReport()
    }
    try show(directory.file("report.html"))
  }
}
