import Foundation
import PenchantData
import PenchantTrain

extension FittedLCPO {
  /// The model as a safetensors file whose metadata names system, configuration, seed and annotators.
  public func bytes() throws -> [UInt8] {
    func text(_ value: some Encodable) throws -> String {
      String(decoding: try JSON.encode(value, pretty: false), as: UTF8.self)
    }
    var file = SafeTensorsWriter(metadata: [
      "system": Self.system, "format": "1", "seed": String(seed), "configuration": try text(configuration),
      "annotators": try text(annotators), "items": try text(items), "diagnostics": try text(diagnostics),
      "iterations": String(iterations), "converged": String(converged),
    ])
    try file.add("eta", shape: [reliabilities.eta.count], reliabilities.eta)
    try file.add("slope", shape: [1], [slope])
    try file.add("worths", shape: [worths.count], worths)
    try file.add(
      "noise_rate", shape: [noiseRateError == nil ? 1 : 2], [noiseRate] + (noiseRateError.map { [$0] } ?? []))
    return file.bytes()
  }

  public func write(to path: String) throws { try AtomicFile.write(bytes(), to: path) }

  public init(reading path: String) throws { try self.init(SafeTensors(path)) }

  public init(bytes: [UInt8], name: String) throws { try self.init(SafeTensors(bytes: bytes, name: name)) }

  /// - Throws: `DataError` naming file and field when something is missing, has another shape or is not finite.
  init(_ file: SafeTensors) throws {
    func value<Value: Decodable & Sendable>(_ key: String, _ type: Value.Type) throws -> Value {
      try file.value(key, type, decode: JSON.decode)
    }
    func wrong(_ key: String, _ problem: String) -> DataError {
      DataError(file: file.file, field: key, problem, repair: "is this a model of penchant?")
    }
    try file.check(system: Self.system)
    let configuration = try value("configuration", LCPOConfiguration.self)
    try configuration.validate()
    let annotators = try value("annotators", [Annotator].self)
    let items = try value("items", [String].self)
    guard let seed = UInt64(try file.text("seed")), let iterations = Int(try file.text("iterations")) else {
      throw wrong("seed", "the seed or the iterations are not numbers")
    }
    guard !annotators.isEmpty else { throw wrong("annotators", "the model has no annotator") }
    var reliabilities = Reliabilities(annotators: annotators.count)
    reliabilities.eta = try file.doubles("eta", shape: [annotators.count])
    reliabilities.slope = try file.doubles("slope", shape: [1])[0]
    guard reliabilities.eta.allSatisfy({ $0 > 0 && $0 < 1 }), reliabilities.slope > 0 else {
      throw wrong("eta", "a reliability is not between 0 and 1, or the slope is not above 0")
    }
    let worths = try file.doubles("worths", shape: [items.count])
    let noise = try file.doubles("noise_rate", shape: [nil])
    guard let rate = noise.first else { throw wrong("noise_rate", "there is no noise rate") }
    self.init(
      configuration: configuration, seed: seed, annotators: annotators, reliabilities: reliabilities,
      items: items, worths: worths, noiseRate: rate, noiseRateError: noise.count > 1 ? noise[1] : nil,
      diagnostics: try value("diagnostics", LCPODiagnostics.self), iterations: iterations,
      converged: try file.text("converged") == "true")
  }
}
