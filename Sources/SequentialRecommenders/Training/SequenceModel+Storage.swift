import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain

extension SequenceConfiguration {
  /// Its settings as JSON with sorted keys.
  func canonicalText() throws -> String { try canonical(self) }
}

/// JSON with sorted keys: one value, one text.
func canonical(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .sortedKeys
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

extension String {
  var checksum: String { XXHash64.hex(Array(utf8)) }
}

extension ItemSequences {
  /// Checksum of the catalogue size, the cuts between users and the items.
  func checksum() -> String {
    let parts = [
      XXHash64.hex(Array("\(itemCount)".utf8)), offsets.withUnsafeBytes { XXHash64.hex(Array($0)) },
      items.withUnsafeBytes { XXHash64.hex(Array($0)) },
    ]
    return XXHash64.hex(Array(parts.joined().utf8))
  }
}

extension FittedSequenceModel {
  /// Adds the parameters, and metadata that name system, configuration, seed and the state of the training.
  public func add(to file: inout SafeTensorsWriter) throws {
    file.metadata["system"] = Configuration.system
    file.metadata["format"] = "1"
    file.metadata["seed"] = String(seed)
    file.metadata["configuration"] = try canonical(configuration)
    file.metadata["state"] = try canonical(state)
    let network = configuration.network(itemCount: itemCount)
    for entry in network.layout.entries {
      let parameter = entry.parameter
      try file.add(parameter.name, shape: parameter.shape.extents, parameters[parameter.name] ?? [])
    }
    try file.add(ItemCountsTensor.name, shape: [itemCount], itemCounts)
  }

  /// - Throws: `DataError` naming file and field when something is missing, has another shape or is not finite.
  public init(reading file: SafeTensors) throws {
    try file.check(system: Configuration.system)
    guard let seed = UInt64(try file.text("seed")) else {
      throw DataError(
        file: file.file, field: "seed", "the seed is not a number", found: try file.text("seed"))
    }
    let configuration = try file.value("configuration", Configuration.self)
    try configuration.validate()
    let counts = try ItemCountsTensor.read(file)
    let network = configuration.network(itemCount: counts.count)
    var parameters: [String: [Float]] = [:]
    for entry in network.layout.entries {
      let parameter = entry.parameter
      parameters[parameter.name] = try file.floats(
        parameter.name, shape: parameter.shape.extents.map(Optional.some), finite: true)
    }
    self.init(
      configuration: configuration, seed: seed, itemCounts: counts, parameters: parameters,
      state: try file.value("state", TrainingState.self))
  }
}
