import Foundation
import PenchantKernels
import PenchantTape
import TestSupport
import Testing

@testable import SequentialRecommenders

/// Loss and gradient of one step against a reference in Double, differentiated by finite differences.
@Suite struct SASRecGradientTests {
  static let sequences: [[Int32]] = [[1, 2, 3, 4], [5, 1], [7, 6, 5, 4, 3, 2], [2, 2, 7]]
  static let itemCount = 9

  struct Recorded {
    let network: SASRecNetwork
    let store: ParameterStore
    let step: TrainingStep
    let block: PackedHistories
    let popularity: ItemPopularity

    init(_ model: SASRecConfiguration.Model, _ objective: NextItemObjective) throws {
      let sequences = try ItemSequences(
        itemCount: SASRecGradientTests.itemCount, sequences: SASRecGradientTests.sequences)
      network = SASRecNetwork(itemCount: sequences.itemCount, model)
      store = try ParameterStore(network.layout, seed: testSeed)
      // Values far from the ones that training starts with: nothing hides behind small or equal numbers.
      var draws = Philox(seed: testSeed, stream: 1)
      for parameter in store.parameters {
        try store.set(parameter, to: (0..<parameter.count).map { _ in Float(draws.uniform() * 1.4 - 0.7) })
      }
      var stream = try PackedStream(
        TrainingWindows(sequences, longest: model.longest, context: 1), rows: 64, seed: 3)
      try stream.advance(to: 0)
      block = stream.block
      popularity = ItemPopularity(sequences)
      let tape = Tape()
      let inputs = PackedInputs(tape, rows: block.rows, longest: model.longest)
      let recorded = RecordedObjective(
        objective, states: network.states(inputs), table: tape.parameter(network.items.weight))
      step = try TrainingStep(recorded.loss, optimizer: Optimizer(.sgd(0), for: store))
      try inputs.set(block, on: step)
      try recorded.set(block, on: step, popularity: popularity, seed: 5, number: 2)
    }

    func reference(_ model: SASRecConfiguration.Model) throws -> SASRecReference {
      var values: [String: [Double]] = [:]
      for parameter in store.parameters {
        values[parameter.name] = try store.copy(of: parameter).map(Double.init)
      }
      return SASRecReference(parameters: values, model: model, itemCount: SASRecGradientTests.itemCount)
    }

    /// The loss of the block from the formulas.
    func loss(_ reference: SASRecReference, _ objective: NextItemObjective) throws -> Double {
      var stream = RandomStream(seed: 5, stream: SequenceStream.negatives &+ 2)
      let perRow = objective.kind == .bce
      let count = objective.negatives
      let drawn =
        objective.kind == .full
        ? [] : try popularity.draw(perRow ? block.rows * count : count, objective.sampling, &stream)
      var total = 0.0
      var counted = 0
      for s in 0..<block.rows where block.offsets[s + 1] > block.offsets[s] {
        let rows = Int(block.offsets[s])..<Int(block.offsets[s + 1])
        let states = reference.states(rows.map { Int(block.items[$0]) })
        for (place, row) in rows.enumerated() where block.targets[row] != catalogueIgnore {
          let target = Int(block.targets[row])
          var candidates = drawn
          if perRow {
            candidates = drawn[row * count..<(row + 1) * count].map {
              Int($0) == target ? ($0 + 1) % UInt32(reference.itemCount) : $0
            }
          }
          total += term(states[place], target, candidates.map(Int.init), reference, objective)
          counted += 1
        }
      }
      return total / Double(counted)
    }

    private func term(
      _ state: [Double], _ target: Int, _ candidates: [Int], _ reference: SASRecReference,
      _ objective: NextItemObjective
    ) -> Double {
      func softplus(_ x: Double) -> Double { log(1 + exp(x)) }
      let positive = reference.score(state, target)
      switch objective.kind {
      case .full:
        return log((0..<reference.itemCount).reduce(0) { $0 + exp(reference.score(state, $1)) }) - positive
      case .sampled:
        func chance(_ item: Int) -> Double {
          objective.sampling == .uniform
            ? 1 / Double(reference.itemCount)
            : Double(popularity.counts[item]) / Double(popularity.counts.reduce(0, +))
        }
        let chosen = positive - log(chance(target))
        let others = candidates.filter { $0 != target }.map { reference.score(state, $0) - log(chance($0)) }
        return log(others.reduce(exp(chosen)) { $0 + exp($1) }) - chosen
      case .bce, .gbce:
        var exponent = 1.0
        if objective.kind == .gbce {
          let rate = Double(objective.negatives) / Double(reference.itemCount - 1)
          exponent = rate * (objective.calibration * (1 - 1 / rate) + 1 / rate)
        }
        let negative = candidates.reduce(0) { $0 + softplus(reference.score(state, $1)) }
        return (exponent * softplus(-positive) + negative) / Double(1 + candidates.count)
      }
    }
  }

  static let objectives: [NextItemObjective] = [
    NextItemObjective(.full), make(.sampled, 5), make(.sampled, 6, .popularity), make(.bce, 2),
    make(.gbce, 4),
  ]
  static func make(
    _ kind: NextItemObjective.Kind, _ negatives: Int, _ sampling: NextItemObjective.Sampling = .uniform
  ) -> NextItemObjective {
    var objective = NextItemObjective(kind)
    objective.negatives = negatives
    objective.sampling = sampling
    return objective
  }

  @Test(arguments: objectives, [true, false])
  func lossAndGradientAreThoseOfTheFormulas(_ objective: NextItemObjective, _ isPost: Bool) throws {
    var model = SASRecConfiguration.Model()
    (model.width, model.heads, model.inner, model.layers, model.longest) = (4, 2, 6, 1, 4)
    model.dropout = 0
    model.norm = isPost ? .post : .pre
    let recorded = try Recorded(model, objective)
    let outcome = try recorded.step.run()
    var reference = try recorded.reference(model)
    let loss = try recorded.loss(reference, objective)
    #expect(abs(Double(outcome.loss) - loss) <= 1e-5 * max(1, loss), "seed \(testSeed)")

    for parameter in recorded.store.parameters {
      let gradient = try recorded.step.gradient(of: parameter)
      var expected = [Double](repeating: 0, count: parameter.count)
      for i in 0..<parameter.count {
        let value = reference.parameters[parameter.name]![i]
        let h = 1e-5
        reference.parameters[parameter.name]![i] = value + h
        let above = try recorded.loss(reference, objective)
        reference.parameters[parameter.name]![i] = value - h
        let below = try recorded.loss(reference, objective)
        reference.parameters[parameter.name]![i] = value
        expected[i] = (above - below) / (2 * h)
      }
      let scale = max(expected.map(abs).max() ?? 0, 1e-2)
      for i in 0..<parameter.count {
        #expect(
          abs(Double(gradient[i]) - expected[i]) <= 1e-4 * scale,
          "\(parameter.name)[\(i)]: \(gradient[i]), finite difference \(expected[i]), seed \(testSeed)")
      }
    }
  }
}
