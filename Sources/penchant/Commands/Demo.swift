import ArgumentParser
import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PreferenceModels
import SequentialRecommenders

struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "A small corpus, trained models, a table and a report, in about a minute.",
    discussion: """
      Writes comparisons of short answers by six communities with known tastes (docs/demo-corpus.md), trains models on them,
      compares them with the best that is possible, and writes report.html.

      Examples:
        penchant demo                       a score for every text
        penchant demo prefpalette           what each community cares about, beside the tastes that were planted
        penchant demo lcpo                  labels of careful, careless and contrary annotators, and who is found out
        penchant demo inpo                  points of a diffusion model, moved to where they are preferred
        penchant demo par                   a policy that is trained on a plain and on a shaped reward, until one is hacked
        penchant demo sasrec                the next item of 2000 histories whose law is known, beside the best that is possible
      """)

  @Argument(help: "The system: \(System.names.joined(separator: ", ")).")
  var system = System.bradleyTerry.name

  @Option(help: "The directory to write.")
  var out = "penchant-demo"

  @Option(help: "Pairs of each community.")
  var pairs = 600

  @Option(help: "Seed of corpus and training.")
  var seed: UInt64 = 7

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if !(20...1_000_000).contains(pairs) {
      throw ValidationError("--pairs must be 20 to 1000000, found \(pairs)")
    }
  }

  func run() throws {
    let chosen = try System(named: system)
    try common.apply()
    Interrupt.install()
    switch chosen {
    case .bradleyTerry: try demonstrateBradleyTerry()
    case .prefPalette:
      try PaletteDemo(
        out: out, pairs: pairs, seed: seed, progress: common.progress, json: common.json
      ).run()
    case .lcpo:
      try LCPODemo(out: out, pairs: pairs, seed: seed, progress: common.progress, json: common.json).run()
    case .diffusion, .inpo:
      try AlignmentDemo(
        out: out, pairs: max(pairs, 4096), seed: seed, progress: common.progress, json: common.json
      ).run()
    case .par: try PARDemo(out: out, seed: seed, progress: common.progress, json: common.json).run()
    case .recommender(let type): try demonstrate(type)
    }
  }

  private func demonstrate<Recommender: RecommenderConfiguration>(_ type: Recommender.Type) throws {
    try RecommenderDemo<Recommender>(out: out, seed: seed, progress: common.progress, json: common.json).run()
  }

  private func demonstrateBradleyTerry() throws {
    let result = try DemoJob(out: out, pairs: pairs, seed: seed, progress: common.progress).run()
    if common.json { return try showJSON(result) }
    try show(summary(result))
    if let first = result.models.first { try show("\n" + groupTable(first)) }
    try show(
      """

      \(out)/report.html     charts and tables
      \(out)/pairs.jsonl     the comparisons
      next: penchant predict \(out) --data \(out)/pairs.jsonl | head -3
      """)
  }
}
