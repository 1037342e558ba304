import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PreferenceModels

/// The demonstration: corpus, models, result, report.
struct DemoJob {
  let out: String
  let pairs: Int
  let seed: UInt64
  let progress: ProgressLine

  func run() throws -> RunResult {
    let started = ProgressLine.clock()
    let drawn = DemoCorpus(seed: seed, pairsPerCommunity: pairs).drawn()
    try SystemFiles().remove(out + "/checkpoints")
    for name in ["config.yaml", "metrics.jsonl"] { try SystemFiles().remove("\(out)/\(name)") }
    let run = try RunDirectory.create(out)
    let data = run.file("pairs.jsonl")
    try run.write("pairs.jsonl", drawn.map { "\($0.pair.json)\n" }.joined())

    let table = PairTable(drawn.map(\.pair))
    let groups = table.community.map { table.communities[$0] }
    var configuration = BradleyTerryConfiguration()
    configuration.data.test = 0.2
    let linear = try BradleyTerry(configuration, seed: seed)
    let split = try linear.split(table)
    let tested = split.test.map { groups[$0] }
    func model(_ name: String, _ margins: [Double], _ seconds: Double = 0, chances: Bool = true)
      -> RunResult.Model
    {
      RunResult.Model(
        name: name, margins: margins, groups: tested, seconds: seconds, seed: seed, chances: chances)
    }
    func margins(_ scores: [Double]) -> [Double] {
      split.test.map { scores[table.chosen[$0]] - scores[table.rejected[$0]] }
    }

    var models: [RunResult.Model] = []
    progress.note("\(table.count) pairs, \(split.train.count) to train on, \(split.test.count) to test")
    var clock = ProgressLine.clock()
    func lap() -> Double {
      defer { clock = ProgressLine.clock() }
      return ProgressLine.clock() - clock
    }
    let fit = try linear.fit(to: table, train: split.train)
    models.append(model("linear", margins(fit.scores), lap()))

    var deeper = configuration
    deeper.model.head = .mlp
    deeper.run.epochs = 12
    deeper.run.validateEvery = 15
    let trainer = Trainer(deeper.run, run: run, progress: progress)
    let network = try BradleyTerry(deeper, seed: seed).fit(to: table, train: split.train, trainer: trainer)
    if network.ending == .interrupted { throw ExitStatus.interrupted }
    models.append(model("mlp", margins(network.scores), lap()))

    // One model a community: what a model can gain that knows who is asking.
    var own = [Double](repeating: 0, count: table.count)
    for community in table.communities.indices {
      let train = split.train.filter { table.community[$0] == community }
      let test = split.test.filter { table.community[$0] == community }
      let smaller = PairTable((train + test).map { drawn[$0].pair })
      let scores = try linear.fit(to: smaller, train: Array(train.indices)).scores
      for (place, pair) in test.enumerated() {
        own[pair] =
          scores[smaller.chosen[train.count + place]] - scores[smaller.rejected[train.count + place]]
      }
    }
    models.append(model("linear, one a community", split.test.map { own[$0] }, lap()))
    let planted = split.test.map { drawn[$0].difference }
    models.append(model("the planted tastes", planted))
    let lengths = BradleyTerry.lengthMargins(table)
    models.append(model("longer text", split.test.map { lengths[$0] }, chances: false))

    try run.write("config.yaml", ConfigurationLayers<BradleyTerryConfiguration>.text(configuration))
    try run.write("environment.json", json: RunEnvironment.current())
    try run.write("model.safetensors", bytes: fit.model.bytes())
    let result = RunResult(
      system: FittedBradleyTerry.system, data: data, seed: seed, threads: Team.size,
      seconds: ProgressLine.clock() - started,
      pairs: table.count, evaluation: split.name, models: models,
      fingerprint: XXHash64.hex(margins(fit.scores)))
    try run.write("result.json", json: result)
    try ReportWriter(run: run, result: result).write()
    return result
  }
}
