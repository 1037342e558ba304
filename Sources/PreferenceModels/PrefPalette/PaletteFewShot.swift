import PenchantKernels
import PenchantTrain

extension FittedPrefPalette {
  /// What the training communities say of one that is not among them: mean and variance of the parts of their rows.
  public struct CommunityPrior: Sendable, Codable, Equatable {
    /// `[L]`: query, reward, direction.
    public var mean: [Double]
    /// τ² of the reward's elements and of the directions'. Shrunk fits make it a little small.
    public var rewardVariance: Double
    public var directionVariance: Double
  }

  /// - Throws: `ConfigurationError` for a model without communities.
  public func communityPrior() throws -> CommunityPrior {
    guard shape.communities > 0 else {
      throw ConfigurationError("the model has no communities; train it with model.pooled true")
    }
    let rows = (0..<shape.communities).map { parameters[shape.own($0)].map(Double.init) }
    let mean = (0..<shape.rowLength).map { i in rows.reduce(0) { $0 + $1[i] } / Double(rows.count) }
    func variance(_ part: Range<Int>) -> Double {
      guard !part.isEmpty else { return 1 }
      var sum = 0.0
      for row in rows { for i in part { sum += (row[i] - mean[i]) * (row[i] - mean[i]) } }
      return max(sum / Double(max(1, rows.count - 1) * part.count), 1e-6)
    }
    return CommunityPrior(
      mean: mean, rewardVariance: variance(shape.reward(at: 0)),
      directionVariance: variance(shape.direction(at: 0)))
  }

  /// The model with one more community, learnt from a few pairs (none will do): attention and shared parts stand, reward
  /// and direction are the most probable ones under the prior.
  ///
  /// Given the attention the utility is linear in both, so Newton's method finds the optimum (section 9.2).
  ///
  /// - Parameter pairs: all of the new community, whatever their `community` says.
  public func adding(community name: String, from pairs: PaletteData) throws -> FittedPrefPalette {
    guard !communities.contains(name) else {
      throw ConfigurationError("the model has a community \"\(name)\" already")
    }
    guard pairs.attributes == attributes else {
      throw ConfigurationError("the pairs have other attributes than the model")
    }
    let prior = try communityPrior()
    var grown = shape
    grown.communities += 1
    var values = parameters + prior.mean.map(Float.init)
    let place = UInt32(shape.communities)
    let start = try FittedPrefPalette(
      configuration: configuration, seed: seed, shape: grown, attributes: attributes,
      communities: communities + [name], parameters: values, state: state)
    guard pairs.count > 0 else { return start }

    var alone = pairs
    alone.community = [UInt32](repeating: 0, count: pairs.count)
    let rows = try PaletteRows(alone)
    let texts = try rows.texts(of: alone)
    let prediction = try start.predict(texts, community: [place])
    let features = start.ownFeatures(texts, prediction)
    let width = shape.rowLength - shape.rank
    var differences: [Double] = []
    differences.reserveCapacity(pairs.count * width)
    for (a, b) in zip(rows.chosen, rows.rejected) {
      for i in 0..<width { differences.append(features[a * width + i] - features[b * width + i]) }
    }
    // Weights are fitted as distances from the prior's mean, which `start` holds.
    let likelihood = PairLikelihood(
      width: width, differences: differences, weight: pairs.weight.map(Double.init),
      offset: zip(rows.chosen, rows.rejected).map {
        Double(prediction.utility[$0]) - Double(prediction.utility[$1])
      })
    let precision = (0..<width).map {
      1 / ($0 < shape.content ? prior.rewardVariance : prior.directionVariance)
    }
    let moved = try DampedNewton(mean: [Double](repeating: 0, count: width), precision: precision)
      .solve(likelihood).weights
    for (i, at) in grown.own(Int(place)).dropFirst(shape.rank).enumerated() { values[at] += Float(moved[i]) }
    return try FittedPrefPalette(
      configuration: configuration, seed: seed, shape: grown, attributes: attributes,
      communities: communities + [name], parameters: values, state: state)
  }

  /// Slopes of the utility by the reward and the direction of a row, `[N, d + K]` or `[N, d]`.
  private func ownFeatures(_ texts: PaletteTexts, _ prediction: Prediction) -> [Double] {
    let (d, K) = (shape.content, shape.attributes)
    let mix = Double(parameters[shape.mix])
    var features: [Double] = []
    features.reserveCapacity(texts.count * (shape.rowLength - shape.rank))
    for n in 0..<texts.count {
      var row = (0..<d).map { Double(texts.content[n * d + $0]) }
      for i in 0..<K {
        let share = mix * Double(prediction.alpha[n * K + i])
        if shape.form == .signed {
          row.append(share * Double(K) * Double(texts.scores[n * K + i]))
        } else {
          for (j, e) in texts.representation(n, i).enumerated() { row[j] += share * Double(e) }
        }
      }
      features += row
    }
    return features
  }
}
