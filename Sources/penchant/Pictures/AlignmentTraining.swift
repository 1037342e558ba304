import ArgumentParser
import DiffusionAlignment
import Foundation
import PenchantData
import PenchantTrain

/// `penchant train inpo`: a diffusion model moved towards the preferred of pairs, by InPO or a method beside it.
struct AlignmentTraining: SystemTraining {
  let options: Train
  let defaults = AlignmentConfiguration()
  let wants = "pairs of pictures or points as JSON lines (penchant help pictures)"

  var foreign: [String] {
    options.textual + options.log.given + (options.pictures.labelled ? ["--labelled"] : [])
  }

  func resolved(_ layers: ConfigurationLayers<AlignmentConfiguration>) throws -> AlignmentConfiguration {
    var layers = layers
    if let method = options.pictures.method {
      let names = AlignmentMethod.allCases.map(\.rawValue)
      guard names.contains(method) else {
        throw ConfigurationError(
          "--method must be \(names.joined(separator: ", ")), found \"\(clipped(method, 40))\"")
      }
      try layers.set("objective.method", to: method)
    }
    let configuration = try layers.resolve()
    try configuration.validate()
    return configuration
  }

  func read(_ path: String) throws -> SamplePairs { try options.form().pairs(path) }

  func checksum(_ pairs: SamplePairs, _ configuration: AlignmentConfiguration) -> String { pairs.checksum }

  func check(_ training: Training<AlignmentConfiguration, SamplePairs>) throws {
    try Alignment(training.configuration, seed: training.record.seed).check(
      training.input, from: start(training.record), file: training.record.data)
  }

  /// The model that is aligned; a run keeps a copy.
  private func start(_ record: RunRecord) throws -> FittedDiffusion {
    if options.resume, let out = options.out {
      return try FittedDiffusion(reading: "\(out)/\(AlignmentRunWriter.reference)")
    }
    guard let path = options.pictures.model else {
      throw ValidationError(
        "--model RUN is needed: the model to align; train one with penchant train diffusion")
    }
    return try diffusionModel(path)
  }

  func train(_ training: Training<AlignmentConfiguration, SamplePairs>, into run: RunDirectory) throws -> Bool
  {
    let started = ProgressLine.clock()
    let reference = try start(training.record)
    if !training.isResumed { try run.write(AlignmentRunWriter.reference, bytes: reference.bytes()) }
    let alignment = try Alignment(training.configuration, seed: training.record.seed)
    let fit = try alignment.fit(
      training.input, from: reference, run: run, resume: training.isResumed, progress: training.progress
    ) { step, samples in try KeptSamples(run: run).keep(KeptSamples.shown(samples), step: step) }
    guard fit.result.ending != .interrupted else { return false }
    let result = try AlignmentResult(
      fit, alignment, pairs: training.input, file: training.record.data,
      seconds: ProgressLine.clock() - started)
    if let warning = result.warning { training.progress.warn(warning) }
    let writer = AlignmentRunWriter(run: run, result: result)
    try writer.write(fit.model, reference: reference, held: fit.held)
    if options.common.json { try showJSON(result) } else { try show(writer.text) }
    return true
  }
}

/// The diffusion model of a run, or of a file.
func diffusionModel(_ path: String) throws -> FittedDiffusion {
  var isFolder: ObjCBool = false
  let isRun = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  guard isRun else { return try FittedDiffusion(reading: path) }
  let run = try RunDirectory.open(path)
  guard run.contains("model.safetensors") else {
    throw DataError(
      file: path, "the run has no model yet",
      repair: "finish it: penchant train \(TrainedModel.system(of: run)) --out \(path) --resume")
  }
  return try FittedDiffusion(reading: run.file("model.safetensors"))
}
