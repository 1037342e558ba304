import ArgumentParser
import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PreferenceModels

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure the model of a run on a file of pairs.",
    discussion: """
      Examples:
        penchant evaluate run --data held-out.jsonl --json
        penchant evaluate run --data new.jsonl --adapt first-pairs.jsonl
            a prefpalette run learns communities that it does not know from their first pairs
      """)

  @Argument(help: ArgumentHelp("The run directory.", valueName: "run"))
  var folder: String

  @Option(help: "Preference pairs, JSON lines.")
  var data: String

  @Option(help: "prefpalette: pairs of communities that the model does not know yet.")
  var adapt: String?

  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.apply()
    let started = ProgressLine.clock()
    let model = try TrainedModel(folder).adapted(to: adapt)
    let pairs = try readPairs(data)
    let groups = pairs.map { $0.community ?? "" }
    func row(_ name: String, _ margins: [Double], chances: Bool = true) -> RunResult.Model {
      RunResult.Model(name: name, margins: margins, groups: groups, seed: model.seed, chances: chances)
    }
    let (models, margins): ([RunResult.Model], [Double])
    switch model {
    case .bradleyTerry(let model):
      let table = model.table(pairs)
      let scores = try model.score(table.texts)
      margins = (0..<table.count).map { scores[table.chosen[$0]] - scores[table.rejected[$0]] }
      models = [row("model of \(folder)", margins)]
    case .prefPalette(let model):
      let found = try model.margins(pairs)
      margins = found.withAttributes
      models = [
        row("model of \(folder)", margins), row("attributes left out", found.without),
        row("content only", found.contentOnly),
      ]
    }
    let longer = BradleyTerry.lengthMargins(PairTable(pairs))
    let result = RunResult(
      system: model.system.rawValue, data: data, seed: model.seed, threads: Team.size,
      seconds: ProgressLine.clock() - started, pairs: pairs.count, evaluation: "all pairs of the file",
      models: models + [row("longer text", longer, chances: false)], fingerprint: XXHash64.hex(margins))
    if common.json { return try printJSON(result) }
    print(summary(result))
    if let first = result.models.first, first.groups.count > 1 { print("\n" + groupTable(first)) }
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
        repair: "finish it: penchant train \(TrainedModel.system(of: directory)) --out \(folder) --resume")
    }
    let result = try directory.read("result.json")
    switch try System(named: JSON.decode(Opening.self, from: result).system) {
    case .bradleyTerry: try ReportWriter(run: directory, result: JSON.decode(RunResult.self, from: result)).write()
    case .prefPalette:
      try PaletteRunWriter(run: directory, result: JSON.decode(PaletteResult.self, from: result)).writeReport()
    }
    print(directory.file("report.html"))
  }
}
