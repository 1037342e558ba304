import Foundation

/// A featuriser with the document counts, means and deviations of its training texts.
public struct FittedFeaturiser: TextEncoder {
  public let configuration: TextFeaturiser.Configuration
  /// The bucket of each sparse column, ascending.
  private let buckets: [UInt32]
  /// ln((1 + texts) / (1 + texts with the n-gram)) + 1, a column.
  private let inverseFrequency: [Float]
  private let styleMean: [Float]
  /// 1 / standard deviation; 0 for a column that does not vary.
  private let styleScale: [Float]

  public var width: Int { buckets.count + StyleFeatures.names.count }

  init(_ analysis: TextAnalysis, rows: [Int]) {
    configuration = analysis.configuration
    let terms = analysis.terms
    var texts = [UInt32](repeating: 0, count: 2 << configuration.hashBits)
    for row in rows {
      for entry in terms.rowStarts[row]..<terms.rowStarts[row + 1] { texts[Int(terms.terms[entry])] += 1 }
    }
    var buckets: [UInt32] = []
    var inverse: [Float] = []
    for bucket in texts.indices where texts[bucket] >= configuration.minimumTexts {
      buckets.append(UInt32(bucket))
      inverse.append(Float(log(Double(1 + rows.count) / Double(1 + texts[bucket])) + 1))
    }
    self.buckets = buckets
    inverseFrequency = inverse
    (styleMean, styleScale) = FittedFeaturiser.moments(analysis.style, rows)
  }

  private static func moments(_ style: [Float], _ rows: [Int]) -> (mean: [Float], scale: [Float]) {
    let width = StyleFeatures.names.count
    let share = 1 / Double(max(rows.count, 1))
    var mean = [Double](repeating: 0, count: width)
    for row in rows {
      for column in 0..<width { mean[column] += Double(style[row * width + column]) * share }
    }
    var variance = [Double](repeating: 0, count: width)
    for row in rows {
      for column in 0..<width {
        let distance = Double(style[row * width + column]) - mean[column]
        variance[column] += distance * distance * share
      }
    }
    return (mean.map(Float.init), variance.map { $0 > 1e-12 ? Float(1 / $0.squareRoot()) : 0 })
  }

  public func encode(_ texts: [String]) -> FeatureMatrix { encode(TextAnalysis(texts, configuration)) }

  /// Rows for texts that were analysed before, with the same configuration.
  public func encode(_ analysis: TextAnalysis) -> FeatureMatrix {
    let terms = analysis.terms
    var column = [UInt32](repeating: .max, count: 2 << configuration.hashBits)
    for (place, bucket) in buckets.enumerated() { column[Int(bucket)] = UInt32(place) }
    let firstCharacterColumn = UInt32(buckets.partitioningIndex { $0 >= UInt32(1) << configuration.hashBits })
    var rowStarts = [0]
    var columns: [UInt32] = []
    var values: [Float] = []
    rowStarts.reserveCapacity(analysis.count + 1)
    columns.reserveCapacity(terms.terms.count)
    values.reserveCapacity(terms.terms.count)
    // Logarithms of small counts, which nearly all are.
    let logarithms = (0..<64).map { $0 == 0 ? 0 : Float(1 + log(Double($0))) }
    for row in 0..<analysis.count {
      let start = columns.count
      var middle = start
      for entry in terms.rowStarts[row]..<terms.rowStarts[row + 1] {
        let place = column[Int(terms.terms[entry])]
        guard place != .max else { continue }
        let count = terms.counts[entry]
        let weight = count < 64 ? logarithms[Int(count)] : Float(1 + log(Double(count)))
        columns.append(place)
        values.append(weight * inverseFrequency[Int(place)])
        if place < firstCharacterColumn { middle = columns.count }
      }
      FittedFeaturiser.scale(&values, start..<middle, to: configuration.wordWeight)
      FittedFeaturiser.scale(&values, middle..<columns.count, to: configuration.characterWeight)
      rowStarts.append(columns.count)
    }
    return FeatureMatrix(
      unchecked: analysis.count, sparseWidth: buckets.count, rowStarts: rowStarts, columns: columns,
      values: values,
      denseWidth: StyleFeatures.names.count, dense: standardised(analysis.style))
  }

  /// Gives the values in `range` the Euclidean length `length`.
  private static func scale(_ values: inout [Float], _ range: Range<Int>, to length: Float) {
    var sum = 0.0
    for place in range { sum += Double(values[place]) * Double(values[place]) }
    guard sum > 0 else { return }
    let factor = length / Float(sum.squareRoot())
    for place in range { values[place] *= factor }
  }

  private func standardised(_ style: [Float]) -> [Float] {
    let width = StyleFeatures.names.count
    let limit = configuration.styleLimit
    var out = style
    for place in out.indices {
      let column = place % width
      let value = (style[place] - styleMean[column]) * styleScale[column]
      out[place] = min(max(value, -limit), limit) * configuration.styleWeight
    }
    return out
  }

  /// What a column is, for reports: a style feature's name, or the bucket of an n-gram.
  public func columnName(_ column: Int) -> String {
    if column >= buckets.count { return StyleFeatures.names[column - buckets.count] }
    let first = UInt32(1) << configuration.hashBits
    return buckets[column] < first ? "words#\(buckets[column])" : "characters#\(buckets[column] - first)"
  }
}

// MARK: - Files

extension FittedFeaturiser {
  /// Adds the fitted state to a file; `init(_:prefix:)` reads it back.
  public func add(to file: inout SafeTensorsWriter, prefix: String = "featuriser.") throws(DataError) {
    try file.add(prefix + "buckets", shape: [buckets.count], buckets)
    try file.add(prefix + "inverse_frequency", shape: [buckets.count], inverseFrequency)
    try file.add(prefix + "style_mean", shape: [styleMean.count], styleMean)
    try file.add(prefix + "style_scale", shape: [styleScale.count], styleScale)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    guard let text = try? encoder.encode(configuration) else {
      throw DataError(file: "featuriser", "the configuration cannot be written as JSON")
    }
    file.metadata[prefix + "configuration"] = String(decoding: text, as: UTF8.self)
  }

  public init(_ file: SafeTensors, prefix: String = "featuriser.") throws(DataError) {
    let key = prefix + "configuration"
    guard let text = file.metadata[key],
      let configuration = try? JSONDecoder().decode(TextFeaturiser.Configuration.self, from: Data(text.utf8))
    else {
      throw DataError(
        file: file.file, field: key, "the configuration of the featuriser is missing or not readable")
    }
    try configuration.validate()
    let style = StyleFeatures.names.count
    let stored = try file.integers(prefix + "buckets", shape: [nil])
    guard zip(stored, stored.dropFirst()).allSatisfy({ $0 < $1 }),
      stored.allSatisfy({ (0..<(2 << configuration.hashBits)).contains($0) })
    else {
      throw DataError(
        file: file.file, field: prefix + "buckets", "the buckets are not ascending or out of range")
    }
    self.configuration = configuration
    buckets = stored.map(UInt32.init)
    inverseFrequency = try file.floats(prefix + "inverse_frequency", shape: [stored.count], finite: true)
    styleMean = try file.floats(prefix + "style_mean", shape: [style], finite: true)
    styleScale = try file.floats(prefix + "style_scale", shape: [style], finite: true)
  }
}

extension [UInt32] {
  /// The first place whose element fulfils `belongs`, in an array where all that do stand behind all that do not.
  func partitioningIndex(_ belongs: (UInt32) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if belongs(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
