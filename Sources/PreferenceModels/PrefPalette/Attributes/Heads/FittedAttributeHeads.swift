import Foundation
import PenchantData
import PenchantTrain

/// Frozen heads: features of a text in, a centred vector and a standardised score for every attribute out.
public struct FittedAttributeHeads: Sendable {
  /// The name in files.
  public static let system = "attribute-heads"

  /// Names in the order of the heads.
  public let attributes: [String]
  public let configuration: AttributeHeadConfiguration
  public let seed: UInt64
  /// Who made the texts that these heads learned from; "rules" teach mostly words.
  public let teacher: String
  /// What the features are of; free text.
  public let encoder: String
  let weights: HeadWeights
  let inputMean: [Float]
  let inputScale: [Float]
  let statistics: HeadStatistics

  /// Width m of an attribute's vector.
  public var width: Int { weights.width }

  /// - Parameter bfloat16: store vectors in half the memory.
  /// - Throws: `ConfigurationError` when the features have another width than those that the heads were trained on.
  public func encode(_ features: FeatureMatrix, bfloat16: Bool = false) throws -> AttributeTensor {
    let rows = try rows(features)
    let (k, m) = (attributes.count, width)
    let size = rows.count * k * m
    var floats = [Float](repeating: 0, count: bfloat16 ? 0 : size)
    var halves = [UInt16](repeating: 0, count: bfloat16 ? size : 0)
    var scores: [Float] = []
    scores.reserveCapacity(rows.count * k)
    let mean = statistics.vectorMean
    try weights.forward(rows) { first, e, s in
      let start = first * k * m
      mean.withUnsafeBufferPointer { mean in
        if bfloat16 {
          halves.withUnsafeMutableBufferPointer { out in
            for place in e.indices { out[start + place] = (e[place] - mean[place % (k * m)]).bfloat16 }
          }
        } else {
          floats.withUnsafeMutableBufferPointer { out in
            for place in e.indices { out[start + place] = e[place] - mean[place % (k * m)] }
          }
        }
      }
      for place in s.indices { scores.append(s[place]) }
    }
    return AttributeTensor(
      attributes: attributes, rows: rows.count, width: m,
      vectors: bfloat16 ? .bfloat16(halves) : .float(floats),
      scores: standardised(scores))
  }

  /// Standardised scores `[N, K]` alone.
  public func scores(_ features: FeatureMatrix) throws -> [Float] {
    standardised(try weights.scores(rows(features)))
  }

  func standardised(_ scores: [Float]) -> [Float] {
    let k = attributes.count
    return scores.indices.map { (scores[$0] - statistics.scoreMean[$0 % k]) * statistics.scoreScale[$0 % k] }
  }

  /// The same heads with vectors centred and scores standardised over other texts: those whose preferences are learnt,
  /// rather than the rewrites (PrefPalette specification, section 11, row 13).
  public func standardised(over features: FeatureMatrix) throws -> FittedAttributeHeads {
    FittedAttributeHeads(
      attributes: attributes, configuration: configuration, seed: seed, teacher: teacher, encoder: encoder,
      weights: weights, inputMean: inputMean, inputScale: inputScale,
      statistics: try HeadStatistics(weights, rows(features)))
  }

  private func rows(_ features: FeatureMatrix) throws -> DenseRows {
    var rows = DenseRows(features, projection: configuration.projection)
    guard rows.width == weights.inputs else {
      throw ConfigurationError(
        "the features have \(rows.width) columns, the heads were trained on \(weights.inputs)"
          + (encoder.isEmpty ? "" : "\n  encode the texts with \(encoder)"))
    }
    rows.standardise(inputMean, inputScale)
    return rows
  }
}

// MARK: - Files

extension FittedAttributeHeads {
  public func bytes() throws -> [UInt8] {
    var file = SafeTensorsWriter()
    try add(to: &file)
    return file.bytes()
  }

  public func write(to path: String) throws { try AtomicFile.write(bytes(), to: path) }

  public init(reading path: String) throws { try self.init(SafeTensors(path)) }

  /// Adds heads to the file of a larger model; `init(_:prefix:)` reads them back.
  public func add(to file: inout SafeTensorsWriter, prefix: String = "heads.") throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let header = HeadFile(
      attributes: attributes, configuration: configuration, seed: seed, teacher: teacher,
      encoder: self.encoder)
    file.metadata[prefix + "header"] = String(decoding: try encoder.encode(header), as: UTF8.self)
    let (k, m, d) = (attributes.count, width, weights.inputs)
    try file.add(prefix + "weight", shape: [k * m, d], weights.weight)
    try file.add(prefix + "bias", shape: [k * m], weights.bias)
    try file.add(prefix + "direction", shape: [k, m], weights.direction)
    try file.add(prefix + "input_mean", shape: [d], inputMean)
    try file.add(prefix + "input_scale", shape: [d], inputScale)
    try file.add(prefix + "vector_mean", shape: [k, m], statistics.vectorMean)
    try file.add(prefix + "score_mean", shape: [k], statistics.scoreMean)
    try file.add(prefix + "score_scale", shape: [k], statistics.scoreScale)
  }

  public init(_ file: SafeTensors, prefix: String = "heads.") throws {
    let key = prefix + "header"
    guard let text = file.metadata[key] else {
      throw DataError(
        file: file.file, field: key, "the file has no attribute heads", repair: "is this a model of penchant?"
      )
    }
    let header: HeadFile
    do { header = try JSONDecoder().decode(HeadFile.self, from: Data(text.utf8)) } catch {
      throw DataError(
        file: file.file, field: key, "the header of the attribute heads is not readable", found: "\(error)")
    }
    try header.configuration.validate()
    let (k, m) = (header.attributes.count, header.configuration.width)
    guard (1...64).contains(k), Set(header.attributes).count == k else {
      throw DataError(
        file: file.file, field: key, "the names of the attributes are not as they must be",
        expected: "1 to 64 different names", found: "found \(header.attributes)")
    }
    let mean = try file.floats(prefix + "input_mean", shape: [nil], finite: true)
    let d = mean.count
    attributes = header.attributes
    configuration = header.configuration
    seed = header.seed
    teacher = header.teacher
    encoder = header.encoder
    inputMean = mean
    inputScale = try file.floats(prefix + "input_scale", shape: [d], finite: true)
    weights = HeadWeights(
      attributes: k, width: m, inputs: d,
      weight: try file.floats(prefix + "weight", shape: [k * m, d], finite: true),
      bias: try file.floats(prefix + "bias", shape: [k * m], finite: true),
      direction: try file.floats(prefix + "direction", shape: [k, m], finite: true))
    statistics = HeadStatistics(
      vectorMean: try file.floats(prefix + "vector_mean", shape: [k, m], finite: true),
      scoreMean: try file.floats(prefix + "score_mean", shape: [k], finite: true),
      scoreScale: try file.floats(prefix + "score_scale", shape: [k], finite: true))
  }
}

/// What stands in the metadata of a file of heads.
private struct HeadFile: Codable {
  var attributes: [String]
  var configuration: AttributeHeadConfiguration
  var seed: UInt64
  var teacher: String
  var encoder: String
}
