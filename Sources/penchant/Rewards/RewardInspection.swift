import PenchantData
import PreferenceModels

/// `penchant inspect` of rewards: what `penchant predict par` reads.
struct RewardInspection {
  let file: String
  /// How many wrong lines are shown.
  let errors: Int
  let json: Bool

  private struct Findings: Encodable {
    var file: String
    var answers = 0
    var wrongLines = 0
    var withReferences = 0
    var withPrompt = 0
    var withLength = 0
    /// Fewest and most references of a line that has some.
    var references: [Int] = []
    var rewards: [Double] = []
    /// Mean of the rewards and of the references.
    var meanReward = 0.0
    var meanReference = 0.0
    /// Lines whose reward lies 4 or more above the mean of their references: there PAR hardly grows any more.
    var saturated = 0
  }

  /// Whether the first record has a reward and no pair.
  static func isRewards(_ file: String) throws(DataError) -> Bool {
    guard file != "-" else { return false }
    var reader = try LineReader(file)
    while let text = try reader.next() {
      guard text.contains(where: { !$0.isWhitespace }) else { continue }
      guard let object = (try? JSONValue(parsing: text))?.object else { return false }
      return object.keys.contains("reward") && !object.keys.contains("chosen")
    }
    return false
  }

  func run() throws {
    var reader = try ScoredReader(file)
    var found = Findings(file: file)
    var shown: [DataError] = []
    var last = -1
    var (references, sum, all) = (0, 0.0, 0.0)
    while true {
      do throws(DataError) {
        guard let answer = try reader.next() else { break }
        found.answers += 1
        let reward = Double(answer.reward)
        all += reward
        found.rewards =
          found.rewards.isEmpty
          ? [reward, reward] : [min(found.rewards[0], reward), max(found.rewards[1], reward)]
        if answer.prompt != nil { found.withPrompt += 1 }
        if answer.length != nil { found.withLength += 1 }
        let count = answer.references.count
        guard count > 0 else { continue }
        found.withReferences += 1
        found.references =
          found.references.isEmpty
          ? [count, count] : [min(found.references[0], count), max(found.references[1], count)]
        let own = answer.references.reduce(0.0) { $0 + Double($1) }
        (references, sum) = (references + count, sum + own)
        if reward - own / Double(count) >= 4 { found.saturated += 1 }
      } catch {
        found.wrongLines += 1
        if shown.count < errors { shown.append(error) }
        // What is wrong with the file as a whole does not go away at the next line.
        if error.line == nil || error.line == last { break }
        last = error.line ?? -1
      }
    }
    found.meanReward = found.answers > 0 ? all / Double(found.answers) : 0
    found.meanReference = references > 0 ? sum / Double(references) : 0
    if json { try showJSON(found) } else { try show(text(found)) }
    for error in shown { Main.complain("\(error)") }
    if found.wrongLines > shown.count {
      Main.complain("and \(found.wrongLines - shown.count) more wrong lines")
    }
    if found.wrongLines > 0 { throw ExitStatus.badData }
  }

  private func text(_ found: Findings) -> String {
    func range(_ values: [some Any]) -> String { values.map { "\($0)" }.joined(separator: " to ") }
    return aligned([
      ["answers", "\(found.answers)"], ["wrong lines", "\(found.wrongLines)"],
      ["with references", "\(found.withReferences)"], ["with prompt_id", "\(found.withPrompt)"],
      ["with length", "\(found.withLength)"], ["references a line", range(found.references)],
      ["rewards", range(found.rewards)], ["mean reward", decimal(found.meanReward)],
      ["mean reference", decimal(found.meanReference)],
      ["4 or more above their references", "\(found.saturated)"],
    ])
  }
}
