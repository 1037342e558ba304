import PenchantLanguage

/// What a synthesis did: what `penchant synthesize --json` prints.
public struct SynthesisSummary: Sendable, Codable {
  public var teacher: String
  public var out: String
  public var texts: Int
  public var attributes: [String]
  /// Rewrites wanted: texts × attributes × 5 levels.
  public var wanted = 0
  /// Of these, done by an earlier run.
  public var resumed = 0
  /// Done by this run.
  public var written = 0
  /// Without a usable rewrite after all tries, by reason, earlier runs counted.
  public var refused: [String: Int] = [:]
  /// Asked in this run without any answer; the next run asks them again.
  public var unanswered = 0
  public var usage = Usage()
  public var interrupted = false
  public var seconds = 0.0

  /// What is still to be done.
  public var left: Int { wanted - resumed - written - refused.values.reduce(0, +) }
}
