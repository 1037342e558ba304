import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import Synchronization
import TestSupport
import Testing

@testable import PreferenceModels

@Suite struct BradleyTerryTests {
  /// Answers of known worth: "good" words count up, "bad" ones down.
  static func pairs(_ count: Int, communities: Int = 4, seed: UInt64 = 1) -> [PreferencePair] {
    var draws = Philox(seed: seed, stream: 99)
    let good = ["evidence", "reason", "because", "clear"]
    let bad = ["whatever", "lol", "dunno", "meh"]
    let plain = ["the", "a", "house", "tree", "walks", "over", "green", "quiet", "stone", "river"]
    func answer() -> (String, Double) {
      var words: [String] = []
      var worth = 0.0
      for _ in 0..<(4 + draws.index(below: 8)) {
        switch draws.index(below: 5) {
        case 0:
          words.append(good[draws.index(below: 4)])
          worth += 1
        case 1:
          words.append(bad[draws.index(below: 4)])
          worth -= 1
        default: words.append(plain[draws.index(below: plain.count)])
        }
      }
      return (words.joined(separator: " "), worth)
    }
    return (0..<count).map { index in
      let a = answer()
      let b = answer()
      let first = draws.uniform() < sigmoid(2 * (a.1 - b.1))
      return PreferencePair(
        prompt: "?", chosen: first ? a.0 : b.0, rejected: first ? b.0 : a.0,
        community: "group \(index % communities)")
    }
  }

  static func features(_ rows: Int, _ width: Int, seed: UInt64 = 3) throws -> FeatureMatrix {
    var draws = Philox(seed: seed)
    return try FeatureMatrix(
      rows: rows, width: width, dense: (0..<rows * width).map { _ in Float(draws.normal()) })
  }

  @Test func learnsAndBeatsLength() throws {
    let table = PairTable(Self.pairs(400))
    let model = try BradleyTerry()
    let result = try model.leaveOneCommunityOut(table)
    let metrics = PairMetrics(margins: result.margins)
    #expect(metrics.accuracy > 0.75)
    #expect(metrics.ece < 0.1)
    #expect(metrics.accuracy > PairMetrics(margins: BradleyTerry.lengthMargins(table)).accuracy + 0.1)
  }

  /// The optimum on inner products, on features, and by Newton's method written with full matrices in the weights.
  @Test func allRoutesReachTheSameOptimum() throws {
    let x = try Self.features(40, 6)
    var draws = Philox(seed: 8)
    let pairs = (0..<150).map { _ in (draws.index(below: 40), draws.index(below: 40)) }
    let graph = try ComparisonGraph(
      items: 40, chosen: pairs.map { UInt32($0.0) }, rejected: pairs.map { UInt32($0.1) })
    let ridge = 0.8
    let products = try FeatureProducts(x)
    let empty = try SparseRows(
      rows: 40, width: 0, starts: [Int](repeating: 0, count: 41), columns: [], values: [])
    let gram = try Gram(sparse: empty, dense: x.dense, denseWidth: 6)
    var weights: [[Double]] = []
    for space in [ScoreSpace.gram(gram), .features(products)] {
      var likelihood = ComparisonLikelihood(graph)
      let solution = try NewtonSolver(ridge: ridge, tolerance: 1e-9).solve(&likelihood, in: space)
      #expect(solution.converged)
      weights.append(try products.weights(coefficients: solution.coefficients))
    }
    var w = [Double](repeating: 0, count: 6)
    for _ in 0..<30 {
      var gradient = w.map { ridge * $0 }
      var hessian = [Double](repeating: 0, count: 36)
      for i in 0..<6 { hessian[7 * i] = ridge }
      for (a, b) in pairs {
        let d = (0..<6).map { Double(x.dense[a * 6 + $0]) - Double(x.dense[b * 6 + $0]) }
        let p = 1 / (1 + exp(zip(w, d).map { $0 * $1 }.reduce(0, +)))
        for i in 0..<6 {
          gradient[i] -= p * d[i]
          for j in 0..<6 { hessian[6 * i + j] += p * (1 - p) * d[i] * d[j] }
        }
      }
      let step = try Cholesky(hessian, order: 6).solve(gradient)
      for i in 0..<6 { w[i] -= step[i] }
    }
    for i in 0..<6 {
      #expect(abs(weights[1][i] - w[i]) < 1e-7)
      #expect(abs(weights[0][i] - w[i]) < 1e-5)  // inner products are stored as floats
    }
  }

