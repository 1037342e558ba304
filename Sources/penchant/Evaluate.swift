import ArgumentParser
import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PreferenceModels

/// The model of a run: the final one, or the best checkpoint of a run that has not finished.
func loadModel(_ path: String) throws -> FittedBradleyTerry {
  let run = try RunDirectory.open(path)
  guard run.contains("model.safetensors") else {
    throw DataError(
      file: path, "the run has no model yet",
      repair: "finish it: penchant train bradley-terry --out \(path) --resume")
  }
  return try FittedBradleyTerry(reading: run.file("model.safetensors"), encoder: openEncoder)
}

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure the model of a run on a file of pairs.",
    discussion: """
      Example:
        penchant evaluate run --data held-out.jsonl --json
      """)

  @Argument(help: ArgumentHelp("The run directory.", valueName: "run"))
  var folder: String

  @Option(help: "Preference pairs, JSON lines.")
  var data: String

  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.apply()
    let started = ProgressLine.clock()
    let model = try loadModel(folder)
    let pairs = try readPairs(data)
    let table = model.table(pairs)
    let scores = try model.score(table.texts)
    let margins = (0..<table.count).map { scores[table.chosen[$0]] - scores[table.rejected[$0]] }
    let groups = table.community.map { table.communities[$0] }
    let result = RunResult(
      system: FittedBradleyTerry.system, data: data, seed: model.seed, threads: Team.size,
      seconds: ProgressLine.clock() - started, pairs: table.count, evaluation: "all pairs of the file",
      models: [
        RunResult.Model(name: "model of \(folder)", margins: margins, groups: groups, seed: model.seed),
        RunResult.Model(
          name: "longer text", margins: BradleyTerry.lengthMargins(table), groups: groups, seed: model.seed,
          chances: false),
      ], fingerprint: XXHash64.hex(margins))
    if common.json { return try printJSON(result) }
    print(summary(result))
    if table.communities.count > 1, let first = result.models.first { print("\n" + groupTable(first)) }
  }
}

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Write report.html of a run again.",
    discussion: "One self-contained page with the tables and charts; report.json holds the numbers.")

  @Argument(help: ArgumentHelp("The run directory.", valueName: "run"))
  var folder: String

  func run() throws {
    let directory = try RunDirectory.open(folder)
    guard directory.contains("result.json") else {
      throw DataError(
        file: folder, "the run has no result yet",
        repair: "finish it: penchant train bradley-terry --out \(folder) --resume")
    }
    try ReportWriter(run: directory, result: JSON.decode(RunResult.self, from: directory.read("result.json")))
      .write()
    print(directory.file("report.html"))
  }
}
