import Foundation
import PenchantData
import PenchantKernels

@testable import PreferenceModels

/// What people said about pairs of poems, from the shared data beside the package; nil when that is not there.
struct PoemJudgements {
  var pairs: AttributePairs
  /// The two poems of every pair.
  var poems: [(Int, Int)] = []

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "shared/data/poem-preferences").standardized.path

  static var isThere: Bool { FileManager.default.fileExists(atPath: folder + "/pairs.tsv.gz") }

  init() throws {
    var texts: [Int: String] = [:]
    var lines = try LineReader(Self.folder + "/poems.jsonl.gz")
    while let line = try lines.next() {
      let poem = try JSONValue(parsing: line).object
      if let number = poem?["poem"]?.integer, let text = poem?["text"]?.string { texts[number] = text }
    }
    var table = try LineReader(Self.folder + "/pairs.tsv.gz")
    let header = try table.next()?.split(separator: "\t").map(String.init) ?? []
    pairs = AttributePairs(attributes: Array(header.dropFirst(3)))
    while let line = try table.next() {
      let fields = line.split(separator: "\t").compactMap { Int($0) }
      guard fields.count == header.count, let a = texts[fields[0]], let b = texts[fields[1]] else { continue }
      let places = (pairs.place(a, ""), pairs.place(b, ""))
      for (attribute, answer) in fields.dropFirst(3).enumerated() {
        pairs.append(
          .init(
            attribute: attribute, more: answer == 1 ? places.0 : places.1,
            less: answer == 1 ? places.1 : places.0))
        poems.append(places)
      }
    }
  }

  /// Pairs of poems outside a fifth of all poems, and pairs of poems inside it.
  func split(_ fold: Int, seed: UInt64) throws -> (train: [Int], test: [Int]) {
    var inside = [Bool](repeating: false, count: pairs.texts.count)
    for (place, text) in try permutation(pairs.texts.count, seed: seed).enumerated() where place % 5 == fold {
      inside[Int(text)] = true
    }
    return (
      poems.indices.filter { !inside[poems[$0].0] && !inside[poems[$0].1] },
      poems.indices.filter { inside[poems[$0].0] && inside[poems[$0].1] }
    )
  }
}
