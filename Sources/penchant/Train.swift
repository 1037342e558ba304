import ArgumentParser
import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PreferenceModels

/// What a run was started with: `run.json`.
struct RunRecord: Codable {
  var system: String
  var data: String
  var dataChecksum: String
  var seed: UInt64
  var leaveOut: String?
  var embeddings: String?
}

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a system on a file of preferences.",
    discussion: """
      Examples:
        penchant train bradley-terry --data pairs.jsonl --out run
        penchant train bradley-terry --data pairs.jsonl --out run --leave-out community
        penchant train bradley-terry --data pairs.jsonl --out run --head mlp --set optimizer.learning_rate=0.001
        penchant train bradley-terry --print-config > run.yaml
        penchant train bradley-terry --data pairs.jsonl --out run --config run.yaml
        penchant train bradley-terry --out run --resume

      Ctrl-C finishes the step, saves, and prints the line that resumes; a second Ctrl-C stops at once.
      A resumed training has the same bits as one that was not interrupted.
      """)

  @Argument(help: "The system: \(System.allCases.map(\.rawValue).joined(separator: ", ")).")
  var system: String

  @Option(help: "Preference pairs, JSON lines, plain or gzipped (penchant help data).")
  var data: String?

  @Option(help: "The run directory to make.")
  var out: String?

  @Option(help: "A YAML file of settings; --print-config shows all of them.")
  var config: String?

  @Option(name: .customLong("set"), help: "One setting, as optimizer.learning_rate=0.001; may be repeated.")
  var settings: [String] = []

  @Option(help: "linear or mlp (model.head).")
  var head: String?

  @Option(help: "builtin, or the Hugging Face folder of a sentence encoder whose embeddings are added.")
  var encoder: String?

  @Option(help: "Embeddings made elsewhere, .npy or safetensors, two rows a pair.")
  var embeddings: String?

  @Option(help: "Evaluate by leaving out one group after the other: community.")
  var leaveOut: String?

  @Option(help: "What to do when a loss or gradient is not finite: stop, skip or report.")
  var onNonfinite: String?

  @Option(help: "Seed of splits, initial weights and batches.")
  var seed: UInt64?

  @Flag(help: "Continue the run in --out.")
  var resume = false

  @Flag(help: "Print the settings with every default, as YAML, and stop.")
  var printConfig = false

  @OptionGroup var common: CommonOptions

  func run() throws {
    _ = try System(named: system)
    try common.apply()
    if printConfig {
      print(try ConfigurationLayers<BradleyTerryConfiguration>.text(settled(from: nil)), terminator: "")
      return
    }
    guard let out else { throw ValidationError("--out RUN is needed: the directory to write") }
    Interrupt.install()
    let progress = common.progress
    let run: RunDirectory
    let record: RunRecord
    let configuration: BradleyTerryConfiguration
    let table: PairTable
    if resume {
      run = try RunDirectory.open(out)
      record = try JSON.decode(RunRecord.self, from: run.read("run.json"))
      configuration = try settled(from: run)
      table = try pairTable(data ?? record.data, configuration)
      guard checksum(table) == record.dataChecksum else {
        throw DataError(
          file: data ?? record.data, "this is not the data the run was started with",
          repair: "pass the same --data")
      }
    } else {
      guard let data else { throw ValidationError("--data FILE is needed: preference pairs as JSON lines") }
      configuration = try settled(from: nil)
      table = try pairTable(data, configuration)
      record = RunRecord(
        system: system, data: data, dataChecksum: checksum(table), seed: seed ?? 0, leaveOut: leaveOut,
        embeddings: embeddings)
      // Everything that can be wrong with the input has been said; only now is something written.
      if let embeddings { _ = try embeddingRows(embeddings, for: table) }
      run = try RunDirectory.create(out)
      try run.write("config.yaml", ConfigurationLayers<BradleyTerryConfiguration>.text(configuration))
      try run.write("run.json", json: record)
      try run.write("environment.json", json: RunEnvironment.current())
    }
    let job = TrainingJob(
      configuration: configuration, record: record, table: table, run: run, progress: progress, resume: resume
    )
    switch try job.train() {
    case .interrupted:
      progress.warn(
        "stopped; the checkpoint is saved. Continue with:\n  penchant train \(system) --out \(out) --resume")
      throw ExitStatus.interrupted
    case .finished(let result):
      try ReportWriter(run: run, result: result).write()
      if common.json { try printJSON(result) } else { print(job.text(result)) }
    }
  }

  /// Defaults, or those of the run; then the file, single settings, flags.
  private func settled(from run: RunDirectory?) throws -> BradleyTerryConfiguration {
    var layers = try ConfigurationLayers(defaults: BradleyTerryConfiguration())
    if let run { try layers.apply(yaml: run.text("config.yaml"), file: run.file("config.yaml")) }
    if let config { try layers.apply(yaml: text(of: config), file: config) }
    for setting in settings {
      let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw ValidationError("--set wants key=value, found \"\(setting)\"") }
      try layers.set(parts[0], to: parts[1])
    }
    if let head {
      guard BradleyTerryConfiguration.Head(rawValue: head) != nil else {
        throw ConfigurationError("--head must be linear or mlp, found \"\(head)\"")
      }
      try layers.set("model.head", to: head)
    }
    if let onNonfinite {
      guard NonFinitePolicy(rawValue: onNonfinite) != nil else {
        throw ConfigurationError("--on-nonfinite must be stop, skip or report, found \"\(onNonfinite)\"")
      }
      try layers.set("run.on_nonfinite", to: onNonfinite)
    }
    if let encoder {
      try layers.set("features.encoder", to: encoder == "builtin" ? "\"\"" : "\"\(encoder)\"")
    }
    if let leaveOut, leaveOut != "community" {
      throw ConfigurationError("--leave-out must be community, found \"\(leaveOut)\"")
    }
    let configuration = try layers.resolve()
    try configuration.validate()
    return configuration
  }

  private func text(of path: String) throws -> String {
    do { return String(decoding: try SystemFiles().read(path), as: UTF8.self) } catch {
      throw ConfigurationError("--config \(error)")
    }
  }

  private func pairTable(_ path: String, _ configuration: BradleyTerryConfiguration) throws -> PairTable {
    configuration.features.table(try readPairs(path))
  }
}
