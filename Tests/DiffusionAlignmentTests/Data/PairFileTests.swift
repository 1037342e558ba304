import Foundation
import LanguageSupport
import PenchantData
import PenchantKernels
import TestSupport
import Testing

@testable import DiffusionAlignment

@Suite struct PairFileTests {
  private static let blob = SampleSet(
    shape: .point(2), values: [0, 1, 2, 3, 4, 5, 6, 7], classes: [2, 0, 0, 2], classNames: ["a", "b", "c"])

  private static func read(_ text: String, blob: SampleSet? = blob, size: SampleShape? = nil) throws
    -> SamplePairs
  {
    try PairFile.read(bytes: Array(text.utf8), name: "p.jsonl", blob: blob, size: size)
  }

  @Test func rowsOfTheBlobAreKeptOnce() throws {
    let pairs = try Self.read(
      """
      {"winner": 2, "loser": 1}

      {"winner": 1, "loser": 3, "weight": 0.5}
      """)
    #expect(pairs.samples.values == [4, 5, 2, 3, 6, 7])
    // Numbered as in the blob, though one of its classes is not there.
    #expect(pairs.samples.classNames == ["a", "b", "c"] && pairs.samples.classes == [0, 0, 2])
    #expect(pairs.winners == [0, 1] && pairs.losers == [1, 2] && pairs.weights == [1, 0.5])
    #expect(try Self.read("{\"winner\": 2, \"loser\": 1}").weights.isEmpty)
  }

  @Test func conditionsAreNamesOrNumbers() throws {
    let pairs = try Self.read(
      """
      {"winner": [1, 2], "loser": [3, 4], "cond": 10}
      {"winner": [1, 2], "loser": [5, 6], "cond": "9"}
      {"winner": [1, 2], "loser": [5, 6], "cond": "9"}
      """, blob: nil)
    #expect(pairs.samples.classNames == ["9", "10"])
    #expect(pairs.samples.classes == [1, 1, 0, 0])
    #expect(pairs.samples.values == [1, 2, 3, 4, 1, 2, 5, 6])
    #expect(pairs.winners == [0, 2, 2] && pairs.losers == [1, 3, 3])
    let over = try Self.read("{\"winner\": 2, \"loser\": 1, \"cond\": \"b\"}")
    #expect(over.samples.classes == [1, 1] && over.samples.classNames == ["a", "b", "c"])
    let other = try Self.read("{\"winner\": 2, \"loser\": 1, \"cond\": \"z\"}")
    #expect(other.samples.classNames == ["z"])
  }

  @Test func whatIsWrongIsNamedWithFileLineAndField() {
    let cases: [(String, [String])] = [
      ("{\"winner\": 2}", ["p.jsonl:1", "\"loser\" is missing"]),
      ("{\"winner\": 2, \"losr\": 1}", ["p.jsonl:1", "\"losr\"", "did you mean \"loser\"?"]),
      ("{\"winner\": 2, \"loser\": 1, \"wieght\": 1}", ["\"wieght\"", "did you mean \"weight\"?"]),
      (
        "{\"winner\": 0, \"loser\": 1}\n{\"winner\": 4, \"loser\": 1}",
        ["p.jsonl:2", "\"winner\" is no row", "0 to 3"]
      ),
      ("{\"winner\": 0, \"loser\": -1}", ["\"loser\" is no row"]),
      ("{\"winner\": 1, \"loser\": 1}", ["winner and loser are the same sample", "found 1 twice"]),
      ("{\"winner\": [1, 2], \"loser\": [1.0, 2.0]}", ["same sample"]),
      ("{\"winner\": 1, \"loser\": 2, \"weight\": -1}", ["\"weight\""]),
      ("{\"winner\": 1, \"loser\": 2, \"weight\": 1e300}", ["\"weight\""]),
      ("{\"winner\": 1, \"loser\": 2, \"weight\": \"x\"}", ["\"weight\""]),
      ("{\"winner\": 1, \"loser\": 2, \"cond\": [1]}", ["\"cond\""]),
      (
        "{\"winner\": 1, \"loser\": [1, 2, 3]}", ["p.jsonl:1", "\"loser\" has another size", "2 coordinates"]
      ),
      ("{\"winner\": 1, \"loser\": [\"a\"]}", ["\"loser\"", "finite numbers"]),
      ("{\"winner\": 1, \"loser\": []}", ["\"loser\"", "finite numbers"]),
      ("{\"winner\": 1, \"loser\": [1e200, 1]}", ["\"loser\"", "finite numbers"]),
      ("{\"winner\": 1, \"loser\": {}}", ["\"loser\"", "a path, the number of a row"]),
      ("{\"winner\": 1, \"loser\": 1.5}", ["\"loser\""]),
      (
        "{\"winner\": 1, \"loser\": \"no.png\"}",
        ["p.jsonl:1", "\"loser\" cannot be read", "no.png", "no such file"]
      ),
      ("{\"winner\": 1, \"loser\": [8, 9]}", ["\"cond\" is missing"]),
      ("[1]", ["p.jsonl:1"]), ("{", ["not JSON"]), ("", ["empty"]), ("{\"blob\": \"x\"}", ["no record"]),
    ]
    for (text, parts) in cases {
      let error = #expect(throws: DataError.self, "\(text)") { try Self.read(text) }
      for part in parts {
        #expect(error?.description.contains(part) == true, "\(text)\n\(error?.description ?? "")")
      }
    }
    expectDataError("there is no blob", "{\"blob\": ") {
      _ = try Self.read("{\"winner\": 0, \"loser\": 1}", blob: nil)
    }
    expectDataError("has 2 numbers", "4 numbers") {
      _ = try Self.read("{\"winner\": [1, 2], \"loser\": [3, 4]}", blob: nil, size: SampleShape("2x2"))
    }
  }

