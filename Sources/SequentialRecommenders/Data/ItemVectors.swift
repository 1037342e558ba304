import Foundation
import PenchantData
import PenchantKernels

/// Numbers that say what each item of a catalogue is: embeddings of its text, or of whatever else is known of it.
public struct ItemVectors: Sendable, Equatable {
  public let itemCount: Int
  /// Numbers of an item.
  public let width: Int
  /// `[itemCount, width]`: every column has the mean 0 and the deviation 1 over the described items; an item without a
  /// description has zeros.
  public let values: [Float]

  /// - Parameters:
  ///   - rows: `[described.count, width]`.
  ///   - described: the place in the catalogue that each row belongs to, each at most once.
  /// - Throws: `KernelError.shape` when the numbers do not fit, `.value` for a place that is not in the catalogue or a value
  ///   that is not finite.
  public init(itemCount: Int, width: Int, rows: [Float], described: [Int]) throws(KernelError) {
    guard itemCount > 0, width > 0, rows.count == described.count * width else {
      throw .shape(
        "ItemVectors", "\(rows.count) values for \(described.count) of \(itemCount) items of \(width) numbers"
      )
    }
    guard Set(described).count == described.count, described.allSatisfy({ (0..<itemCount).contains($0) })
    else {
      throw .value("ItemVectors", "a place stands twice or is not one of the \(itemCount) of the catalogue")
    }
    if let place = rows.firstIndex(where: { !$0.isFinite }) {
      throw .value("ItemVectors", "\(rows[place]) in row \(place / width), column \(place % width)")
    }
    self.itemCount = itemCount
    self.width = width
    var values = [Float](repeating: 0, count: itemCount * width)
    for column in 0..<width {
      let numbers = described.indices.map { Double(rows[$0 * width + column]) }
      let mean = numbers.reduce(0, +) / Double(max(1, numbers.count))
      let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, numbers.count))
      let scale = variance > 1e-12 ? 1 / variance.squareRoot() : 0
      for (number, place) in zip(numbers, described) {
        values[place * width + column] = Float((number - mean) * scale)
      }
    }
    self.values = values
  }

  /// Checksum of shape and values.
  func checksum() -> String {
    ("\(itemCount) \(width) " + values.withUnsafeBytes { XXHash64.hex(Array($0)) }).checksum
  }
}

extension ItemVectors {
  /// From what is written of the items: by an encoder, or without one by counts of words and characters, projected.
  ///
  /// - Parameters:
  ///   - items: names of the catalogue.
  ///   - width: of the projection; an encoder has its own.
  /// - Throws: `DataError` when no item of the catalogue is described.
  public init(
    _ descriptions: ItemDescriptions, items: [String], encoder: (any TextEncoder)? = nil, width: Int = 256
  ) throws {
    let known = descriptions.aligned(to: items).enumerated().compactMap { place, found in
      found.flatMap { $0.words.isEmpty ? nil : (place: place, words: $0.words) }
    }
    try Self.check(known.count, items.count)
    let texts = known.map(\.words)
    let places = known.map(\.place)
    if let encoder {
      let rows = try encoder.encode(texts)
      try self.init(itemCount: items.count, width: rows.width, rows: rows.dense, described: places)
    } else {
      try self.init(
        itemCount: items.count, width: width,
        rows: TextFeaturiser().fit(texts).encode(texts).projected(to: width), described: places)
    }
  }

  /// Made elsewhere: row r belongs to the r-th described item.
  ///
  /// - Parameter embeddings: a .npy or safetensors matrix.
  /// - Throws: `DataError` when rows and descriptions are not as many, or no item of the catalogue is described.
  public init(embeddings path: String, of descriptions: ItemDescriptions, items: [String]) throws {
    let all = try FeatureMatrix(embeddings: path)
    guard all.rows == descriptions.count else {
      throw DataError(
        file: path, "the number of rows does not fit the described items",
        expected: "expected \(descriptions.count) rows, one a line of --items", found: "found \(all.rows)")
    }
    let catalogue = ItemTable(items)
    let known = descriptions.names.enumerated().compactMap { row, name in
      catalogue.index(of: name).map { (row: row, place: $0) }
    }
    try Self.check(known.count, items.count)
    try self.init(
      itemCount: items.count, width: all.denseWidth,
      rows: known.flatMap { all.dense[$0.row * all.denseWidth..<($0.row + 1) * all.denseWidth] },
      described: known.map(\.place))
  }

  private static func check(_ known: Int, _ items: Int) throws(DataError) {
    guard known > 0 else {
      throw DataError(
        file: "items", "none of the \(items) items of the log is described",
        repair: "do the names of --items agree with those of the log?")
    }
  }
}

extension FeatureMatrix {
  /// The sparse columns in fewer dimensions: each goes to eight places with random signs, which keeps inner products nearly
  /// as they are (Kane and Nelson, Sparser Johnson-Lindenstrauss transforms, J. ACM 2014).
  ///
  /// - Returns: `[rows, width]`.
  func projected(to width: Int) -> [Float] {
    var result = [Float](repeating: 0, count: rows * width)
    let copies: UInt64 = 8
    let factor = 1 / Float(copies).squareRoot()
    for row in 0..<rows {
      for entry in rowStarts[row]..<rowStarts[row + 1] {
        for copy in 0..<copies {
          let draw = Self.mixed(UInt64(columns[entry]) * copies + copy)
          let value = draw & 1 == 0 ? values[entry] : -values[entry]
          result[row * width + Int((draw >> 1) % UInt64(width))] += value * factor
        }
      }
    }
    return result
  }

  /// SplitMix64 of a counter (Steele et al. 2014).
  private static func mixed(_ counter: UInt64) -> UInt64 {
    var z = (counter &+ 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
