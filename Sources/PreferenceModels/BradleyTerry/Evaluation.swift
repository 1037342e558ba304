import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import Synchronization

extension BradleyTerry {
  /// One group left out after the other: margins of every pair from a model that has not seen its group.
  public struct LeaveOneOut: Sendable {
    public var margins: [Double]
    /// The ridge each fold chose.
    public var ridges: [Double]
    public var seconds: Double
  }

  /// Fits once for every community, without it, and scores its pairs. Folds run side by side on the team; document counts,
  /// ridge and temperature of a fold come from its training pairs alone.
  public func leaveOneCommunityOut(
    _ table: PairTable, embeddings: FeatureMatrix? = nil,
    progress: ProgressLine = ProgressLine(style: .silent)
  ) throws -> LeaveOneOut {
    let started = ProgressLine.clock()
    let texts = try PreparedTexts(table, configuration.features, encoder: encoder, embeddings: embeddings)
    let splits = try Split.leaveOneGroupOut(table.community.map { table.communities[$0] })
    let done = Counter()
    let folds = try parallelMap(splits.count) { k -> (margins: [Double], ridge: Double) in
      let split = splits[k]
      let fitted = try fit(texts, split.train)
      progress.report("fold", done.next(), of: splits.count, [])
      return (PairSelection(table, split.test).margins(fitted.scores), fitted.model.linear?.ridge ?? .nan)
    }
    progress.finishLine()
    var margins = [Double](repeating: .nan, count: table.count)
    for (split, fold) in zip(splits, folds) {
      for (pair, margin) in zip(split.test, fold.margins) { margins[pair] = margin }
    }
    return LeaveOneOut(margins: margins, ridges: folds.map(\.ridge), seconds: ProgressLine.clock() - started)
  }

  /// The split of a plain training: a random share of the pairs, or whole communities, is never trained on.
  public func split(_ table: PairTable) throws -> Split {
    let share = configuration.data.test
    let percent = "\(Int((share * 100).rounded()))%"
    guard share > 0 else { return Split(name: "none", train: Array(0..<table.count), test: []) }
    if configuration.data.testByCommunity {
      var split = try Split.byGroup(
        table.community.map { table.communities[$0] }, testFraction: share, seed: seed)
      split.name = "\(percent) of the communities held out"
      return split
    }
    var split = try Split.random(count: table.count, testFraction: share, seed: seed)
    split.name = "\(percent) of the pairs held out"
    return split
  }

  /// The plain baseline people start with: word tf-idf and standardised style columns in a logistic regression with ridge 1.
  public static func plainBaseline() throws -> BradleyTerry {
    var configuration = BradleyTerryConfiguration()
    configuration.features.featuriser.longestCharacters = 0
    configuration.features.featuriser.styleWeight = 1
    configuration.objective.ridges = [1]
    configuration.objective.calibrate = false
    return try BradleyTerry(configuration)
  }

  /// Margins of the rule "the longer text is preferred", in characters.
  public static func lengthMargins(_ table: PairTable) -> [Double] {
    let lengths = table.texts.map { Double($0.unicodeScalars.count) }
    return zip(table.chosen, table.rejected).map { lengths[$0] - lengths[$1] }
  }
}

/// Counts what threads have finished.
private final class Counter: Sendable {
  private let value = Mutex(0)
  func next() -> Int {
    value.withLock {
      $0 += 1
      return $0
    }
  }
}
