import ArgumentParser
import DiffusionAlignment
import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PreferenceModels
import SequentialRecommenders

/// What a run was started with: `run.json`.
struct RunRecord: Codable {
  var system: String
  var data: String
  var dataChecksum: String
  var seed: UInt64
  var leaveOut: String?
  var embeddings: String?
  /// NAME=FILE of further test sets.
  var tests: [String]?
  /// Descriptions of items.
  var items: String?
  /// How pictures or points are read.
  var samples: SampleForm?
}

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a system on a file of preferences.",
    discussion: """
      Examples:
        penchant train bradley-terry --data pairs.jsonl --out run
        penchant train bradley-terry --data pairs.jsonl --out run --leave-out community
        penchant train bradley-terry --data pairs.jsonl --out run --head mlp --set optimizer.learning_rate=0.001
        penchant train bradley-terry --print-config > run.yaml
        penchant train bradley-terry --data pairs.jsonl --out run --config run.yaml
        penchant train bradley-terry --out run --resume
        penchant train prefpalette --data pairs.jsonl --out run
            what each community prefers and why: 19 attributes, learnt from rewrites by rules; run/report.html
        penchant train prefpalette --data train.jsonl --test next-year=2023.jsonl --out run --encoder MINILM
        penchant train prefpalette --data pairs.jsonl --out run --attributes norms --counterfactuals levels.jsonl
        penchant train prefpalette --data pairs.jsonl --out run --leave-out community
        penchant train lcpo --data pairs-with-logps.jsonl --out run
            which labels are wrong and who gives them: run/pairs.jsonl, cleaned.jsonl, annotators.tsv; penchant help labels
        penchant train bradley-terry --data pairs.jsonl --out run --robust lcpo
            trust labels as far as they and their "user" deserve; also prefpalette, and cdpo, rdpo, ropo, holder, …
        penchant train par --out run
            how far a shaped and a plain reward can be followed before they are hacked: run/report.html
        penchant train par --out run --set shaping.kind=minmax --set policy.algorithm=grpo --set policy.baseline=centre
        penchant train sasrec --data log.inter --items log.item --out run
            a recommender of the next item, beside popularity, Markov and item neighbours; run/report.html
        penchant train sasrec log.csv --out run --core 0 --split time --masked
        penchant train sasrec log.inter --items log.item --out run --set text.form=unisrec
            items made from their titles and texts, so that rare ones gain from common ones that read alike
        penchant train rearec log.inter --out run --set reasoning.bases=3
            thoughts before the catalogue is scored, beside bases without them, and what luck alone would gain
        penchant train diffusion --data digits.csv --size 8x8 --range 0,16 --out base
            a model that draws pictures like those of a folder of PNG files, MNIST files, a table, an array; or points
        penchant train inpo --data pairs.jsonl --model base --out aligned
            moved towards the preferred of pairs; --method dpo, sft, kto, smpo, mapo, d3po, ddpo stand beside it

      Ctrl-C finishes the step, saves, and prints the line that resumes; a second Ctrl-C stops at once.
      A resumed training has the same bits as one that was not interrupted.
      """)

  @Argument(help: "The system: \(System.names.joined(separator: ", ")).")
  var system: String

  @Argument(help: "The same as --data.")
  var file: String?

  @Option(
    help: "Preference pairs as JSON lines, or a log of interactions, plain or packed (penchant help data).")
  var data: String?

  @Option(name: [.customLong("out"), .customLong("output")], help: "The run directory to make.")
  var out: String?

  @Option(help: "A YAML file of settings; --print-config shows all of them.")
  var config: String?

  @Option(name: .customLong("set"), help: "One setting, as optimizer.learning_rate=0.001; may be repeated.")
  var settings: [String] = []

  @Option(help: "linear or mlp (model.head).")
  var head: String?

  @Option(help: "builtin, or the Hugging Face folder of a sentence encoder whose embeddings are added.")
  var encoder: String?

  @Option(help: "Embeddings made elsewhere, .npy or safetensors, two rows a pair.")
  var embeddings: String?

  @Option(
    help: ArgumentHelp(
      "How labels that may be wrong are treated (robust.method): \(RobustConfiguration.Method.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "method"))
  var robust: String?

  @Option(help: "Evaluate by leaving out one group after the other: community.")
  var leaveOut: String?

  @Option(help: "prefpalette: names with commas between them, norms, values, all, or a YAML file.")
  var attributes: String?

  @Option(
    help: "prefpalette: rewrites to learn attributes from (penchant synthesize); without, rules rewrite.")
  var counterfactuals: String?

  @Option(help: "prefpalette: judgements of people to learn attributes from: pairs with an \"attribute\".")
  var judgements: String?

  @Option(
    name: .customLong("test"), help: "prefpalette: more pairs to test on, as NAME=FILE; may be repeated.")
  var tests: [String] = []

  @Option(help: "What to do when a loss or gradient is not finite: stop, skip or report.")
  var onNonfinite: String?

  @Option(help: "Seed of splits, initial weights and batches.")
  var seed: UInt64?

  @Flag(help: "Continue the run in --out.")
  var resume = false

  @Flag(help: "Print the settings with every default, as YAML, and stop.")
  var printConfig = false

  @OptionGroup(title: "Recommenders") var log: LogOptions

  @OptionGroup(title: "Pictures and points") var pictures: SampleOptions

  @OptionGroup var common: CommonOptions

  /// What is trained on.
  var source: String? { data ?? file }

  func validate() throws {
    if let data, let file, data != file {
      throw ValidationError("--data \(data) and \(file) are two files; name one")
    }
  }

  func run() throws {
    let chosen = try System(named: system)
    try common.apply()
    switch chosen {
    case .bradleyTerry: try BradleyTerryTraining(options: self).run()
    case .prefPalette: try PrefPaletteTraining(options: self).run()
    case .lcpo: try LCPOTraining(options: self).run()
    case .diffusion: try DiffusionTraining(options: self).run()
    case .inpo: try AlignmentTraining(options: self).run()
    case .par: try PARTraining(options: self).run()
    case .recommender(let type): try train(type)
    }
  }

  /// Options for texts, which pictures have no use for, when they are given.
  var textual: [String] {
    [
      head.map { _ in "--head" }, encoder.map { _ in "--encoder" }, embeddings.map { _ in "--embeddings" },
      robust.map { _ in "--robust" }, leaveOut.map { _ in "--leave-out" },
      attributes.map { _ in "--attributes" },
      counterfactuals.map { _ in "--counterfactuals" }, judgements.map { _ in "--judgements" },
      tests.first.map { _ in "--test" },
    ].compactMap(\.self)
  }

  /// How the samples of this run are read: as the flags say, or as the run that is resumed did.
  func form() throws -> SampleForm {
    if resume, let out {
      let record = try JSON.decode(RunRecord.self, from: RunDirectory.open(out).read("run.json"))
      return record.samples ?? SampleForm()
    }
    return pictures.form ?? SampleForm()
  }

  private func train<Recommender: RecommenderConfiguration>(_ type: Recommender.Type) throws {
    try RecommenderTraining<Recommender>(options: self).run()
  }
}
