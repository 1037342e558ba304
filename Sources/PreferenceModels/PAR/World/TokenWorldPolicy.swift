import PenchantKernels
import PenchantTape
import PolicyOptimisation

/// The policy of the token world: a small network over prefixes that may not end an answer before it began.
struct TokenWorldPolicy: TokenNetwork, Sendable {
  private let network: FeatureNetwork
  var outputs: Int { TokenWorld.classes }

  init(in layout: inout ParameterLayout) {
    network = FeatureNetwork(
      [TokenWorld.features, 32, 32, TokenWorld.classes], activation: .tanh, lastScale: 0.01, named: "policy",
      in: &layout)
  }

  static func make(seed: UInt64) throws(TapeError) -> (network: TokenWorldPolicy, store: ParameterStore) {
    var layout = ParameterLayout()
    let policy = TokenWorldPolicy(in: &layout)
    let store = try ParameterStore(layout, seed: seed)
    try policy.network.zeroBiases(in: store)
    return (policy, store)
  }

  func record(_ count: Int, on tape: Tape) -> (output: Tensor, inputs: Tensor) {
    let (logits, features) = network.record(count, on: tape)
    // Where nothing came before, the end has a logit that no softmax brings back.
    let isFirst = features.slice(axis: 1, from: TokenWorld.width + TokenWorld.begin, count: 1)
    var forbidden = [Float](repeating: 0, count: TokenWorld.classes)
    forbidden[Int(TokenWorld.end)] = -1e9
    return (logits + isFirst.linear(tape.constant(forbidden, [TokenWorld.classes, 1])), features)
  }

  func feed(_ rows: FeatureRows, to inputs: Tensor, count: Int, of program: some Executing) throws(TapeError)
  {
    try network.feed(rows, to: inputs, count: count, of: program)
  }
}

extension TokenRunner where Network == TokenWorldPolicy {
  /// Draws an answer to every prompt, with the log-probabilities of its tokens.
  func draw(
    _ prompts: [UInt32], in world: TokenWorld, seed: UInt64, stream: UInt64
  ) throws -> (answers: TokenAnswers, logProbabilities: [Float]) {
    let n = prompts.count
    var draws = RandomStream(seed: seed, stream: stream)
    var prefixes = prompts.map { TokenWorld.Prefix(world, $0) }
    var tokens = [[UInt32]](repeating: [], count: n)
    var found = [[Float]](repeating: [], count: n)
    var open = Array(0..<n)
    var rows = FeatureRows(width: TokenWorld.features)
    var drawn = [UInt32](repeating: 0, count: n)
    var logs = [Float](repeating: 0, count: n)
    for t in 0..<TokenWorld.longest where !open.isEmpty {
      // Answers that have ended cost nothing; a draw belongs to its answer and time whoever else is still
      // open.
      rows.values = [Float](repeating: 0, count: open.count * TokenWorld.features)
      for (row, s) in open.enumerated() { prefixes[s].write(to: &rows.values, at: row * TokenWorld.features) }
      let logits = try outputs(of: rows, count: open.count)
      var all = [Float](repeating: 0, count: n * TokenWorld.classes)
      for (row, s) in open.enumerated() {
        for k in 0..<TokenWorld.classes {
          all[s * TokenWorld.classes + k] = logits[row * TokenWorld.classes + k]
        }
      }
      draws.next = UInt64(t * n)
      do {
        var ids = drawn.mutableSpan
        var l = logs.mutableSpan
        try draws.tokens(
          logits: all.span, classes: TokenWorld.classes, into: &ids, logProbabilities: &l)
      }
      for s in open {
        tokens[s].append(drawn[s])
        found[s].append(logs[s])
        prefixes[s].append(drawn[s])
      }
      open.removeAll { drawn[$0] == TokenWorld.end }
    }
    var answers = TokenAnswers()
    for s in 0..<n { answers.append(tokens[s], to: prompts[s]) }
    return (answers, found.flatMap { $0 })
  }
}
