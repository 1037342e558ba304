import ArgumentParser
import Foundation
import PenchantData
import PenchantTrain
import PreferenceModels

struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Score texts or pairs: one JSON line in, one out.",
    discussion: """
      Examples:
        penchant predict run --data new.jsonl > scored.jsonl
        echo '{"text": "Because it is cheap."}' | penchant predict run --data -
        echo '{"chosen": "Because it is cheap.", "rejected": "no"}' | penchant predict run --data -

      A line with "text" (and perhaps "prompt") gets {"score"}; a line with "chosen" and "rejected" gets {"probability"} that
      the first is preferred, and both scores. An "id" is repeated. Only differences of scores mean something.
      """)

  @Argument(help: ArgumentHelp("The run directory.", valueName: "run"))
  var folder: String

  @Option(help: "JSON lines; - is standard input.")
  var data: String

  @OptionGroup var common: CommonOptions

  private struct Line: Decodable {
    var id: String?
    var prompt: String?
    var text: String?
    enum CodingKeys: CodingKey { case id, prompt, text }
    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      id =
        (try? values.decodeIfPresent(String.self, forKey: .id))
        ?? (try? values.decodeIfPresent(Int.self, forKey: .id)).map { "\($0)" }
      prompt = try? values.decodeIfPresent(String.self, forKey: .prompt)
      text = try? values.decodeIfPresent(String.self, forKey: .text)
    }
  }

  private struct Answer: Encodable {
    var id: String?
    var score: Double?
    var probability: Double?
    var chosenScore: Double?
    var rejectedScore: Double?
    enum CodingKeys: String, CodingKey {
      case id, score, probability
      case chosenScore = "score_chosen"
      case rejectedScore = "score_rejected"
    }
  }

  func run() throws {
    try common.apply()
    let model = try loadModel(folder)
    var reader = try LineReader(data)
    while let text = try reader.next() {
      guard text.contains(where: { !$0.isWhitespace }) else { continue }
      let answer = try self.answer(text, line: reader.number, model)
      FileHandle.standardOutput.write(try JSON.encode(answer, pretty: false) + [UInt8(ascii: "\n")])
    }
  }

  private func answer(_ text: String, line: Int, _ model: FittedBradleyTerry) throws -> Answer {
    let fields = try? JSONDecoder().decode(Line.self, from: Data(text.utf8))
    if let fields, let response = fields.text {
      let scored =
        model.configuration.features.withPrompt
        ? (fields.prompt.map { $0 + "\n\n" } ?? "") + response : response
      return Answer(id: fields.id, score: try model.score([scored])[0])
    }
    // Pairs in all their forms, and the messages for what is neither.
    let pair: PreferencePair
    do throws(DataError) {
      let reader = PairReader(bytes: Array(text.utf8), name: data)
      pair = try reader.pairs()[0]
    } catch {
      var error = error
      error.line = line
      throw error
    }
    let table = model.table([pair])
    let scores = try model.score(table.texts)
    let (chosen, rejected) = (scores[table.chosen[0]], scores[table.rejected[0]])
    return Answer(
      id: fields?.id, probability: sigmoid(chosen - rejected), chosenScore: chosen, rejectedScore: rejected)
  }
}
