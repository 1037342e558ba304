import ArgumentParser
import Foundation
import PenchantData
import PenchantTrain
import PreferenceModels

/// What `penchant train` does for one system: lay its flags over the settings, check its inputs, train into a run.
protocol SystemTraining {
  associatedtype Configuration: Codable & Sendable
  /// What is read of the data.
  associatedtype Input: Sendable

  var options: Train { get }
  var defaults: Configuration { get }
  /// Options that this system has no use for, when they are given.
  var foreign: [String] { get }
  /// Sets what flags say, and validates.
  func resolved(_ layers: ConfigurationLayers<Configuration>) throws -> Configuration
  /// What `--data` is, for the message that it is missing.
  var wants: String { get }
  /// What is learnt from when no data are named; nil where they must be.
  var builtin: String? { get }
  func read(_ path: String) throws -> Input
  /// Of what a model is trained on.
  func checksum(_ input: Input, _ configuration: Configuration) -> String
  /// The setting that `--encoder` names.
  var encoderSetting: String { get }
  /// Reads whatever else is named, before anything is written.
  func check(_ training: Training<Configuration, Input>) throws
  /// Trains, and shows the result; whether it went to the end.
  func train(_ training: Training<Configuration, Input>, into run: RunDirectory) throws -> Bool
}

/// The same for a system that learns from preference pairs.
protocol PairTraining: SystemTraining where Input == [PreferencePair] {
  /// The texts that are scored.
  func table(_ pairs: [PreferencePair], _ configuration: Configuration) -> PairTable
}

extension PairTraining {
  var wants: String { "preference pairs as JSON lines" }
  func read(_ path: String) throws -> [PreferencePair] { try readPairs(path) }
  func checksum(_ pairs: [PreferencePair], _ configuration: Configuration) -> String {
    penchant.checksum(table(pairs, configuration))
  }
}

/// A run that is about to start, or to go on.
struct Training<Configuration: Sendable, Input: Sendable>: Sendable {
  var configuration: Configuration
  var record: RunRecord
  var input: Input
  var isResumed: Bool
  var progress: ProgressLine
}

extension SystemTraining {
  var encoderSetting: String { "features.encoder" }
  var builtin: String? { nil }

  func run() throws {
    if let option = foreign.first { throw ValidationError("\(option) means nothing for \(options.system)") }
    if options.printConfig {
      try show(try ConfigurationLayers<Configuration>.text(settled(from: nil)), terminator: "")
      return
    }
    guard let out = options.out else { throw ValidationError("--out RUN is needed: the directory to write") }
    Interrupt.install()
    let progress = options.common.progress
    let run: RunDirectory
    let training: Training<Configuration, Input>
    if options.resume {
      run = try RunDirectory.open(out)
      let record = try JSON.decode(RunRecord.self, from: run.read("run.json"))
      guard record.system == options.system else {
        throw ConfigurationError(
          "\(out) is a run of \(record.system)\n  resume it: penchant train \(record.system) --out \(out) --resume"
        )
      }
      training = Training(
        configuration: try settled(from: run), record: record, input: try read(options.source ?? record.data),
        isResumed: true, progress: progress)
      guard checksum(training.input, training.configuration) == record.dataChecksum else {
        throw DataError(
          file: options.source ?? record.data, "this is not the data the run was started with",
          repair: "pass the same --data")
      }
      try check(training)
    } else {
      guard let data = options.source ?? builtin else {
        throw ValidationError("--data FILE is needed: \(wants)")
      }
      let configuration = try settled(from: nil)
      let input = try read(data)
      training = Training(
        configuration: configuration,
        record: RunRecord(
          system: options.system, data: data, dataChecksum: checksum(input, configuration),
          seed: options.seed ?? 0, leaveOut: options.leaveOut, embeddings: options.embeddings,
          tests: options.tests.isEmpty ? nil : options.tests, items: options.log.items,
          samples: options.pictures.form),
        input: input, isResumed: false, progress: progress)
      // Everything that can be wrong with the input is said before anything is written.
      try check(training)
      run = try RunDirectory.create(out)
      try run.write("config.yaml", ConfigurationLayers<Configuration>.text(configuration))
      try run.write("run.json", json: training.record)
      try run.write("environment.json", json: RunEnvironment.current())
    }
    guard try train(training, into: run) else {
      progress.warn(
        "stopped; the checkpoint is saved. Continue with:\n  penchant train \(options.system) --out \(out) --resume"
      )
      throw ExitStatus.interrupted
    }
  }

  /// Defaults, or those of the run; then the file, single settings, flags.
  private func settled(from run: RunDirectory?) throws -> Configuration {
    var layers = try ConfigurationLayers(defaults: defaults)
    if let run { try layers.apply(yaml: run.text("config.yaml"), file: run.file("config.yaml")) }
    if let config = options.config { try layers.apply(yaml: text(of: config), file: config) }
    for setting in options.settings {
      let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw ValidationError("--set wants key=value, found \"\(setting)\"") }
      try layers.set(parts[0], to: parts[1])
    }
    if let policy = options.onNonfinite {
      guard NonFinitePolicy(rawValue: policy) != nil else {
        throw ConfigurationError("--on-nonfinite must be stop, skip or report, found \"\(policy)\"")
      }
      try layers.set("run.on_nonfinite", to: policy)
    }
    if let encoder = options.encoder {
      try layers.set(encoderSetting, to: encoder == "builtin" ? "\"\"" : quoted(encoder))
    }
    if let robust = options.robust {
      let methods = RobustConfiguration.Method.allCases.map(\.rawValue)
      guard methods.contains(robust) else {
        throw ConfigurationError(
          "--robust must be \(methods.joined(separator: ", ")), found \"\(clipped(robust, 40))\"")
      }
      try layers.set("robust.method", to: robust)
    }
    if let leaveOut = options.leaveOut, leaveOut != "community" {
      throw ConfigurationError("--leave-out must be community, found \"\(leaveOut)\"")
    }
    return try resolved(layers)
  }

  private func text(of path: String) throws -> String {
    do { return String(decoding: try SystemFiles().read(path), as: UTF8.self) } catch {
      throw ConfigurationError("--config \(error)")
    }
  }
}

/// A text as YAML reads it back whatever is in it.
func quoted(_ text: String) -> String {
  "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
}
