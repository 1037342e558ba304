import DiffusionAlignment
import PenchantData
import PenchantTrain

/// `penchant train diffusion`: a model of pictures or points, to draw from and to align.
struct DiffusionTraining: SystemTraining {
  let options: Train
  let defaults = DiffusionConfiguration()
  let wants = "pictures or points (penchant help pictures)"

  var foreign: [String] { options.textual + options.log.given + options.pictures.ofPairs }

  func resolved(_ layers: ConfigurationLayers<DiffusionConfiguration>) throws -> DiffusionConfiguration {
    let configuration = try layers.resolve()
    try configuration.validate()
    return configuration
  }

  func read(_ path: String) throws -> SampleSet { try options.form().samples(path) }

  func checksum(_ samples: SampleSet, _ configuration: DiffusionConfiguration) -> String { samples.checksum }

  func check(_ training: Training<DiffusionConfiguration, SampleSet>) throws {
    try Diffusion(training.configuration, seed: training.record.seed).check(training.input)
  }

  func train(_ training: Training<DiffusionConfiguration, SampleSet>, into run: RunDirectory) throws -> Bool {
    let started = ProgressLine.clock()
    let fit = try Diffusion(training.configuration, seed: training.record.seed).fit(
      training.input, run: run, resume: training.isResumed, progress: training.progress)
    guard fit.result.ending != .interrupted else { return false }
    let (result, drawn) = try DiffusionResult.measured(
      fit, on: training.input, file: training.record.data, seconds: ProgressLine.clock() - started)
    let writer = DiffusionRunWriter(run: run, result: result)
    try writer.write(fit.model, drawn: drawn, data: training.input)
    if options.common.json { try showJSON(result) } else { try show(writer.text) }
    return true
  }
}
