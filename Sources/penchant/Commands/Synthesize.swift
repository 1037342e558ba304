import ArgumentParser
import Foundation
import PenchantData
import PenchantLanguage
import PenchantTrain
import PreferenceModels

struct Synthesize: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "synthesize",
    abstract: "Rewrite texts at five levels of attributes, to train attribute heads on.",
    discussion: """
      Every text is written anew at level 1 (the low pole) to 5 (the high pole) of every attribute, all else as it was. Heads
      that learn from such pairs can tell how formal, sarcastic or supportive any text is.

      Examples:
        penchant synthesize --data pairs.jsonl --out counterfactuals.jsonl --comments 100
            rules rewrite: offline, free, in seconds; what is learnt from them is mostly words
        penchant synthesize --data pairs.jsonl --out counterfactuals.jsonl --attributes politeness,sarcasm \\
            --llm http://127.0.0.1:8080 --model NAME --llm-record answers.jsonl
            a language model rewrites: any server with OpenAI's chat completions
        penchant synthesize … --llm replay:answers.jsonl
            the same file again without a network

      The key of the endpoint is read from PENCHANT_API_KEY or OPENAI_API_KEY and shown nowhere. The number of calls stands on
      the screen before the first is made: texts × attributes × 5, up to three times that when answers are no use.

      Ctrl-C finishes the requests under way, saves and ends with 3; the same command continues and asks nothing twice. A text
      that the model declines, or whose rewrite fails a quality gate three times, is recorded with the reason and left alone
      until --retry-refused. Busy servers (429, 5xx) and timeouts are waited for; a wrong key or address ends the run.

      --attributes takes names of the nineteen (formality, Tradition, …), norms, values, all, or a YAML file of your own.
      """)

  @Option(help: "Preference pairs, JSON lines: their texts are rewritten (penchant help data).")
  var data: String

  @Option(help: "The file to write, or to continue: JSON lines, a text a line.")
  var out: String

  @Option(help: "Names with commas between them, norms, values, all, or a YAML file.")
  var attributes = "all"

  @Option(help: "Texts of each community, drawn; all of them unless given.")
  var comments: Int?

  @OptionGroup(title: "Language model") var language: LanguageOptions

  @Option(help: "The Hugging Face folder of a sentence encoder: refuse rewrites that say something else.")
  var encoder: String?

  @Flag(help: "Ask the language model afterwards whether the rewrites stand in the right order.")
  var verify = false

  @Option(help: "Pairs of levels that --verify looks at, of each attribute; 8 calls a pair.")
  var verifyPairs = 20

  @Flag(help: "Ask again what was refused before.")
  var retryRefused = false

  @Option(help: "Seed of the drawn texts and of the rewrites.")
  var seed: UInt64 = 0

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let comments, comments < 1 { throw ValidationError("--comments must be 1 or more, found \(comments)") }
    if verifyPairs < 1 { throw ValidationError("--verify-pairs must be 1 or more, found \(verifyPairs)") }
    if verify, language.llm == nil { throw ValidationError("--verify asks a language model: give --llm URL") }
  }

  private struct Report: Encodable {
    var synthesis: SynthesisSummary
    var verification: [Verification] = []
  }
  private struct Verification: Encodable {
    var attribute: String
    var judge: String
    var pairs: Int
    var accuracy: Double
    var positionBias: Double
    var unanswered: Int
  }

  func run() throws {
    try common.apply()
    let progress = common.progress
    let chosen = try Attribute.listed(attributes)
    let pairs = try readPairs(data)
    let texts = try SourceText.texts(of: pairs, perCommunity: comments, seed: seed)
    guard !texts.isEmpty else {
      throw DataError(file: data, "no text in it to rewrite", repair: "see: penchant help data")
    }
    let gate = QualityGate(encoder: try encoder.map(openEncoder))
    let model = try language.open(progress)
    Interrupt.install()
    var job = SynthesisJob(
      model.map { EndpointRewriter($0, gate: gate) } ?? GatedRewriter(RuleRewriter(), gate: gate),
      attributes: chosen)
    job.callsPerRewrite = model == nil ? 0 : EndpointRewriter.defaultTries
    job.concurrency = language.concurrency
    job.seed = seed
    job.retryRefused = retryRefused
    let (settled, path) = (job, out)
    var report = Report(synthesis: try waiting { try await settled.run(texts, to: path, progress: progress) })
    if verify, let model, !report.synthesis.interrupted {
      report.verification = try verification(by: model, chosen, progress)
    }
    if common.json { try showJSON(report) } else { try show(text(report)) }
    if report.synthesis.interrupted {
      progress.warn("stopped; \(report.synthesis.left) rewrites are left. The same command continues.")
      throw ExitStatus.interrupted
    }
    if report.synthesis.unanswered > 0 {
      Main.complain(
        "\(report.synthesis.unanswered) rewrites got no answer\n  the same command asks for them again, and for nothing else"
      )
      throw ExitStatus.failed
    }
  }

  private func verification(
    by model: any LanguageModel, _ attributes: [Attribute], _ progress: ProgressLine
  ) throws -> [Verification] {
    let counterfactuals = Counterfactuals(records: try CounterfactualRecord.read(out), attributes: attributes)
    var job = VerificationJob(EndpointVerifier(model))
    job.pairsPerAttribute = verifyPairs
    job.concurrency = language.concurrency
    job.seed = seed
    progress.note("verification: at most \(job.calls(attributes.count)) calls of \(model.name)")
    let settled = job
    return try waiting { try await settled.run(counterfactuals, progress: progress) }.map {
      Verification(
        attribute: $0.attribute, judge: $0.judge, pairs: $0.pairs, accuracy: $0.score,
        positionBias: $0.positionBias,
        unanswered: $0.unanswered)
    }
  }

  private func text(_ report: Report) -> String {
    let found = report.synthesis
    var rows = [
      ["teacher", found.teacher], ["texts", "\(found.texts)"], ["attributes", "\(found.attributes.count)"],
      ["rewrites", "\(found.resumed + found.written) of \(found.wanted)"],
    ]
    if found.resumed > 0 { rows.append(["of these from before", "\(found.resumed)"]) }
    for (reason, count) in found.refused.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      rows.append(["refused: \(reason)", "\(count)"])
    }
    if found.usage.requests > 0 {
      rows.append(["requests", "\(found.usage.requests)"])
      rows.append(["of these again", "\(found.usage.retries)"])
    }
    if found.usage.totalTokens > 0 {
      rows.append(["tokens read", "\(found.usage.promptTokens)"])
      rows.append(["tokens written", "\(found.usage.completionTokens)"])
    }
    rows.append(["seconds", decimal(found.seconds, 1)])
    var parts = [aligned(rows)]
    if !report.verification.isEmpty {
      parts.append(
        aligned(
          [["verified by \(report.verification[0].judge)", "pairs", "right", "order bias", "no answer"]]
            + report.verification.map {
              [
                $0.attribute, "\($0.pairs)", decimal($0.accuracy), decimal($0.positionBias),
                "\($0.unanswered)",
              ]
            }))
    }
    return parts.joined(separator: "\n\n") + "\n\n\(found.out)"
  }
}
