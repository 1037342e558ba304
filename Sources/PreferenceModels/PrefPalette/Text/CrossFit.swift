import PenchantData
import PenchantKernels
import PenchantTrain

/// Content scores of training texts by models that have not seen them: the texts are cut into folds, and each fold is scored
/// by a fit to the pairs that touch none of its texts.
struct CrossFit: Sendable {
  private let texts: PreparedTexts
  private let train: [Int]
  /// Texts of the training pairs.
  let inside: [Int]
  /// The fold of each text; -1 for texts that were not trained on.
  private let fold: [Int]
  private let folds: Int
  private let model: BradleyTerry
  /// Those that all pairs chose: choosing anew in every fold costs a search each.
  private let ridge, temperature: Double

  init(
    _ texts: PreparedTexts, train: [Int], group: [Int], folds: Int, _ whole: FittedBradleyTerry, seed: UInt64
  ) throws {
    self.texts = texts
    self.train = train
    self.folds = folds
    inside = texts.table.texts(ofPairs: train)
    fold = try Self.folds(group, inside, folds, seed: seed)
    model = try BradleyTerry(whole.configuration, seed: seed, encoder: texts.encoder)
    ridge = whole.linear?.ridge ?? 1
    temperature = whole.temperature
  }

  /// Calibrated scores of all texts, `[draws][N]`: those of training texts by their fold's fit.
  ///
  /// - Parameters:
  ///   - factors: of each draw, what every pair of the table counts.
  ///   - whole: of each draw, calibrated scores of all texts by a fit to all training pairs; made here when nil.
  func scores(counting factors: [[Float]], whole: [[Double]]? = nil) throws -> [[Double]] {
    var scores = try whole ?? fits(train, factors)
    let unseen = try parallelMap(folds) { part -> (held: [Int], scores: [[Double]]) in
      let pairs = train.filter {
        fold[texts.table.chosen[$0]] != part && fold[texts.table.rejected[$0]] != part
      }
      let held = inside.filter { fold[$0] == part }
      guard !pairs.isEmpty else { return (held, []) }
      // Models of two folds have each an origin of their own.
      return (
        held,
        try fits(pairs, factors).map { values in
          let origin = centre(values)
          return held.map { values[$0] - origin }
        }
      )
    }
    let centres = scores.map(centre)
    for (held, draws) in unseen {
      for (draw, values) in draws.enumerated() {
        for (text, value) in zip(held, values) { scores[draw][text] = value + centres[draw] }
      }
    }
    return scores
  }

  private func fits(_ pairs: [Int], _ factors: [[Float]]) throws -> [[Double]] {
    try model.scores(texts, pairs, counting: factors, ridge: ridge).map { $0.map { $0 / temperature } }
  }

  private func centre(_ scores: [Double]) -> Double {
    inside.map { scores[$0] }.sum() / Double(max(1, inside.count))
  }

  /// The fold of each text; texts of a group are in one.
  private static func folds(_ group: [Int], _ inside: [Int], _ count: Int, seed: UInt64) throws -> [Int] {
    let groups = Set(inside.map { group[$0] }).sorted()
    let order = try permutation(groups.count, seed: seed, stream: stream)
    var fold = [Int: Int](minimumCapacity: groups.count)
    for (place, name) in order.enumerated() { fold[groups[Int(name)]] = place % count }
    return group.map { fold[$0] ?? -1 }
  }

  private static let stream: UInt64 = 0x504C_434F_0000_0000
}
