import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PreferenceModels

/// 100,000 texts of 45 communities and 2,000 pairs in each; the text with more of what its community likes wins.
///
/// `bench/peers/palette_cases.py` makes the same numbers from the same sequence, and reads the rest from `export`.
struct PaletteProblem {
  struct Size {
    let texts = 100_000
    let communities = 45
    let pairsEach = 2000
    let content = 64
    let attributes = 19
    let width = 64
    let rank = 16

    var pairs: Int { communities * pairsEach }
    var shape: PaletteShape {
      PaletteShape(
        form: .signed, content: content, attributes: attributes, width: width, rank: rank,
        communities: communities)
    }
    /// Of one text forward: keys, query, scores, utility.
    var flops: Double { 2 * Double(attributes * width * rank + content * rank + attributes * rank + content) }
    /// Of one text: representations in bfloat16, content and scores.
    var bytes: Double { Double(2 * attributes * width + 4 * content + 4 * attributes) }
    var tanhs: Double { Double(attributes * rank) }
  }
  let size = Size()

  /// Attribute representations in bfloat16, as the product stores them.
  func texts() throws -> PaletteTexts {
    let (n, k) = (size.texts, size.attributes)
    var source = Source(seed: 3)
    let cells = n * k * size.width
    let half = [UInt16](unsafeUninitializedCapacity: cells) { out, count in
      for place in 0..<cells {
        let bits = (source.normal() * 0.3).bitPattern
        out[place] = UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
      }
      count = cells
    }
    return try PaletteTexts(
      contentWidth: size.content, attributes: k, width: size.width,
      content: Floats(normal: n * size.content, seed: 1).array, representations: .bfloat16(half),
      scores: Floats(normal: n * k, seed: 2).array)
  }

  var data: PaletteData {
    get throws {
      let (texts, k) = (try self.texts(), size.attributes)
      let tastes = try Floats(normal: size.communities * k, seed: 4).array
      let each = size.texts / size.communities
      var source = Source(seed: 5)
      var (chosen, rejected, community): ([UInt32], [UInt32], [UInt32]) = ([], [], [])
      for c in 0..<size.communities {
        func utility(_ text: Int) -> Float {
          (0..<k).reduce(0) { $0 + tastes[c * k + $1] * texts.scores[text * k + $1] }
        }
        for _ in 0..<size.pairsEach {
          let first = source.below(each)
          let second = (first + 1 + source.below(each - 1)) % each
          let (a, b) = (c * each + first, c * each + second)
          let firstWins = utility(a) > utility(b)
          chosen.append(UInt32(firstWins ? a : b))
          rejected.append(UInt32(firstWins ? b : a))
          community.append(UInt32(c))
        }
      }
      return try PaletteData(
        texts: texts, attributes: (1...k).map { "attribute \($0)" },
        communities: (1...size.communities).map { "community \($0)" }, chosen: chosen, rejected: rejected,
        community: community, post: (0..<UInt32(chosen.count)).map { $0 })
    }
  }

  /// What peers need to take the same steps: pairs, first parameters, batches, and the loss and learning rate of every
  /// step of a training with the defaults.
  func export(to path: String) throws {
    let (data, configuration) = (try self.data, Self.logged())
    let model = try PrefPalette(configuration, seed: 1)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let run = try RunDirectory.create(folder)
    _ = try model.fit(to: data, run: run)
    let lines = run.metrics.read().filter { $0.split == "train" }
    var batcher = try Batcher(count: data.count, batchSize: configuration.optimizer.batchSize, seed: 1)
    let batches = try lines.flatMap { _ in try batcher.next().indices }
    let steps = lines.count
    func column(_ name: String) -> [Double] { lines.map { $0.metrics[name] ?? .nan } }
    let first = try model.firstParameters(for: data)
    var file = SafeTensorsWriter()
    try file.add("chosen", shape: [data.count], data.chosen)
    try file.add("rejected", shape: [data.count], data.rejected)
    try file.add("community", shape: [data.count], data.community)
    try file.add("parameters", shape: [first.count], first)
    try file.add("batches", shape: [steps, batches.count / max(1, steps)], batches)
    let uses = model.usesAttributes(steps: steps).map { $0 ? 1 : 0 }
    try file.add("uses_attributes", shape: [steps], uses)
    try file.add("learning_rate", shape: [steps], column("learning_rate"))
    try file.add("loss", shape: [steps], column("loss"))
    try file.write(to: path)
  }

  /// The defaults, every step in the log and no checkpoint on the way.
  private static func logged() -> PrefPaletteConfiguration {
    var configuration = PrefPaletteConfiguration()
    configuration.run.logEvery = 1
    configuration.run.checkpointEvery = .max
    return configuration
  }
}
