import Foundation
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import SequentialRecommenders

/// ReaRec beside its base on Amazon Beauty, printed: one configuration a run, since each takes minutes.
///
///     PENCHANT_REAREC="prl 2" PENCHANT_SEED=1 swift test -c release -Xswiftc -enable-testing --filter ReasoningNumbers
///
/// Words: method, steps, then settings as `temperature=0.5`, `epochs=20`, `rows=512`. With `PENCHANT_REAREC_OUT=FOLDER`
/// the places of the test targets are written there, a line a case, for comparisons between runs.
@Suite(.serialized) struct ReasoningNumbers {
  static let words = ProcessInfo.processInfo.environment["PENCHANT_REAREC"]

  @Test(
    .enabled(if: words != nil, "PENCHANT_REAREC is not set"),
    .enabled(if: SharedData.has("amazon-beauty/sequences.txt.gz"), "Amazon Beauty is not here"))
  func beauty() throws {
    let environment = ProcessInfo.processInfo.environment
    let seed = UInt64(environment["PENCHANT_SEED"] ?? "") ?? 0
    let words = (Self.words ?? "").split(separator: " ").map(String.init)
    var configuration = ReaRecConfiguration()
    configuration.reasoning.method = try #require(ReaRecConfiguration.Method(rawValue: words.first ?? ""))
    configuration.reasoning.steps = try #require(words.count > 1 ? Int(words[1]) : nil)
    for word in words.dropFirst(2) {
      let parts = word.split(separator: "=").map(String.init)
      let number = try #require(parts.count == 2 ? Double(parts[1]) : nil, "\(word)")
      switch parts[0] {
      case "temperature": configuration.reasoning.temperature = number
      case "decay": configuration.reasoning.decay = number
      case "divergence": configuration.reasoning.divergence = number
      case "dropout": configuration.model.dropout = Float(number)
      case "epochs": configuration.run.epochs = Int(number)
      case "patience": configuration.run.patience = Int(number)
      case "rows": configuration.optimizer.rows = Int(number)
      case "prefix": configuration.reasoning.form = number > 0 ? .prefix : .automatic
      default: Issue.record("\(word) is no setting")
      }
    }
    let log = try InteractionReader(SharedData.path("amazon-beauty/sequences.txt.gz")).log()
    let split = try SequenceSplit.leaveOneOut(log)
    let clock = ContinuousClock()
    let start = clock.now
    let validation = try split.validation.sampled(4000, seed: 1)
    let model = try ReaRec(configuration, seed: seed).fit(to: split.train, validating: validation)
    let seconds = start.duration(to: clock.now)
    let result = try FullRanking().evaluate(model.scorer(), on: split.test, popularity: split.popularity)
    print("\(Self.words ?? ""), seed \(seed), \(model.state.step) steps, \(seconds), \(Team.size) threads")
    print(try result.table())
    let metrics = [
      try RankingMetric(.ndcg, at: 10), try RankingMetric(.ndcg, at: 20), try RankingMetric(.recall, at: 20),
    ]
    if configuration.reasoning.steps > 0 {
      print(try model.stepReport(on: split.test, metrics: metrics).table)
    }
    if let folder = environment["PENCHANT_REAREC_OUT"] {
      let name = "\(words.joined(separator: "-"))-\(seed).txt"
      let places = result.unmasked.places
      let lines = zip(places.above, places.tied).map { "\($0) \($1)" }.joined(separator: "\n")
      try lines.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }
  }
}
