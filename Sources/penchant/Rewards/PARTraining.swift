import PenchantData
import PenchantTrain
import PreferenceModels

/// `penchant train par`: policies of a small world on shaped rewards, followed until they hack the reward
/// model.
struct PARTraining: SystemTraining {
  let options: Train
  let defaults = PARConfiguration()
  let wants = "nothing: the world is built in"
  var builtin: String? { "token world" }

  var foreign: [String] {
    [
      options.source.map { _ in "--data" }, options.head.map { _ in "--head" },
      options.encoder.map { _ in "--encoder" }, options.embeddings.map { _ in "--embeddings" },
      options.leaveOut.map { _ in "--leave-out" }, options.attributes.map { _ in "--attributes" },
      options.robust.map { _ in "--robust" }, options.counterfactuals.map { _ in "--counterfactuals" },
      options.judgements.map { _ in "--judgements" }, options.tests.first.map { _ in "--test" },
    ].compactMap(\.self) + options.log.given
  }

  func resolved(_ layers: ConfigurationLayers<PARConfiguration>) throws -> PARConfiguration {
    let configuration = try layers.resolve()
    try configuration.validate()
    return configuration
  }

  /// The world is made from the seed; there is nothing to read.
  func read(_ path: String) throws -> String { path }
  func checksum(_ world: String, _ configuration: PARConfiguration) -> String {
    XXHash64.hex(Array(world.utf8))
  }
  func check(_ training: Training<PARConfiguration, String>) throws {}

  func train(_ training: Training<PARConfiguration, String>, into run: RunDirectory) throws -> Bool {
    for warning in training.configuration.policy.warnings { training.progress.warn(warning) }
    let par = try PAR(training.configuration, seed: training.record.seed)
    guard
      let found = try par.study(run: run, resume: training.isResumed, progress: training.progress)
    else { return false }
    let writer = PARRunWriter(run: run, result: found.result)
    try writer.write(found.model)
    if options.common.json { try showJSON(found.result) } else { try show(writer.text) }
    return true
  }
}
