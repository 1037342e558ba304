import Foundation
import PenchantData
import PenchantTrain

/// All attribute heads of a PrefPalette model, to be fitted on frozen features of any text encoder
/// (Li et al. 2025, attribute predictors; one hidden layer each instead of a language model each).
///
/// ```swift
/// let heads = try AttributeHeads(AttributeHeadConfiguration(), seed: 7)
/// let fit = try heads.fit(encoder.encode(table.pairs.texts), table.pairs, train: table.pairs(.train), teacher: "rules")
/// let tensor = try fit.heads.encode(encoder.encode(comments))
/// ```
public struct AttributeHeads: Sendable {
  public let configuration: AttributeHeadConfiguration
  public let seed: UInt64

  public init(_ configuration: AttributeHeadConfiguration = AttributeHeadConfiguration(), seed: UInt64 = 0)
    throws
  {
    try configuration.validate()
    self.configuration = configuration
    self.seed = seed
  }

  public struct Fit: Sendable {
    public var heads: FittedAttributeHeads
    /// Standardised scores of all texts of the table, `[texts, K]`.
    public var scores: [Float]
    public var ending: TrainingEnding
  }

  /// - Parameters:
  ///   - features: a row for each of `pairs.texts`.
  ///   - train: places in `pairs.pairs`. validation: pairs that decide which step is kept; none keeps the last.
  ///   - teacher: who made the texts, or "people".
  ///   - encoder: what the features are of, for people who load the model.
  ///   - trainer: where to log and save.
  public func fit(
    _ features: FeatureMatrix, _ pairs: AttributePairs, train: [Int], validation: [Int] = [], teacher: String,
    encoder: String = "", trainer: Trainer? = nil, resume: Bool = false
  ) throws -> Fit {
    guard features.rows == pairs.texts.count else {
      throw ConfigurationError("\(features.rows) rows of features for \(pairs.texts.count) texts")
    }
    guard !pairs.attributes.isEmpty, pairs.attributes.count <= 64 else {
      throw ConfigurationError("\(pairs.attributes.count) attributes; heads can be trained for 1 to 64")
    }
    for (number, name) in pairs.attributes.enumerated()
    where !train.contains(where: { pairs.pairs[$0].attribute == number }) {
      throw ConfigurationError(
        "there is no pair to train \"\(name)\" on\n  leave the attribute out, or add texts that show more and less of it"
      )
    }
    let inside = pairs.texts(ofPairs: train)
    var rows = DenseRows(features, projection: configuration.projection)
    let (mean, scale) = rows.moments(inside)
    rows.standardise(mean, scale)
    var task = try HeadTask(
      rows: rows, pairs: pairs.pairs, attributes: pairs.attributes.count, train: train,
      validation: validation,
      configuration: configuration, seed: seed)
    var state = TrainingState(seed: seed)
    state.configuration = XXHash64.hex(
      Array(try ConfigurationLayers<AttributeHeadConfiguration>.text(configuration).utf8))
    state.data = Self.checksum(pairs, train)
    let result = try (trainer ?? Trainer(configuration.run)).train(&task, from: state, resume: resume)
    let weights = try task.parameters()
    let statistics = try HeadStatistics(weights, rows.selecting(inside))
    let heads = FittedAttributeHeads(
      attributes: pairs.attributes, configuration: configuration, seed: seed, teacher: teacher,
      encoder: encoder,
      weights: weights, inputMean: mean, inputScale: scale, statistics: statistics)
    return Fit(heads: heads, scores: try heads.standardised(weights.scores(rows)), ending: result.ending)
  }

  /// A resumed training must have the same texts, pairs and split.
  private static func checksum(_ pairs: AttributePairs, _ train: [Int]) -> String {
    let texts = zip(pairs.texts, pairs.contexts).map { "\($0.count):\($0)\($1.count):\($1)" }.joined()
    let order = train.map { place in
      let pair = pairs.pairs[place]
      return "\(pair.attribute),\(pair.more),\(pair.less),\(pair.weight);"
    }
    return XXHash64.hex(Array((texts + order.joined()).utf8))
  }
}

/// What vectors and scores of the training texts are like; K attributes of width m.
struct HeadStatistics: Sendable, Equatable {
  /// `[K, m]`
  var vectorMean: [Float]
  /// `[K]`; the scale is 1 / standard deviation, 0 for a head that says the same of all texts.
  var scoreMean: [Float]
  var scoreScale: [Float]

  init(vectorMean: [Float], scoreMean: [Float], scoreScale: [Float]) {
    self.vectorMean = vectorMean
    self.scoreMean = scoreMean
    self.scoreScale = scoreScale
  }

  init(_ weights: HeadWeights, _ rows: DenseRows) throws {
    let (k, size) = (weights.attributes, weights.attributes * weights.width)
    var vectors = [Double](repeating: 0, count: size)
    var scores: [Float] = []
    try weights.forward(rows) { _, e, s in
      for place in s.indices { scores.append(s[place]) }
      for start in stride(from: 0, to: e.count, by: size) {
        for column in 0..<size { vectors[column] += Double(e[start + column]) }
      }
    }
    let count = Double(max(1, rows.count))
    vectorMean = vectors.map { Float($0 / count) }
    var mean = [Double](repeating: 0, count: k)
    var square = mean
    for place in scores.indices { mean[place % k] += Double(scores[place]) / count }
    for place in scores.indices {
      let distance = Double(scores[place]) - mean[place % k]
      square[place % k] += distance * distance / count
    }
    scoreMean = mean.map(Float.init)
    scoreScale = square.map { $0 > 1e-12 ? Float(1 / $0.squareRoot()) : 0 }
  }
}