  @Test func standardErrorsAreTheInverseCurvature() throws {
    let x = try Self.features(30, 4)
    let table = PairTable(Self.pairs(60).prefix(15).map { $0 })
    let space = try LinearSpace(x)
    let pairs = PairSelection(table, Array(0..<table.count))
    let solution = try space.fit(pairs, ridge: 0.5)
    let errors = try #require(try space.standardErrors(pairs, ridge: 0.5, at: solution.scores))
    var hessian = [Double](repeating: 0, count: 16)
    for i in 0..<4 { hessian[5 * i] = 0.5 }
    for (a, b) in zip(pairs.chosen, pairs.rejected) {
      let d = (0..<4).map { i -> Double in Double(x.dense[Int(a) * 4 + i]) - Double(x.dense[Int(b) * 4 + i]) }
      let p = sigmoid(solution.scores[Int(a)] - solution.scores[Int(b)])
      for i in 0..<4 { for j in 0..<4 { hessian[4 * i + j] += p * (1 - p) * d[i] * d[j] } }
    }
    let inverse = try Cholesky(hessian, order: 4).inverse()
    for i in 0..<4 { #expect(abs(errors[i] - inverse[5 * i].squareRoot()) < 1e-9) }
  }

  @Test func bitsDoNotDependOnThreads() throws {
    let table = PairTable(Self.pairs(160))
    let hashes = try [1, 2, 3, 5].map { threads in
      try Team.with(threads: threads) { XXHash64.hex(try BradleyTerry().leaveOneCommunityOut(table).margins) }
    }
    #expect(Set(hashes).count == 1)
  }

  @Test func foldsKeepCommunitiesTogetherAndTestsOut() throws {
    let table = PairTable(Self.pairs(90, communities: 6))
    let fold = try LinearSpace.folds(table, Array(0..<90), 3, seed: 1)
    for community in 0..<6 {
      #expect(Set((0..<90).filter { table.community[$0] == community }.map { fold[$0] }).count == 1)
    }
    #expect(Set(fold) == [0, 1, 2])
    let single = PairTable(Self.pairs(10, communities: 1))
    #expect(Set(try LinearSpace.folds(single, Array(0..<10), 3, seed: 1)).count == 3)
  }

  @Test func savedModelScoresTheSame() throws {
    let table = PairTable(Self.pairs(120))
    let model = try BradleyTerry(seed: 5).fit(to: table).model
    let noEncoder: (String) throws -> any TextEncoder = { throw ConfigurationError("no encoder \($0)") }
    let bytes = try model.bytes()
    let read = try FittedBradleyTerry(bytes: bytes, name: "m", encoder: noEncoder)
    let texts = Array(table.texts.prefix(20)) + ["", "something never seen"]
    #expect(try read.score(texts) == model.score(texts))
    #expect(try read.bytes() == bytes)
    #expect(read.seed == 5 && read.configuration == model.configuration)
    // Every cut of the file is refused, never read as a model.
    for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 40)) {
      #expect(throws: (any Error).self) {
        try FittedBradleyTerry(bytes: Array(bytes.prefix(length)), name: "m", encoder: noEncoder)
      }
    }
  }

  @Test func scoresOfTheTableAreThoseOfTheModel() throws {
    let table = PairTable(Self.pairs(100))
    let fit = try BradleyTerry().fit(to: table)
    let scores = try fit.model.score(table.texts)
    for (a, b) in zip(fit.scores, scores) { #expect(abs(a - b) < 1e-4 * max(1, abs(b))) }
  }

  @Test func embeddingsAreUsed() throws {
    let table = PairTable(Self.pairs(150))
    var configuration = BradleyTerryConfiguration()
    configuration.features.builtin = false
    // One column that knows the answer.
    var worth = [Double](repeating: 0, count: table.texts.count)
    for (place, text) in table.texts.enumerated() {
      for word in text.split(separator: " ") {
        if ["evidence", "reason", "because", "clear"].contains(word) { worth[place] += 1 }
        if ["whatever", "lol", "dunno", "meh"].contains(word) { worth[place] -= 1 }
      }
    }
    let rows = try FeatureMatrix(rows: worth.count, width: 2, dense: worth.flatMap { [Float($0), 3] })
    let result = try BradleyTerry(configuration).leaveOneCommunityOut(table, embeddings: rows)
    #expect(PairMetrics(margins: result.margins).accuracy > 0.85)
    #expect(throws: ConfigurationError.self) { try BradleyTerry(configuration).leaveOneCommunityOut(table) }
  }

  @Test func wrongSettingsNameThemselves() {
    var configuration = BradleyTerryConfiguration()
    configuration.objective.ridges = [1, -1]
    #expect(
      throws: ConfigurationError("objective.ridges must be a list of numbers above 0, found [1.0, -1.0]")
    ) {
      try BradleyTerry(configuration)
    }
  }

  @Test func weightsCountAsCopies() throws {
    let pairs = Self.pairs(40)
    let copied = PairTable(pairs + pairs)
    let weighted = PairTable(
      pairs.map {
        var p = $0
        p.weight = 2
        return p
      })
    let x = TextFeaturiser().analyse(copied.texts)
    let rows = x.fit(Array(0..<copied.texts.count)).encode(x)
    let space = try LinearSpace(rows)
    let a = try space.fit(PairSelection(copied, Array(0..<80)), ridge: 2)
    let b = try space.fit(PairSelection(weighted, Array(0..<40)), ridge: 2)
    for (x, y) in zip(a.scores, b.scores) { #expect(abs(x - y) < 1e-6) }
  }
}

