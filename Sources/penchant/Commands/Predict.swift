import ArgumentParser
import DiffusionAlignment
import Foundation
import PenchantData
import PenchantTrain
import PreferenceModels
import SequentialRecommenders

struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Score texts or pairs, recommend items: one JSON line in, one out.",
    discussion: """
      Examples:
        penchant predict run --data new.jsonl > scored.jsonl
        echo '{"text": "Because it is cheap."}' | penchant predict run --data -
        echo '{"chosen": "Because it is cheap.", "rejected": "no"}' | penchant predict run --data -

      A line with "text" (and perhaps "prompt") gets {"score"}; a line with "chosen" and "rejected" gets {"probability"} that
      the first is preferred, and both scores. An "id" is repeated. Only differences of scores mean something.

      A prefpalette run also reads "community" and says why: "content" and the "contributions" of the attributes add up to the
      "utility" of a text, or to the "margin" of a pair, in log-odds. A community that it does not know counts as the mean of
      those that it knows ("community_known": false); --adapt teaches it from a few pairs:
        penchant predict run --data new.jsonl --adapt first-pairs.jsonl

      An lcpo run reads what it was trained on, log-probabilities, a margin or two texts, with "annotator", and answers with the
      "weight" of the label, the probability that it is right, and its "flip_probability":
        penchant predict run --data pairs-with-logps.jsonl > weighted.jsonl

      An inpo run reads pairs of pictures or points (penchant help pictures) and answers with the "margin" of the model's own
      reward, above 0 where it prefers the "winner":
        penchant predict aligned --data pairs.jsonl

      A par run shapes rewards of any reward model as its training did, a line at a time; without a run, penchant predict par
      does it with the options below. A line has a "reward", and "references", rewards of reference answers to the same prompt
      (or "prompt_id" and --references FILE); the answer has "shaped":
        echo '{"reward": 2.0, "references": [0.5, 1.0, -0.3]}' | penchant predict par --data -
        penchant predict par --shaping minmax --data rollouts.jsonl

      A run of a recommender reads {"history": ["a", "b"]}, {"user": "u"} or ["a", "b"], with "exclude", "top" and "id" if wanted,
      and answers with "items", best first. Items that it does not know are left out of the history and named in "unknown";
      without a known item the most popular ones are answered ("basis": "popularity"):
        echo '{"history": ["i17", "i4"]}' | penchant predict run --data - --top 5
      A "session" keeps its history from line to line, and what it has computed of it: begin it with a "history" or a "user", or
      empty, and "append" an item or a list of them:
        {"session": "s1", "history": ["i17"]}
        {"session": "s1", "append": "i4"}
      """)

  @Argument(help: ArgumentHelp("The run directory.", valueName: "run"))
  var folder: String

  @Option(help: "JSON lines; - is standard input.")
  var data: String

  @Option(help: "prefpalette: pairs of communities that the model does not know yet.")
  var adapt: String?

  @OptionGroup var list: ListOptions

  @OptionGroup(title: "Pictures and points") var pictures: SampleOptions

  @OptionGroup(title: "Rewards") var shaping: ShapingOptions

  @OptionGroup var common: CommonOptions

  private struct Line: Decodable {
    var id: String?
    var prompt: String?
    var text: String?
    var community: String?
    enum CodingKeys: CodingKey { case id, prompt, text, community }
    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      id =
        (try? values.decodeIfPresent(String.self, forKey: .id))
        ?? (try? values.decodeIfPresent(Int.self, forKey: .id)).map { "\($0)" }
      prompt = try? values.decodeIfPresent(String.self, forKey: .prompt)
      text = try? values.decodeIfPresent(String.self, forKey: .text)
      community = try? values.decodeIfPresent(String.self, forKey: .community)
    }
  }

  private struct Answer: Encodable {
    var id: String?
    var score: Double?
    var probability: Double?
    var chosenScore: Double?
    var rejectedScore: Double?
    var utility: Double?
    var margin: Double?
    var content: Double?
    var contributions: [String: Double]?
    var communityKnown: Bool?
    enum CodingKeys: String, CodingKey {
      case id, score, probability, utility, margin, content, contributions
      case chosenScore = "score_chosen"
      case rejectedScore = "score_rejected"
      case communityKnown = "community_known"
    }
  }

  func run() throws {
    try common.apply()
    // The name of the system, where no run has it, is shaping by the options alone.
    if folder == System.par.name, (try? RunDirectory.open(folder)) == nil {
      if adapt != nil { throw ConfigurationError("--adapt means nothing for \(folder)") }
      try list.refuse(for: folder)
      return try shapeLines(shaping.stream(of: nil))
    }
    let model = try TrainedModel(folder).adapted(to: adapt)
    if !System.isRecommender(model.system) { try list.refuse(for: model.system) }
    if case .diffusion = model {} else { try pictures.refuse(for: model.system) }
    if model.system != System.par.name { try shaping.refuse(for: model.system) }
    switch model {
    case .bradleyTerry(let model): try eachLine { try answer($0, $1, line: $2, model) }
    case .prefPalette(let model): try eachLine { try answer($0, $1, line: $2, model) }
    case .par(let model): try shapeLines(shaping.stream(of: model))
    case .diffusion(let model, let run):
      try DiffusionPrediction(model: model, run: run, data: data, form: pictures.form ?? SampleForm())
        .answer()
    case .lcpo(let model): try answerLines { try LabelAnswer($0, file: data, line: $1, model) }
    case .recommender(let model, _):
      let answers = RecommenderAnswers(
        recommender: try model.recommender(), shelf: HistoryShelf(run: folder), options: list)
      answers.warnOfExclusions(common.progress)
      try answerLines { text, line in
        try answers.answer(
          RecommenderAnswers.question(text, file: data, line: line), file: data, line: line)
      }
    }
  }

  private func eachLine(_ answer: (String, Line?, Int) throws -> Answer) throws {
    try answerLines { text, line in
      let fields = try? JSONDecoder().decode(Line.self, from: Data(text.utf8))
      var answer = try answer(text, fields, line)
      answer.id = fields?.id
      return answer
    }
  }

  /// Writes what becomes of every reward.
  private func shapeLines(_ stream: ShapingStream) throws {
    var stream = stream
    var reader = try ScoredReader(data)
    while let answer = try reader.next() {
      try showJSON(stream.shape(answer, file: data), pretty: false)
    }
  }

  /// Writes the answer to every line that holds something.
  private func answerLines(_ answer: (String, Int) throws -> some Encodable) throws {
    var reader = try LineReader(data)
    while let text = try reader.next() {
      guard text.contains(where: { !$0.isWhitespace }) else { continue }
      try showJSON(answer(text, reader.number), pretty: false)
    }
  }

  /// A line as a pair, in all the forms of pairs, or the message for what is neither pair nor text.
  private func pair(_ text: String, line: Int) throws(DataError) -> PreferencePair {
    do {
      let reader = PairReader(bytes: Array(text.utf8), name: data)
      return try reader.pairs()[0]
    } catch {
      var error = error
      error.line = line
      throw error
    }
  }

  private func answer(_ text: String, _ fields: Line?, line: Int, _ model: FittedBradleyTerry) throws
    -> Answer
  {
    if let fields, let response = fields.text {
      let scored = model.configuration.features.scored(fields.prompt ?? "", response)
      return Answer(score: try model.score([scored])[0])
    }
    let table = model.table([try pair(text, line: line)])
    let scores = try model.score(table.texts)
    let (chosen, rejected) = (scores[table.chosen[0]], scores[table.rejected[0]])
    return Answer(
      probability: sigmoid(chosen - rejected), chosenScore: chosen, rejectedScore: rejected)
  }

  private func answer(_ text: String, _ fields: Line?, line: Int, _ model: FittedTextPalette) throws -> Answer
  {
    let pair = fields?.text == nil ? try pair(text, line: line) : nil
    let community = pair?.community ?? fields?.community ?? ""
    let isKnown = model.communities.isEmpty || model.communities.contains(community)
    let model = try model.knowing([community])
    let names = model.attributes.map(\.name)
    var answer: Answer
    if let pair {
      let why = try model.explain(pair, community: community)
      answer = Answer(probability: why.probability, margin: why.margin, content: why.content)
      answer.contributions = Dictionary(uniqueKeysWithValues: why.terms.map { ($0.attribute, $0.change) })
    } else {
      let context = fields?.prompt ?? ""
      let found = try model.predict([fields?.text ?? ""], contexts: [context], community: community)
      let utility = Double(found.utility[0])
      let contributions = found.kappa.map(Double.init)
      answer = Answer(utility: utility, content: utility - contributions.reduce(0, +))
      answer.contributions = Dictionary(uniqueKeysWithValues: zip(names, contributions))
    }
    answer.communityKnown = isKnown ? nil : false
    return answer
  }
}
