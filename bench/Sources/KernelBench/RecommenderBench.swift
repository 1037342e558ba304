import Foundation
import PenchantData
import PenchantTrain
import SequentialRecommenders

/// The histories that recommenders are timed on: of the log that `PENCHANT_LOG` names, or drawn, as many as Amazon Beauty's.
struct RecommenderProblem {
  let train: ItemSequences

  init() throws {
    if let path = ProcessInfo.processInfo.environment["PENCHANT_LOG"] {
      train = try SequenceSplit.leaveOneOut(InteractionReader(path).log()).train
    } else {
      let law = try PowerLawLog(.init(users: 22_363, items: 12_101))
      train = try SequenceSplit.leaveOneOut(law.sequences()).train
    }
  }

  /// The number of items, then a line of items from 0 a user.
  func export(to path: String) throws {
    let lines = (0..<train.count).map { user in train[user].map { "\($0 - 1)" }.joined(separator: " ") }
    let text = ([String(train.itemCount)] + lines).joined(separator: "\n") + "\n"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }
}

extension BenchCase {
  /// Steps of training from a fresh model, without validation, and one request.
  static let recommenders = [
    BenchCase(name: "sasrec_epoch d=64 L=50", work: Work()) {
      let train = try RecommenderProblem().train
      var configuration = SASRecConfiguration()
      configuration.run.epochs = 1
      let model = try SASRec(configuration, seed: 1)
      return { _ = try model.fit(to: train) }
    },
    BenchCase(name: "rearec_prl K=2 d=64 L=50, 40 steps of 512 targets", work: Work()) {
      let train = try RecommenderProblem().train
      var configuration = ReaRecConfiguration()
      configuration.reasoning.method = .prl
      configuration.reasoning.steps = 2
      configuration.run.steps = 40
      let model = try ReaRec(configuration, seed: 1)
      return { _ = try model.fit(to: train) }
    },
    // A history of 50 items by name, the ten best of the others; the embeddings are read once.
    BenchCase(
      name: "recommend history=50 N=50000 d=64 top=10",
      work: Work(flops: 2 * 50_000 * 64, bytes: 50_000 * 64 * 4, level: .l3)
    ) {
      let items = 50_000
      let walks = try ItemSequences(
        itemCount: items, sequences: (0..<items / 50).map { user in (1...50).map { Int32(user * 50 + $0) } })
      var configuration = SASRecConfiguration()
      configuration.run.steps = 1
      let names = (1...items).map { "i\($0)" }
      let recommender = try TrainedRecommender(
        SASRec(configuration, seed: 1).fit(to: walks), system: SASRecConfiguration.system,
        items: ItemTable(names)
      ).recommender()
      let history = (0..<50).map { names[$0 * 977 % items] }
      return { _ = try recommender.recommend(for: history, count: 10) }
    },
  ]
}