  @Test func picturesStandBesideTheFile() async throws {
    try await withScratchFolder { folder in
      func put(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      try put("a.png", TestPNG.grey(2, 2, 255))
      try put("b.png", TestPNG.rgb(2, 2, [255, 0, 0]))
      try put("c.png", TestPNG.grey(2, 3, 0))
      try put("d.png", Array(TestPNG.grey(2, 2, 0).prefix(48)))
      let path = "\(folder)/pairs.jsonl"
      try put("pairs.jsonl", Array("{\"winner\": \"a.png\", \"loser\": \"b.png\", \"cond\": \"x\"}\n".utf8))
      let pairs = try PairFile.read(path)
      #expect(pairs.samples.shape == SampleShape(height: 2, width: 2, channels: 3))
      #expect(pairs.samples[0].allSatisfy { $0 == 1 })
      #expect(Array(pairs.samples[1].prefix(3)) == [1, -1, -1])
      try put("pairs.jsonl", Array("{\"winner\": \"a.png\", \"loser\": \"c.png\"}\n".utf8))
      expectDataError("pairs.jsonl:1", "\"loser\" has another size", "2×2", "2×3") {
        _ = try PairFile.read(path)
      }
      try put("pairs.jsonl", Array("{\"winner\": \"d.png\", \"loser\": \"c.png\"}\n".utf8))
      expectDataError("pairs.jsonl:1", "\"winner\" cannot be read", "d.png", "libpng says") {
        _ = try PairFile.read(path)
      }
      try put("pairs.jsonl", Array("{\"blob\": \"no.npy\"}\n{\"winner\": 0, \"loser\": 1}\n".utf8))
      expectDataError("pairs.jsonl:1", "\"blob\" names no file", "no.npy") { _ = try PairFile.read(path) }
      try put("no.npy", NumPyFile.bytes(shape: [2, 1], [.nan, 1]))
      expectDataError("no.npy", "row 0, value 0") { _ = try PairFile.read(path) }
      try put("no.npy", NumPyFile.bytes(shape: [2, 1], [2, 1]))
      #expect(try PairFile.read(path).samples.values == [2, 1])
      try put("other.npy", NumPyFile.bytes(shape: [2, 1], [4, 8]))
      #expect(try PairFile.read(path, blob: "\(folder)/other.npy", range: 0...8).samples.values == [0, 1])
    }
  }

  @Test func whatIsWrittenIsReadBack() async throws {
    try await withScratchFolder { folder in
      var draws = TestGenerator(stream: "pairs")
      let shape = SampleShape(height: 2, width: 3, channels: 3)
      let sets = [
        SampleSet(
          shape: shape, values: draws.floats(5 * shape.count, .uniform), classes: [0, 1, 0, 1, 1],
          classNames: ["cat", "dog"]),
        SampleSet(shape: .point(3), values: draws.floats(15, .uniform)),
      ]
      for set in sets {
        let pairs = SamplePairs(samples: set, winners: [0, 1, 3], losers: [2, 3, 4], weights: [1, 0.25, 3])
        try PairFile.write(pairs, to: "\(folder)/w.jsonl")
        let again = try PairFile.read("\(folder)/w.jsonl")
        #expect(again.weights == pairs.weights && again.count == 3)
        for place in 0..<3 {
          #expect(again.samples[again.winners[place]].elementsEqual(set[pairs.winners[place]]))
          #expect(again.samples[again.losers[place]].elementsEqual(set[pairs.losers[place]]))
          if !set.classes.isEmpty {
            #expect(again.samples.classes[again.winners[place]] == set.classes[pairs.winners[place]])
          }
        }
        #expect(again.samples.classNames == set.classNames)
      }
      let broken = SamplePairs(samples: sets[1], winners: [9], losers: [0])
      expectDataError("w.jsonl.gz", "leave out .gz") {
        try PairFile.write(broken.pairs([]), to: "\(folder)/w.jsonl.gz")
      }
      #expect(throws: KernelError.self) { try PairFile.write(broken, to: "\(folder)/x.jsonl") }
    }
  }

  @Test func classesAreRenumberedByName() throws {
    let renamed = try Self.blob.classes(as: ["c", "x", "b", "a"])
    #expect(renamed.classes == [0, 3, 3, 0] && renamed.values == Self.blob.values)
    #expect(throws: KernelError.self) { try Self.blob.classes(as: ["a", "c"]) }
  }
}
