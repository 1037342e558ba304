import Foundation
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import SequentialRecommenders

@Suite struct GRU4RecTests {
  static func configuration(_ change: (inout GRU4RecConfiguration) -> Void = { _ in }) -> GRU4RecConfiguration
  {
    var c = GRU4RecConfiguration()
    (c.model.width, c.model.hidden, c.model.longest) = (16, 24, 8)
    c.model.dropout = 0.1
    (c.optimizer.rows, c.optimizer.learningRate) = (128, 1e-2)
    (c.run.epochs, c.run.patience) = (40, 0)
    change(&c)
    return c
  }

  @Test func scoresAreThoseOfTheFormulas() throws {
    let configuration = Self.configuration {
      ($0.model.width, $0.model.hidden, $0.model.layers) = (4, 5, 2)
    }
    let network = GRU4RecNetwork(itemCount: 12, configuration.model)
    var draws = Philox(seed: testSeed)
    var parameters: [String: [Float]] = [:]
    for entry in network.layout.entries {
      parameters[entry.parameter.name] = (0..<entry.parameter.count).map { _ in Float(draws.uniform() * 2 - 1)
      }
    }
    let model = FittedGRU4Rec(
      configuration: configuration, seed: 0, itemCounts: [UInt32](repeating: 1, count: 12),
      parameters: parameters, state: TrainingState(seed: 0))
    func linear(_ x: [Double], _ name: String) throws -> [Double] {
      let weight = try #require(parameters["\(name).weight"]).map(Double.init)
      let bias = try #require(parameters["\(name).bias"]).map(Double.init)
      return bias.indices.map { o in
        bias[o] + x.indices.reduce(0) { $0 + weight[o * x.count + $1] * x[$1] }
      }
    }
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    let items = try #require(parameters["items.weight"]).map(Double.init)
    func row(_ item: Int) -> [Double] { Array(items[item * 4..<(item + 1) * 4]) }

    let histories: [[Int32]] = [[3, 1, 12], [7], (1...11).map { $0 }]
    var scores = [Float](repeating: 0, count: histories.count * 12)
    try model.scorer().score(histories: histories.map { $0[...] }, into: &scores)
    for (number, history) in histories.enumerated() {
      var inputs = history.suffix(8).map { row(Int($0) - 1) }
      for layer in 0..<2 {
        var h = [Double](repeating: 0, count: 5)
        inputs = try inputs.map { x in
          let (a, b) = (try linear(x, "layers.\(layer).input"), try linear(h, "layers.\(layer).state"))
          h = (0..<5).map { j in
            let (r, z) = (sigmoid(a[j] + b[j]), sigmoid(a[5 + j] + b[5 + j]))
            return (1 - z) * tanh(a[10 + j] + r * b[10 + j]) + z * h[j]
          }
          return h
        }
      }
      let state = try linear(inputs[inputs.count - 1], "head")
      for item in 0..<12 {
        let expected = zip(state, row(item)).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(Double(scores[number * 12 + item]) - expected) < 1e-5, "seed \(testSeed)")
      }
    }
  }

  @Test(.enabled(if: isOptimised, "runs in release")) func learnsARing() throws {
    let (train, cases) = try SASRecTests.ring(300, items: 40)
    let model = try GRU4Rec(Self.configuration(), seed: 3).fit(to: train, validating: cases)
    let places = try FullRanking().evaluate(model.scorer(), on: cases).unmasked.places
    let ndcg = try places.mean(RankingMetric(.ndcg, at: 10))
    #expect(ndcg > 0.9, "\(ndcg)")
    let read = try FittedGRU4Rec(bytes: model.bytes(), name: "m")
    #expect(try FullRanking().evaluate(read.scorer(), on: cases).unmasked.places == places)
  }

  @Test func sameBitsForAnyNumberOfThreads() throws {
    let (train, cases) = try SASRecTests.ring(120, items: 50)
    let configuration = Self.configuration { $0.run.steps = 12 }
    let models = try [1, 2, 3].map { threads in
      try Team.with(threads: threads) {
        try GRU4Rec(configuration, seed: 3).fit(to: train, validating: cases).parameters
      }
    }
    for other in models.dropFirst() { #expect(other == models[0]) }
  }

  @Test func settingsThatCannotBeAreNamed() throws {
    for (name, change) in [
      ("model.hidden", { $0.model.hidden = 0 }), ("model.layers", { $0.model.layers = 0 }),
      ("model.dropout", { $0.model.dropout = 1 }), ("optimizer.rows", { $0.optimizer.rows = 3 }),
    ] as [(String, (inout GRU4RecConfiguration) -> Void)] {
      let error = #expect(throws: ConfigurationError.self) { try GRU4Rec(Self.configuration(change)) }
      #expect(error?.description.contains(name) == true)
    }
  }
}
