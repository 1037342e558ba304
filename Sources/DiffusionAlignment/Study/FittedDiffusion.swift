import Foundation
import PenchantData
import PenchantTape
import PenchantTrain

/// A trained model: draws samples, saves and loads.
public struct FittedDiffusion {
  public static let system = "diffusion"

  public let model: DiffusionModel
  public let seed: UInt64
  /// How samples are drawn unless something else is said.
  public var sampling: SamplingConfiguration

  public init(
    _ model: DiffusionModel, seed: UInt64, sampling: SamplingConfiguration = SamplingConfiguration()
  ) {
    self.model = model
    self.seed = seed
    self.sampling = sampling
  }

  /// Samples of the classes, `DiffusionModel.noClass` for none; sample *i* depends on the seed and *i*.
  public func samples(_ classes: [Int], seed: UInt64) throws -> SampleSet {
    try model.samples(Sampler(sampling, of: Denoiser(model)).samples(classes, seed: seed), classes)
  }

  /// The classes of `count` samples, one class after the other; none for a model without.
  public func classes(_ count: Int) -> [Int] { model.classes(count) }
}

extension FittedDiffusion {
  private struct Description: Codable {
    var model: ModelConfiguration
    var shape: SampleShape
    var classNames: [String]
    var sampling: SamplingConfiguration
  }

  /// The model as a safetensors file whose metadata name system, configuration and seed.
  public func bytes() throws -> [UInt8] {
    let description = Description(
      model: model.configuration, shape: model.shape, classNames: model.classNames, sampling: sampling)
    var file = SafeTensorsWriter(metadata: [
      "system": Self.system, "format": "1", "seed": String(seed),
      "configuration": String(decoding: try JSON.encode(description, pretty: false), as: UTF8.self),
    ])
    for parameter in model.store.parameters {
      try file.add(parameter.name, shape: parameter.shape.extents, model.store.copy(of: parameter))
    }
    return file.bytes()
  }

  public func write(to path: String) throws { try AtomicFile.write(bytes(), to: path) }

  public init(reading path: String) throws { try self.init(SafeTensors(path)) }

  public init(bytes: [UInt8], name: String) throws { try self.init(SafeTensors(bytes: bytes, name: name)) }

  /// - Throws: `DataError` naming file and field when something is missing, has another shape or is not finite.
  init(_ file: SafeTensors) throws {
    try file.check(system: Self.system)
    let found = try file.value("configuration", Description.self) { try JSON.decode($0, from: $1) }
    guard let seed = UInt64(try file.text("seed")) else {
      throw DataError(
        file: file.file, field: "seed", "the seed is not a number", repair: "is this a model of penchant?")
    }
    let shape = found.shape
    guard (1...4096).contains(shape.height), (1...4096).contains(shape.width),
      (1...65536).contains(shape.channels),
      shape.count <= 1 << 24, found.classNames.count <= 1 << 20
    else {
      throw DataError(file: file.file, field: "configuration", "samples of \(shape) are out of range")
    }
    try found.sampling.validate()
    let model = try DiffusionModel(found.model, shape: shape, classNames: found.classNames)
    for parameter in model.store.parameters {
      try model.store.set(
        parameter,
        to: file.floats(parameter.name, shape: parameter.shape.extents.map(Optional.some), finite: true))
    }
    self.init(model, seed: seed, sampling: found.sampling)
  }
}
