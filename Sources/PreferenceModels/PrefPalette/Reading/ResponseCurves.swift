import PenchantKernels
import PenchantTrain

/// How a community answers to more or less of an attribute: T(l) = mean over source texts of R(rewrite to level l) -
/// R(rewrite to level 3) (section 8, item 3; the "return potential" of ValueScope).
public struct ResponseCurves: Sendable, Codable, Equatable {
  public struct Curve: Sendable, Codable, Equatable {
    public var community: String
    public var attribute: String
    /// T at levels 1 … 5; NaN where no source has the level.
    public var levels: [Double]
    public var sources: [Int]
    /// Mean of R(level 5) - R(level 1) of the same source, and its interval over sources.
    public var contrast: Double
    public var interval: Interval
  }
  public var curves: [Curve]
}

extension FittedPrefPalette {
  /// Response curves of every community from rewritten texts.
  ///
  /// - Parameters:
  ///   - texts: the rewrites, with representations and scores made as those of training.
  ///   - attribute: which attribute each rewrite moved. level: 1 … 5. source: the text that was rewritten.
  public func responseCurves(
    _ texts: PaletteTexts, attribute: [Int], level: [Int], source: [Int], bootstrap: Bootstrap = Bootstrap()
  ) throws -> ResponseCurves {
    let n = texts.count
    guard attribute.count == n, level.count == n, source.count == n,
      attribute.allSatisfy({ (0..<shape.attributes).contains($0) }),
      level.allSatisfy({ (1...5).contains($0) })
    else {
      throw ConfigurationError(
        "\(n) rewrites need an attribute below \(shape.attributes), a level from 1 to 5 and a source each; found "
          + "\(attribute.count), \(level.count) and \(source.count)")
    }
    let names = shape.communities == 0 ? ["all"] : communities
    let utility = shape.communities == 0 ? try predict(texts).utility : try utilities(texts)
    // [attribute][source] -> rows of the levels.
    var rows = [[Int: [Int?]]](repeating: [:], count: shape.attributes)
    for row in 0..<n {
      rows[attribute[row]][source[row], default: [nil, nil, nil, nil, nil]][level[row] - 1] = row
    }
    let sources = rows.map { part in part.keys.sorted().compactMap { part[$0] } }
    let curves = try parallelMap(names.count * shape.attributes) { job -> ResponseCurves.Curve in
      let (c, i) = (job / shape.attributes, job % shape.attributes)
      func value(_ row: Int) -> Double { Double(utility[row * names.count + c]) }
      var sums = [Double](repeating: 0, count: 5)
      var counts = [Int](repeating: 0, count: 5)
      var contrasts: [Double] = []
      for levels in sources[i] {
        if let middle = levels[2] {
          for (l, row) in levels.enumerated() {
            guard let row else { continue }
            sums[l] += value(row) - value(middle)
            counts[l] += 1
          }
        }
        if let low = levels[0], let high = levels[4] { contrasts.append(value(high) - value(low)) }
      }
      return ResponseCurves.Curve(
        community: names[c], attribute: attributes[i],
        levels: zip(sums, counts).map { $1 > 0 ? $0 / Double($1) : .nan }, sources: counts,
        contrast: contrasts.isEmpty ? .nan : contrasts.sum() / Double(contrasts.count),
        interval: bootstrap.mean(contrasts))
    }
    return ResponseCurves(curves: curves)
  }
}
