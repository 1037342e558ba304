/// `README.md` of a run: YAML front matter as model hubs read it, then what was trained, on what, and how well it does.
public struct ModelCard: Sendable {
  public var system: String
  public var summary: String
  public var data: String
  public var seed: UInt64
  public var metrics: [(name: String, value: Double)]
  public var resume: String
  public var notes: [String]

  public init(
    system: String, summary: String, data: String, seed: UInt64, metrics: [(name: String, value: Double)],
    resume: String = "", notes: [String] = []
  ) {
    self.system = system
    self.summary = summary
    self.data = data
    self.seed = seed
    self.metrics = metrics
    self.resume = resume
    self.notes = notes
  }

  public var markdown: String {
    let front = """
      ---
      library_name: penchant
      tags: [preference-learning, \(system)]
      metrics: [\(metrics.map { "\"\($0.name)\"" }.joined(separator: ", "))]
      ---
      """
    let table = metrics.map { "| \($0.name) | \(ProgressLine.number($0.value)) |" }.joined(separator: "\n")
    let more = notes.isEmpty ? "" : "\n## Notes\n\n" + notes.map { "- \($0)" }.joined(separator: "\n") + "\n"
    return """
      \(front)

      # \(system)

      \(summary)

      | | |
      |---|---|
      | data | `\(data)` |
      | seed | \(seed) |
      | made with | penchant \(RunEnvironment.version) |

      Every setting is in `config.yaml`, every measured value in `metrics.jsonl`, the machine in `environment.json`.

      ## Results

      | metric | value |
      |---|---:|
      \(table)
      \(more)
      """
  }
}
