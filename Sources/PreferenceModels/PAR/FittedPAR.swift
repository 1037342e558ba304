import PenchantData
import PenchantKernels
import PenchantTape
import PenchantTrain
import PolicyOptimisation

/// A policy trained on shaped rewards, with the statistics that its shaping had gathered.
public struct FittedPAR: Sendable {
  public static let system = PAR.system

  public let configuration: PARConfiguration
  public let seed: UInt64
  /// Of all rewards in training; what running kinds go on from.
  public let moments: RewardMoments
  /// Parameters of the policy by name.
  let parameters: [(name: String, shape: [Int], values: [Float])]

  init(_ task: OveroptimisationTask, configuration: PARConfiguration, seed: UInt64) throws {
    self.configuration = configuration
    self.seed = seed
    moments = task.shaper.moments
    let store = task.runner.store
    parameters = try store.parameters.map { ($0.name, $0.shape.extents, try store.copy(of: $0)) }
  }

  /// The stream that shapes rewards as the training did, and goes on from its statistics.
  public func stream(table: [String: [Float]] = [:]) throws -> ShapingStream {
    try ShapingStream(configuration.shaping, table: table, moments: moments)
  }

  /// Measures the policy on held-out prompts of its world.
  ///
  /// - Throws: what preparing the world throws; it is made anew from its seed.
  public func evaluate() throws -> [PolicyPoint] {
    let prepared = try PreparedWorld(
      seed: seed, references: configuration.world.references, offset: configuration.world.offset)
    var task = try OveroptimisationTask(
      prepared, shaping: configuration.shaping, policy: configuration.policy,
      prompts: configuration.world.prompts)
    for (parameter, own) in zip(task.runner.store.parameters, parameters) {
      try task.runner.store.set(parameter, to: own.values)
    }
    _ = try task.validate()
    return task.curve
  }

  // MARK: Files

  /// The model as a safetensors file whose metadata names system, configuration, seed and statistics.
  public func bytes() throws -> [UInt8] {
    func text(_ value: some Encodable) throws -> String {
      String(decoding: try JSON.encode(value, pretty: false), as: UTF8.self)
    }
    var file = SafeTensorsWriter(metadata: [
      "system": Self.system, "format": "1", "seed": String(seed), "configuration": try text(configuration),
      "moments": try text(moments),
    ])
    for parameter in parameters {
      try file.add(parameter.name, shape: parameter.shape, parameter.values)
    }
    return file.bytes()
  }

  public init(reading path: String) throws { try self.init(SafeTensors(path)) }
  public init(bytes: [UInt8], name: String) throws { try self.init(SafeTensors(bytes: bytes, name: name)) }

  /// - Throws: `DataError` naming file and field when something is missing, has another shape or is not
  ///   finite.
  private init(_ file: SafeTensors) throws {
    try file.check(system: Self.system)
    configuration = try file.value("configuration", PARConfiguration.self, decode: JSON.decode)
    try configuration.validate()
    moments = try file.value("moments", RewardMoments.self, decode: JSON.decode)
    guard let seed = UInt64(try file.text("seed")) else {
      throw DataError(
        file: file.file, field: "seed", "the seed is not a number", repair: "is this a model of penchant?")
    }
    self.seed = seed
    var layout = ParameterLayout()
    _ = TokenWorldPolicy(in: &layout)
    parameters = try layout.entries.map { entry in
      let shape = entry.parameter.shape.extents
      return (
        entry.parameter.name, shape,
        try file.floats(entry.parameter.name, shape: shape.map(Optional.some), finite: true)
      )
    }
  }
}
