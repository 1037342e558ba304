import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain

extension SequenceConfiguration {
  /// Its settings as JSON with sorted keys.
  func canonicalText() throws -> String { try canonical(self) }
}

/// JSON with sorted keys: one value, one text.
private func canonical(_ value: some Encodable) throws -> String {
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
  private static var counts: String { "item_counts" }

  /// The model as a safetensors file whose metadata names system, configuration, seed and the state of the training.
  public func bytes() throws -> [UInt8] {
    var file = SafeTensorsWriter(metadata: [
      "system": Configuration.system, "format": "1", "seed": String(seed),
      "configuration": try canonical(configuration),
      "state": try canonical(state),
    ])
    let network = configuration.network(itemCount: itemCount)
    for entry in network.layout.entries {
      let parameter = entry.parameter
      try file.add(parameter.name, shape: parameter.shape.extents, parameters[parameter.name] ?? [])
    }
    try file.add(Self.counts, shape: [itemCount], itemCounts)
    return file.bytes()
  }

  public func write(to path: String) throws { try AtomicFile.write(bytes(), to: path) }

  public init(reading path: String) throws { try self.init(SafeTensors(path)) }

  public init(bytes: [UInt8], name: String) throws { try self.init(SafeTensors(bytes: bytes, name: name)) }

  /// - Throws: `DataError` naming file and field when something is missing, has another shape or is not finite.
  private init(_ file: SafeTensors) throws {
    func text(_ key: String) throws -> String {
      guard let text = file.metadata[key] else {
        throw DataError(
          file: file.file, field: key, "the metadata has no \"\(key)\"",
          repair: "is this a model of penchant?")
      }
      return text
    }
    func value<Value: Decodable>(_ key: String, _ type: Value.Type) throws -> Value {
      do { return try JSONDecoder().decode(Value.self, from: Data(try text(key).utf8)) } catch let error
        as DecodingError
      {
        throw DataError(file: file.file, field: key, "the metadata \"\(key)\" cannot be read: \(error)")
      }
    }
    let system = try text("system")
    guard system == Configuration.system else {
      throw DataError(
        file: file.file, field: "system", "this is a model of \"\(system)\"",
        expected: "\"\(Configuration.system)\"")
    }
    guard let seed = UInt64(try text("seed")) else {
      throw DataError(file: file.file, field: "seed", "the seed is not a number", found: try text("seed"))
    }
    let configuration = try value("configuration", Configuration.self)
    try configuration.validate()
    let counts = try file.integers(Self.counts, shape: [nil]).map { count in
      guard let count = UInt32(exactly: count) else {
        throw DataError(
          file: file.file, field: Self.counts, "a count is negative or too large", found: "\(count)")
      }
      return count
    }
    guard !counts.isEmpty, counts.count < Int(Int32.max) else {
      throw DataError(file: file.file, field: Self.counts, "a catalogue of \(counts.count) items")
    }
    let network = configuration.network(itemCount: counts.count)
    var parameters: [String: [Float]] = [:]
    for entry in network.layout.entries {
      let parameter = entry.parameter
      parameters[parameter.name] = try file.floats(
        parameter.name, shape: parameter.shape.extents.map(Optional.some), finite: true)
    }
    self.init(
      configuration: configuration, seed: seed, itemCounts: counts, parameters: parameters,
      state: try value("state", TrainingState.self))
  }
}
