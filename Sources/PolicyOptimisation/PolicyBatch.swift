import PenchantKernels

/// Answers that a policy drew, their tokens packed one behind the other.
public struct PolicyBatch<Rows> {
  /// What the networks read, one row a token.
  public var rows: Rows
  /// Answer *s* owns the tokens `offsets[s]..<offsets[s + 1]`.
  public var offsets: [UInt32]
  /// The tokens.
  public var ids: [UInt32]
  /// Log-probabilities under the policy that drew them, and under the reference policy.
  public var logProbabilities: [Float]
  public var reference: [Float]
  /// One reward an answer, as the policy is to be trained on it. Answers to one prompt lie side by side.
  public var rewards: [Float]

  public init(
    rows: Rows, offsets: [UInt32], ids: [UInt32], logProbabilities: [Float], reference: [Float],
    rewards: [Float]
  ) {
    self.rows = rows
    self.offsets = offsets
    self.ids = ids
    self.logProbabilities = logProbabilities
    self.reference = reference
    self.rewards = rewards
  }

  public var answers: Int { rewards.count }
  public var tokens: Int { ids.count }

  /// KL(π ‖ π_ref) of an answer in nats, estimated by the mean of log π − log π_ref of whole answers.
  public var divergence: Double {
    guard answers > 0 else { return 0 }
    let sum = zip(logProbabilities, reference).reduce(0.0) { $0 + Double($1.0) - Double($1.1) }
    return sum / Double(answers)
  }

  /// - Throws: `PolicyError.batch` for sizes that do not fit, an answer without a token, or a number that is
  ///   not finite.
  func check() throws(PolicyError) {
    guard offsets.count == answers + 1, offsets.first == 0, offsets.last == UInt32(exactly: tokens) else {
      throw .batch("\(offsets.count) offsets for \(answers) answers of \(tokens) tokens in all")
    }
    for s in 0..<answers where offsets[s + 1] <= offsets[s] {
      throw .batch("answer \(s) has no token; an empty answer still carries its end")
    }
    for (name, values) in [("log-probabilities", logProbabilities), ("reference", reference)] {
      guard values.count == tokens else { throw .batch("\(values.count) \(name) for \(tokens) tokens") }
      if let i = values.firstIndex(where: { !$0.isFinite }) {
        throw .batch("\(name): token \(i) has \(values[i])")
      }
    }
    if let i = rewards.firstIndex(where: { !$0.isFinite }) {
      throw .batch("the reward of answer \(i) is \(rewards[i])")
    }
  }
}

/// What policy optimisation refused.
public enum PolicyError: Error, Sendable, Equatable, CustomStringConvertible {
  case batch(String)

  public var description: String {
    switch self {
    case .batch(let detail): "policy batch: \(detail)"
    }
  }
}
