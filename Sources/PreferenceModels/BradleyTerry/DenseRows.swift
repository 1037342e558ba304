import PenchantData
import PenchantTrain

/// Features as an MLP wants them: dense columns, n-grams as signed sums over `projection` buckets (feature hashing,
/// Weinberger et al. 2009), every column with mean 0 and standard deviation 1 over the training texts.
struct DenseRows: Sendable {
  let count: Int
  let width: Int
  /// `[count, width]`
  private(set) var values: [Float]

  init(_ features: FeatureMatrix, projection: Int) {
    count = features.rows
    let hashed = features.sparseWidth > 0 ? projection : 0
    width = hashed + features.denseWidth
    values = [Float](repeating: 0, count: count * width)
    let places = (0..<(hashed > 0 ? features.sparseWidth : 0)).map { Self.place($0, hashed) }
    for row in 0..<count {
      let at = row * width
      if hashed > 0 {
        for entry in features.rowStarts[row]..<features.rowStarts[row + 1] {
          let (bucket, sign) = places[Int(features.columns[entry])]
          values[at + bucket] += sign * features.values[entry]
        }
      }
      for column in 0..<features.denseWidth {
        values[at + hashed + column] = features.dense[row * features.denseWidth + column]
      }
    }
  }

  /// The finaliser of SplitMix64 spreads neighbouring columns.
  private static func place(_ column: Int, _ buckets: Int) -> (bucket: Int, sign: Float) {
    var h = UInt64(column) &+ 0x9E37_79B9_7F4A_7C15
    h = (h ^ (h >> 30)) &* 0xBF58_476D_1CE4_E5B9
    h = (h ^ (h >> 27)) &* 0x94D0_49BB_1331_11EB
    h ^= h >> 31
    return (Int((h >> 1) % UInt64(buckets)), h & 1 == 0 ? 1 : -1)
  }

  /// Mean and 1 / standard deviation of each column over `rows`; 0 for a column that does not vary.
  func moments(_ rows: [Int]) -> (mean: [Float], scale: [Float]) {
    var mean = [Double](repeating: 0, count: width)
    var square = mean
    for row in rows { for column in 0..<width { mean[column] += Double(values[row * width + column]) } }
    for column in 0..<width { mean[column] /= Double(max(1, rows.count)) }
    for row in rows {
      for column in 0..<width {
        let distance = Double(values[row * width + column]) - mean[column]
        square[column] += distance * distance
      }
    }
    let scale = square.map { $0 > 1e-12 ? Float((Double(max(1, rows.count)) / $0).squareRoot()) : 0 }
    return (mean.map(Float.init), scale)
  }

  mutating func standardise(_ mean: [Float], _ scale: [Float]) {
    for row in 0..<count {
      for column in 0..<width {
        let at = row * width + column
        // Eight deviations are an outlier whatever the column.
        values[at] = min(max((values[at] - mean[column]) * scale[column], -8), 8)
      }
    }
  }

  /// The rows `indices` alone.
  func selecting(_ indices: [Int]) -> DenseRows {
    var rows = [Float](repeating: 0, count: indices.count * width)
    gather(indices, into: &rows)
    return DenseRows(count: indices.count, width: width, values: rows)
  }

  private init(count: Int, width: Int, values: [Float]) {
    self.count = count
    self.width = width
    self.values = values
  }

  /// Writes row `index` from place `start` of `out` on.
  func copy(_ index: Int, to start: Int, of out: inout [Float]) {
    out.withUnsafeMutableBufferPointer { out in
      values.withUnsafeBufferPointer { values in
        for column in 0..<width { out[start + column] = values[index * width + column] }
      }
    }
  }

  /// Rows `indices`, one after the other.
  func gather(_ indices: [Int], into out: inout [Float]) {
    out.withUnsafeMutableBufferPointer { out in
      values.withUnsafeBufferPointer { values in
        for (place, index) in indices.enumerated() {
          for column in 0..<width { out[place * width + column] = values[index * width + column] }
        }
      }
    }
  }
}
