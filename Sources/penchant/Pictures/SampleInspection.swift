import DiffusionAlignment
import Foundation
import PenchantData
import PenchantTrain

/// `penchant inspect` of pictures and points, and of pairs of them.
struct SampleInspection {
  let file: String
  let json: Bool

  private struct Findings: Encodable {
    var file: String
    var shape: SampleShape
    var samples: Int
    var classes: [String: Int]
    /// Least and largest value, and their mean and deviation.
    var least: Float
    var largest: Float
    var mean: Double
    var deviation: Double
    var pairs: Int?
    /// Samples that stand in a pair with themselves reversed: A better than B, and B better than A.
    var contradictions: Int?
  }

  /// Whether the path is of pictures or an array, or the first record of lines is a pair of samples or names their blob.
  static func isSamples(_ file: String) throws(DataError) -> Bool {
    guard file != "-" else { return false }
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), isFolder.boolValue {
      return true
    }
    if [".png", ".npy", ".safetensors", "-ubyte", "-ubyte.gz"].contains(where: file.hasSuffix) {
      return true
    }
    return try isPairs(file)
  }

  private static func isPairs(_ file: String) throws(DataError) -> Bool {
    var reader = try LineReader(file)
    while let text = try reader.next() {
      guard text.contains(where: { !$0.isWhitespace }) else { continue }
      guard let object = (try? JSONValue(parsing: text))?.object else { return false }
      return object["winner"] != nil || object["loser"] != nil || object["blob"] != nil
    }
    return false
  }

  func run() throws {
    var isFolder: ObjCBool = false
    let isText = !FileManager.default.fileExists(atPath: file, isDirectory: &isFolder) || !isFolder.boolValue
    let pairs = try isText && Self.isPairs(file) ? PairFile.read(file) : nil
    let samples = try pairs?.samples ?? SampleReader.read(file)
    let values = samples.values.map(Double.init)
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, values.count))
    var classes: [String: Int] = [:]
    for number in samples.classes { classes[samples.classNames[number], default: 0] += 1 }
    var found = Findings(
      file: file, shape: samples.shape, samples: samples.count, classes: classes,
      least: samples.values.min() ?? 0, largest: samples.values.max() ?? 0, mean: mean,
      deviation: variance.squareRoot())
    if let pairs {
      found.pairs = pairs.count
      let orders = Set(zip(pairs.winners, pairs.losers).map { [$0, $1] })
      found.contradictions = orders.count { orders.contains([$0[1], $0[0]]) } / 2
    }
    if json { return try showJSON(found) }
    var rows = [
      ["samples", "\(found.samples) of \(found.shape)"],
      ["values", "\(decimal(Double(found.least))) to \(decimal(Double(found.largest)))"],
      ["mean and deviation", "\(decimal(found.mean)), \(decimal(found.deviation))"],
    ]
    if let count = found.pairs {
      rows.append(["pairs", "\(count)"])
      rows.append(["pairs in both orders", "\(found.contradictions ?? 0)"])
    }
    try show(aligned(rows))
    guard !classes.isEmpty else { return }
    try show(
      "\n" + aligned([["class", "samples"]] + classes.keys.sorted().map { [$0, "\(classes[$0] ?? 0)"] }))
  }
}
