import PenchantData
import PenchantTrain

/// Full EM as a training: a step is an iteration over all pairs. Standing still, it does nothing more.
struct NoiseTask: TrainingTask {
  private let problem: LCPOProblem
  private let configuration: LCPOConfiguration
  private(set) var fit: NoiseFit

  init(_ problem: LCPOProblem, _ configuration: LCPOConfiguration) {
    self.problem = problem
    self.configuration = configuration
    fit = problem.likelihood.start(problem.start)
  }

  var stepsPerEpoch: Int { 1 }

  mutating func step(_ number: Int) throws -> StepOutcome {
    var moves = NoisyLikelihood.Moves()
    moves.tolerance = configuration.fit.tolerance
    moves.reliabilities = configuration.noise.learns
    moves.slope = problem.fitsSlope
    if configuration.fit.method == .direct {
      fit = try problem.likelihood.maximiseDirectly(from: fit, moves)
    } else if !fit.converged {
      try problem.likelihood.step(&fit, moves)
    }
    let loss = fit.objective / Double(problem.data.count)
    return StepOutcome(loss: loss, learningRate: 0, nonFinite: loss.isFinite ? nil : "objective")
  }

  func validate() -> [(name: String, value: Double)] {
    [
      ("objective", fit.objective / Double(problem.data.count)),
      ("reliability", fit.reliabilities.mean),
      ("slope", fit.reliabilities.slope),
    ]
  }

  func checkpointFiles() throws -> [String: [UInt8]] {
    var file = SafeTensorsWriter(metadata: [
      "system": LCPO.system, "iterations": String(fit.iterations), "converged": String(fit.converged),
    ])
    try file.add("parameters", shape: [fit.parameters.count], fit.parameters)
    try file.add("eta", shape: [fit.reliabilities.eta.count], fit.reliabilities.eta)
    try file.add("slope", shape: [1], [fit.reliabilities.slope])
    try file.add("objective", shape: [1], [fit.objective])
    return ["model.safetensors": file.bytes()]
  }

  mutating func restore(_ files: [String: [UInt8]]) throws {
    guard let bytes = files["model.safetensors"] else {
      throw CheckpointError("the checkpoint has no model.safetensors")
    }
    let file = try SafeTensors(bytes: bytes, name: "model.safetensors")
    guard let iterations = file.metadata["iterations"].flatMap(Int.init), iterations >= 0 else {
      throw CheckpointError("model.safetensors does not say how many iterations were done")
    }
    fit.parameters = try file.doubles("parameters", shape: [fit.parameters.count])
    fit.reliabilities.eta = try file.doubles("eta", shape: [fit.reliabilities.eta.count])
    fit.reliabilities.slope = try file.doubles("slope", shape: [1])[0]
    fit.objective = try file.doubles("objective", shape: [1])[0]
    fit.iterations = iterations
    fit.converged = file.metadata["converged"] == "true"
  }
}
