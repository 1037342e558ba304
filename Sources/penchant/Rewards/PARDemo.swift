import PenchantTrain
import PreferenceModels

/// `penchant demo par`: the same policy on a plain and on a shaped reward, and what becomes of both.
struct PARDemo {
  let out: String
  let seed: UInt64
  let progress: ProgressLine
  let json: Bool

  func run() throws {
    for name in ["config.yaml", "metrics.jsonl", "checkpoints", "peers"] {
      try SystemFiles().remove("\(out)/\(name)")
    }
    let run = try RunDirectory.create(out)
    var configuration = PARConfiguration()
    configuration.run.steps = 660
    configuration.bench.compare = ["vanilla"]
    configuration.bench.penalties = []
    try run.write("config.yaml", ConfigurationLayers<PARConfiguration>.text(configuration))
    try run.write("environment.json", json: RunEnvironment.current())
    guard let found = try PAR(configuration, seed: seed).study(run: run, progress: progress) else {
      throw ExitStatus.interrupted
    }
    let writer = PARRunWriter(run: run, result: found.result)
    try writer.write(found.model)
    if json { return try showJSON(found.result) }
    try show(writer.text)
    try show(
      "next: echo '{\"reward\": 2.0, \"references\": [0.5, 1.0, -0.3]}' | penchant predict par --data -")
  }
}
