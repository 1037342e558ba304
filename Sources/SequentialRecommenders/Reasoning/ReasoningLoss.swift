import PenchantKernels
import PenchantTape

/// ReaRec's losses on a tape (ReaRec, eq. 6 to 13, with the temperatures and means of the released code).
struct ReasoningLoss: RecordedLoss {
  let loss: Tensor
  private let reasoning: ReaRecConfiguration.Reasoning
  /// Rows whose states are trained: all rows of a block, or a question a prefix.
  private let asked: Asked
  /// The target of each asked row, once for every state that is trained.
  private let targets: Ids
  private let noise: [Tensor]
  private let contrast: Contrast?

  private enum Asked {
    /// Every row asks for the item behind it.
    case rows(seen: Ids, count: Int)
    case questions(Questions)

    var count: Int {
      switch self {
      case .rows(_, let count): count
      case .questions(let questions): questions.count
      }
    }
  }

  init(_ network: ReaRecNetwork, _ inputs: PackedInputs, rows: Int, on tape: Tape) {
    let reasoning = network.reasoning
    self.reasoning = reasoning
    let prefixes: Prefixes
    if reasoning.sharesPrefixes {
      let seen = tape.ids("seen items", [rows])
      let offsets = inputs.packing.offsets
      prefixes = Prefixes(offsets: offsets, first: offsets, seen: seen)
      asked = .rows(seen: seen, count: rows)
    } else {
      let questions = Questions(tape, inputs, rows: rows)
      prefixes = questions.prefixes
      asked = .questions(questions)
    }
    let asked = self.asked
    let steps = reasoning.steps
    let contrasts = reasoning.method == .prl && steps > 0 && reasoning.noise > 0 && reasoning.contrast > 0
    contrast = contrasts ? Contrast(tape, inputs, rows: rows) : nil
    let clean = ReasoningView(network, inputs, prefixes: prefixes)
    let noisy = contrast.map { ReasoningView(network, inputs, prefixes: $0.prefixes) }
    var states =
      switch asked {
      case .rows: [clean.states]
      case .questions(let questions): [clean.states.embedding(questions.last)]
      }
    var (noise, others): ([Tensor], [Tensor]) = ([], [])
    for step in 0..<steps {
      let thought = network.thought(step, after: states[step])
      states.append(clean.think(thought))
      if let contrast, let noisy {
        // Each step of the noisy view starts from the clean state again (the released code).
        let drawn = tape.input("noise \(step)", [contrast.count, network.width])
        noise.append(drawn)
        others.append(noisy.think(thought.embedding(contrast.rows) + drawn))
      }
    }
    self.noise = noise

    let table = tape.parameter(network.table)
    let temperature = Float(reasoning.temperature)
    switch reasoning.method {
    case .naive, .rpe, .erl:
      let ids = tape.ids("targets", [asked.count])
      targets = ids
      let recommendation = Loss.catalogueCrossEntropy(
        hidden: network.query(network.read(states)) / temperature, items: table, ids: ids)
      guard reasoning.method == .erl, steps > 0, reasoning.divergence > 0 else {
        loss = recommendation
        return
      }
      let scaled = states.map { network.query($0) / temperature }
      let all = scaled[0].joined(with: Array(scaled.dropFirst()), axis: 0)
      let apart = Loss.catalogueDivergence(
        hidden: all.reshaped([steps + 1, asked.count, network.width]), items: table, ids: ids)
      loss = recommendation - apart * Float(reasoning.divergence * reasoning.pairs)
    case .prl:
      let ids = tape.ids("targets", [(steps + 1) * asked.count])
      targets = ids
      let scaled = states.indices.map {
        network.query(states[$0]) / Float(reasoning.temperature(ofState: $0))
      }
      let weights = states.indices.map { Float(reasoning.weight(ofState: $0)) }
      // The loss is a weighted mean over all states of all rows, and every state has as many rows that count.
      let mean = Loss.catalogueCrossEntropy(
        hidden: steps == 0 ? scaled[0] : scaled[0].joined(with: Array(scaled.dropFirst()), axis: 0),
        items: table, ids: ids,
        weights: tape.constant(
          weights.flatMap { [Float](repeating: $0, count: asked.count) }, [weights.count * asked.count]))
      let recommendation = mean * weights.reduce(0, +)
      guard let contrast else {
        loss = recommendation
        return
      }
      let terms = zip(others, states.dropFirst()).map { contrast.loss($0, $1, temperature: temperature) }
      let factor = reasoning.contrast / (reasoning.reduction == .mean ? Double(steps) : 1)
      loss = recommendation + terms.dropFirst().reduce(terms[0], +) * Float(factor)
    }
  }

  func set(
    _ block: PackedHistories, on step: TrainingStep, popularity: ItemPopularity, seed: UInt64, number: Int
  ) throws {
    var last = (0..<asked.count).map { UInt32($0) }
    switch asked {
    case .rows(let seen, _): try step.set(seen, to: block.places.map { $0 + 1 })
    case .questions(let questions):
      try questions.set(block, on: step)
      last = last.map { Int($0) < block.sequences ? block.offsets[Int($0) + 1] - 1 : .max }
    }
    let asking = last.map { $0 == .max ? catalogueIgnore : block.targets[Int($0)] }
    try step.set(targets, to: (0..<targets.shape.count).map { asking[$0 % asked.count] })
    var draws = RandomStream(seed: seed, stream: SequenceStream.noise &+ UInt64(number))
    for noise in noise {
      let deviation = Float(reasoning.noise)
      try step.set(noise, to: draws.normals(noise.shape.count).map { $0 * deviation })
    }
    try contrast?.set(block, last: last, on: step, seed: seed, number: number)
  }
}

extension ReaRecConfiguration.Reasoning {
  /// τ_k = τ α^(K − k) (eq. 9).
  func temperature(ofState k: Int) -> Double {
    (k..<steps).reduce(temperature) { value, _ in value * decay }
  }

  /// What the cross-entropy of a state counts in PRL. A state so soft that its gradient vanishes is left out.
  func weight(ofState k: Int) -> Double {
    guard k < steps else { return 1 }
    let weight = reduction == .mean ? progressive / Double(steps) : progressive
    return weight / temperature(ofState: k) < 1e-6 ? 0 : weight
  }

  /// What the mean over ordered pairs of states is multiplied by.
  var pairs: Double { reduction == .mean ? 1 : Double((steps + 1) * steps / 2) }
}

extension ReaRecNetwork {
  func record(_ inputs: PackedInputs, rows: Int, on tape: Tape) -> any RecordedLoss {
    ReasoningLoss(self, inputs, rows: rows, on: tape)
  }
}
