import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain

extension PrefPaletteConfiguration {
  /// The configuration as JSON with sorted keys.
  func canonicalBytes() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return [UInt8](try encoder.encode(self))
  }
}

extension PaletteData {
  /// Checksum of the pairs, the scores and the content: a resumed run must have the same.
  func checksum() -> String {
    var bytes: [UInt8] = []
    // Not named: data without annotators keep the checksum they had.
    for part in [chosen, rejected, community, post] + (annotator.isEmpty ? [] : [annotator]) {
      part.withUnsafeBytes { bytes.append(contentsOf: XXHash64.hex(Array($0)).utf8) }
    }
    for part in [weight, votes, texts.scores, texts.content] {
      part.withUnsafeBytes { bytes.append(contentsOf: XXHash64.hex(Array($0)).utf8) }
    }
    bytes.append(contentsOf: (attributes + communities).joined(separator: "\u{0}").utf8)
    return XXHash64.hex(bytes)
  }
}

extension FittedPrefPalette {
  /// Names, places and shapes of the tensors in a file.
  private static func tensors(_ shape: PaletteShape) -> [(name: String, places: Range<Int>, shape: [Int])] {
    [
      ("content_query", shape.contentQuery, [shape.rank, shape.content]),
      ("attribute_key", shape.key, [shape.rank, shape.width]),
      ("attention_score", shape.score, [shape.rank]),
      ("mix", shape.mix..<shape.mix + 1, [1]),
      ("shared_row", shape.shared, [shape.rowLength]),
      ("community_rows", shape.shared.upperBound..<shape.count, [shape.communities, shape.rowLength]),
    ].filter { !$0.places.isEmpty }
  }

  /// The model as a safetensors file whose metadata names system, sizes, attributes, communities, configuration, seed.
  public func bytes() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    func text(_ value: some Encodable) throws -> String {
      String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    var file = SafeTensorsWriter(metadata: [
      "system": Self.system, "format": "1", "seed": String(seed), "configuration": try text(configuration),
      "shape": try text(shape), "attributes": try text(attributes), "communities": try text(communities),
      "state": try text(state),
    ])
    for tensor in Self.tensors(shape) {
      try file.add(tensor.name, shape: tensor.shape, Array(parameters[tensor.places]))
    }
    return file.bytes()
  }

  public func write(to path: String) throws { try AtomicFile.write(bytes(), to: path) }

  public init(reading path: String) throws { try self.init(SafeTensors(path)) }

  public init(bytes: [UInt8], name: String) throws { try self.init(SafeTensors(bytes: bytes, name: name)) }

  /// - Throws: `DataError` naming file and field when something is missing, has another shape or is not finite.
  init(_ file: SafeTensors) throws {
    try file.check(system: Self.system)
    let shape = try file.value("shape", PaletteShape.self)
    let sizes = [shape.content, shape.attributes, shape.width, shape.rank]
    guard sizes.allSatisfy({ (1...1 << 20).contains($0) }), (0...1 << 20).contains(shape.communities) else {
      throw DataError(
        file: file.file, field: "shape", "the sizes are not those of a model", found: "found \(shape)")
    }
    guard let seed = UInt64(try file.text("seed")) else {
      throw DataError(
        file: file.file, field: "seed", "the seed is not a number", found: try file.text("seed"))
    }
    var parameters: [Float] = []
    for tensor in Self.tensors(shape) {
      parameters += try file.floats(tensor.name, shape: tensor.shape.map(Optional.some), finite: true)
    }
    let configuration = try file.value("configuration", PrefPaletteConfiguration.self)
    try configuration.validate()
    try self.init(
      configuration: configuration, seed: seed, shape: shape,
      attributes: file.value("attributes", [String].self),
      communities: file.value("communities", [String].self), parameters: parameters,
      state: file.value("state", TrainingState.self))
  }
}
