import Foundation
import PenchantData
import PenchantTrain

extension FittedBradleyTerry {
  /// The name in files and on the command line.
  public static let system = "bradley-terry"

  /// The model as a safetensors file: featuriser, weights, and metadata that names system, configuration and seed.
  public func bytes() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    var file = SafeTensorsWriter(metadata: [
      "system": Self.system, "seed": String(seed), "temperature": String(temperature), "format": "1",
      "configuration": String(decoding: try encoder.encode(configuration), as: UTF8.self),
    ])
    try pipeline.featuriser?.add(to: &file)
    try pipeline.middle?.add(to: &file)
    switch head {
    case .linear(let head):
      try file.add("linear.weights", shape: [head.weights.count], head.weights)
      if let errors = head.standardErrors {
        try file.add("linear.standard_errors", shape: [errors.count], errors)
      }
      // As text: doubles come back with the same bits.
      file.metadata["held_out_loss"] = head.heldOutLoss.sorted { $0.key < $1.key }.map {
        "\($0.key):\($0.value)"
      }
      .joined(separator: " ")
      file.metadata["ridge"] = String(head.ridge)
      file.metadata["newton_steps"] = String(head.newtonSteps)
      file.metadata["converged"] = String(head.converged)
    case .mlp(let head):
      for (name, values) in head.parameters.sorted(by: { $0.key < $1.key }) {
        try file.add(name, shape: [values.count], values)
      }
      try file.add("mlp.widths", shape: [head.widths.count], head.widths)
      try file.add("mlp.input_mean", shape: [head.inputMean.count], head.inputMean)
      try file.add("mlp.input_scale", shape: [head.inputScale.count], head.inputScale)
      file.metadata["state"] = String(decoding: try encoder.encode(head.state), as: UTF8.self)
    }
    return file.bytes()
  }

  public func write(to path: String) throws { try AtomicFile.write(bytes(), to: path) }

  /// Reads a model.
  ///
  /// - Parameter encoder: opens the sentence encoder that the model was fitted with, by its folder.
  public init(reading path: String, encoder: (String) throws -> any TextEncoder) throws {
    try self.init(SafeTensors(path), encoder: encoder)
  }

  public init(bytes: [UInt8], name: String, encoder: (String) throws -> any TextEncoder) throws {
    try self.init(SafeTensors(bytes: bytes, name: name), encoder: encoder)
  }

  init(_ file: SafeTensors, encoder: (String) throws -> any TextEncoder) throws {
    func number<T: LosslessStringConvertible>(_ key: String, _ type: T.Type) throws -> T {
      guard let number = T(try file.text(key)) else {
        throw DataError(
          file: file.file, field: key, "the metadata \"\(key)\" is not a number", found: try file.text(key))
      }
      return number
    }
    try file.check(system: Self.system)
    configuration = try JSONDecoder().decode(
      BradleyTerryConfiguration.self, from: Data(try file.text("configuration").utf8))
    try configuration.validate()
    seed = try number("seed", UInt64.self)
    temperature = try number("temperature", Double.self)
    guard temperature > 0, temperature.isFinite else {
      throw DataError(
        file: file.file, field: "temperature", "the temperature is \(temperature)", expected: "above 0")
    }
    let opened = configuration.features.encoder.isEmpty ? nil : try encoder(configuration.features.encoder)
    pipeline = FeaturePipeline(
      configuration: configuration.features,
      featuriser: configuration.features.builtin ? try FittedFeaturiser(file) : nil, encoder: opened,
      middle: try FittedMiddleLayer(file, MiddleLayer(configuration.features, of: opened)))
    switch configuration.model.head {
    case .linear:
      let tried = try file.text("held_out_loss").split(separator: " ").compactMap {
        item -> (Double, Double)? in
        let parts = item.split(separator: ":").compactMap { Double($0) }
        return parts.count == 2 ? (parts[0], parts[1]) : nil
      }
      let weights = try file.floats("linear.weights", shape: [nil], finite: true)
      let errors = "linear.standard_errors"
      head = .linear(
        LinearHead(
          weights: weights,
          standardErrors: file.entry(errors) == nil
            ? nil : try file.floats(errors, shape: [weights.count], finite: true),
          ridge: try number("ridge", Double.self),
          heldOutLoss: Dictionary(tried, uniquingKeysWith: { first, _ in first }),
          newtonSteps: try number("newton_steps", Int.self), converged: try file.text("converged") == "true"))
    case .mlp:
      let widths = try file.integers("mlp.widths", shape: [nil])
      guard widths.count >= 2, widths.allSatisfy({ (1...1_000_000).contains($0) }), widths.last == 1 else {
        throw DataError(
          file: file.file, field: "mlp.widths", "the widths are not those of a network",
          found: "found \(widths)")
      }
      var parameters: [String: [Float]] = [:]
      for (layer, (inputs, outputs)) in zip(widths, widths.dropFirst()).enumerated() {
        let (weight, bias) = ("mlp.\(layer).weight", "mlp.\(layer).bias")
        parameters[weight] = try file.floats(weight, shape: [inputs * outputs], finite: true)
        parameters[bias] = try file.floats(bias, shape: [outputs], finite: true)
      }
      head = .mlp(
        MLPHead(
          widths: widths, parameters: parameters,
          inputMean: try file.floats("mlp.input_mean", shape: [widths[0]], finite: true),
          inputScale: try file.floats("mlp.input_scale", shape: [widths[0]], finite: true),
          state: try JSONDecoder().decode(TrainingState.self, from: Data(try file.text("state").utf8))))
    }
  }
}
