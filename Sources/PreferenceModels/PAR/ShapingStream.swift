import PenchantData
import PenchantKernels
import PenchantTrain

/// Shapes rewards as they come, one answer after the other: what stands between any reward model and any
/// training loop.
public struct ShapingStream: Sendable {
  public private(set) var moments: RewardMoments
  public let shaping: RewardShaping
  private let table: [String: [Float]]

  /// What became of an answer.
  public struct Answer: Codable, Sendable, Equatable {
    public var id: String?
    public var promptID: String?
    public var reward: Float
    public var shaped: Float
    enum CodingKeys: String, CodingKey {
      case id, reward, shaped
      case promptID = "prompt_id"
    }
  }

  /// - Parameters:
  ///   - table: rewards of reference answers by `prompt_id`, for lines that bring none.
  ///   - moments: of rewards that came before.
  /// - Throws: `ConfigurationError`.
  public init(
    _ shaping: RewardShaping, table: [String: [Float]] = [:], moments: RewardMoments = RewardMoments()
  ) throws {
    try shaping.validate("shaping")
    self.shaping = shaping
    self.table = table
    self.moments = moments
  }

  /// - Throws: `DataError` naming file, line and field when the references or the length are missing that the
  ///   shaping reads.
  public mutating func shape(_ answer: ScoredAnswer, file: String) throws -> Answer {
    func missing(_ field: String, _ needs: String, _ repair: String) -> DataError {
      DataError(
        file: file, line: answer.line, field: field, "\"\(field)\" is missing",
        expected: "\(shaping.kind.rawValue) needs \(needs)", repair: repair)
    }
    var references: ReferenceRewards?
    if shaping.kind.readsReferences {
      var rewards = answer.references
      if rewards.isEmpty, let prompt = answer.prompt {
        guard let known = table[prompt] else {
          throw DataError(
            file: file, line: answer.line, field: "prompt_id",
            "there are no references for prompt \"\(clipped(prompt, 40))\"",
            expected: "the line brings \"references\", or the table of references has the prompt",
            found: "the table has \(table.count) prompts", repair: "see: penchant help data")
        }
        rewards = known
      }
      guard !rewards.isEmpty else {
        throw missing(
          "references", "rewards of reference answers to the same prompt",
          "add \"references\": [reward, …], or \"prompt_id\" and a table of references")
      }
      if shaping.kind == .lsc, rewards.count < 2 {
        throw DataError(
          file: file, line: answer.line, field: "references", "\"references\" holds one reward",
          expected: "lsc needs two or more: one reference has no deviation",
          repair: "bring more references, or choose par, which needs one")
      }
      references = try ReferenceRewards(rewards, perPrompt: rewards.count)
    }
    if shaping.lengthLimit > 0, answer.length == nil {
      throw missing("length", "the tokens of the answer, since length costs", "add \"length\": tokens")
    }
    var shaper = try RewardShaper(shaping, references: references, moments: moments)
    let shaped = try shaper.shape([answer.reward], lengths: answer.length.map { [$0] })
    moments = shaper.moments
    return Answer(id: answer.id, promptID: answer.prompt, reward: answer.reward, shaped: shaped[0])
  }
}
