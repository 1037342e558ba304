import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain

extension FittedTextPalette {
  /// Names of the files of a model in its folder: the content-only model, what reads attributes, the preference model.
  public enum File: String, CaseIterable, Sendable {
    case content = "content.safetensors"
    case attributes = "attributes.safetensors"
    case model = "model.safetensors"
  }

  /// What stands in the metadata of `attributes.safetensors`.
  private struct Header: Codable {
    var configuration: TextPaletteConfiguration
    var attributes: [Attribute]
    var hashed: Int
    var reading: PaletteTextInputs.Reading
  }
  /// Where the n-grams of the heads lie.
  private static let featuriser = "heads.featuriser."
  private static let system = "prefpalette-attributes"

  /// The files of the model, by name.
  public func files() throws -> [(file: File, bytes: [UInt8])] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let header = Header(
      configuration: configuration, attributes: attributes, hashed: content.projection.hashed,
      reading: inputs.reading)
    var reading = SafeTensorsWriter(metadata: [
      "system": Self.system, "format": "1",
      "header": String(decoding: try encoder.encode(header), as: UTF8.self),
    ])
    try heads.add(to: &reading)
    try inputs.featuriser?.add(to: &reading, prefix: Self.featuriser)
    let projection = content.projection
    try reading.add("projection.mean", shape: [projection.mean.count], projection.mean)
    try reading.add("projection.scale", shape: [projection.scale.count], projection.scale)
    try reading.add(
      "projection.components", shape: [projection.columns, projection.mean.count], projection.components)
    if let residual {
      try reading.add(
        "content.by_attributes", shape: [heads.attributes.count, residual.width], residual.weights)
    }
    return [
      (.content, try content.reward.bytes()), (.attributes, reading.bytes()), (.model, try model.bytes()),
    ]
  }

  /// Reads a model from its folder.
  ///
  /// - Parameter encoder: opens the sentence encoder that the model was fitted with, by its folder.
  /// - Throws: `DataError` naming file and field when something is missing, does not fit, or is not finite.
  public init(reading folder: String, encoder: (String) throws -> any TextEncoder) throws {
    func path(_ file: File) -> String { "\(folder)/\(file.rawValue)" }
    let file = try SafeTensors(path(.attributes))
    guard file.metadata["system"] == Self.system, let text = file.metadata["header"] else {
      throw DataError(
        file: file.file, field: "system", "this does not say how attributes are read",
        expected: "\"\(Self.system)\"", found: file.metadata["system"] ?? "nothing")
    }
    let header: Header
    do { header = try JSONDecoder().decode(Header.self, from: Data(text.utf8)) } catch {
      throw DataError(file: file.file, field: "header", "the header cannot be read", found: "\(error)")
    }
    try header.configuration.validate()
    let features = header.configuration.features
    // One encoder, however many parts of the model were fitted with it.
    let sentences = features.encoder.isEmpty ? nil : try encoder(features.encoder)
    let reward = try FittedBradleyTerry(reading: path(.content)) { name in try sentences ?? encoder(name) }
    heads = try FittedAttributeHeads(file)
    inputs = try PaletteTextInputs(
      header.reading, header.attributes, encoder: sentences,
      withContext: header.configuration.attributes.withContext,
      file: file, prefix: Self.featuriser)
    let mean = try file.floats("projection.mean", shape: [nil], finite: true)
    let components = try file.floats("projection.components", shape: [nil, mean.count], finite: true)
    guard (0...65_536).contains(header.hashed) else {
      throw DataError(
        file: file.file, field: "hashed", "the number of sums is not possible", found: "\(header.hashed)")
    }
    content = PaletteContent(
      reward: reward,
      projection: PaletteProjection(
        hashed: header.hashed, mean: mean,
        scale: try file.floats("projection.scale", shape: [mean.count], finite: true),
        components: components))
    let K = heads.attributes.count
    residual =
      header.configuration.content.residual
      ? PaletteResidual(
        weights: try file.floats("content.by_attributes", shape: [K, content.width], finite: true),
        width: content.width)
      : nil
    model = try FittedPrefPalette(reading: path(.model))
    configuration = header.configuration
    attributes = header.attributes
    let shape = model.shape
    guard shape.content == content.width, shape.width == heads.width, model.attributes == heads.attributes,
      attributes.map(\.name) == heads.attributes
    else {
      throw DataError(
        file: path(.model), "the files of this folder are of different models",
        expected:
          "content of \(content.width), attributes \(heads.attributes.joined(separator: ", ")) of width \(heads.width)",
        found:
          "content of \(shape.content), \(model.attributes.joined(separator: ", ")) of width \(shape.width)")
    }
  }
}