@Suite struct BradleyTerryMLPTests {
  static func configuration(epochs: Int = 6) -> BradleyTerryConfiguration {
    var configuration = BradleyTerryConfiguration()
    configuration.model.head = .mlp
    configuration.model.hidden = [16]
    configuration.model.projection = 32
    configuration.optimizer.batchSize = 32
    configuration.optimizer.learningRate = 2e-3
    configuration.run.epochs = epochs
    configuration.run.patience = 0
    return configuration
  }

  @Test func learns() throws {
    let pairs = BradleyTerryTests.pairs(500)
    let table = PairTable(pairs)
    let fit = try BradleyTerry(Self.configuration(epochs: 12), seed: 2).fit(to: table, train: Array(0..<400))
    let margins = (400..<500).map { fit.scores[table.chosen[$0]] - fit.scores[table.rejected[$0]] }
    #expect(PairMetrics(margins: margins).accuracy > 0.7)
    let scores = try fit.model.score(table.texts)
    for (a, b) in zip(fit.scores, scores) { #expect(abs(a - b) < 1e-4 * max(1, abs(b))) }
  }

  @Test func savedModelScoresTheSame() throws {
    let table = PairTable(BradleyTerryTests.pairs(80))
    let model = try BradleyTerry(Self.configuration(epochs: 1)).fit(to: table).model
    let bytes = try model.bytes()
    let read = try FittedBradleyTerry(bytes: bytes, name: "m") { throw ConfigurationError($0) }
    #expect(try read.score(table.texts) == model.score(table.texts))
    #expect(try read.bytes() == bytes)
  }

  @Test func bitsDoNotDependOnThreads() throws {
    let table = PairTable(BradleyTerryTests.pairs(100))
    let hashes = try [1, 2, 3, 5].map { threads in
      try Team.with(threads: threads) {
        XXHash64.hex(try BradleyTerry(Self.configuration(epochs: 3)).fit(to: table).scores)
      }
    }
    #expect(Set(hashes).count == 1)
  }

  /// Stopped at random steps and resumed from the files, against a run without a stop.
  @Test func stoppedAndResumedHasTheSameBits() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "penchant-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let table = PairTable(BradleyTerryTests.pairs(150))
    var configuration = Self.configuration(epochs: 5)
    configuration.run.checkpointEvery = 3
    let system = try BradleyTerry(configuration, seed: 4)
    let whole = try system.fit(to: table)
    let run = try RunDirectory.create(folder)
    try run.write("config.yaml", "")
    var draws = Philox(seed: testSeed)
    for _ in 0..<3 {
      let stop = Stopper(after: 1 + draws.index(below: 5))
      let part = try system.fit(
        to: table, trainer: Trainer(configuration.run, run: run, shouldStop: { stop.hit() }), resume: true)
      #expect(part.ending == .interrupted)
    }
    let resumed = try system.fit(to: table, trainer: Trainer(configuration.run, run: run), resume: true)
    #expect(XXHash64.hex(resumed.scores) == XXHash64.hex(whole.scores))
    #expect(try resumed.model.bytes() == whole.model.bytes())
  }
}

final class Stopper: Sendable {
  private let left: Mutex<Int>
  init(after: Int) { left = Mutex(after) }
  func hit() -> Bool {
    left.withLock {
      $0 -= 1
      return $0 <= 0
    }
  }
}
