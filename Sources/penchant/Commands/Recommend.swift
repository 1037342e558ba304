import ArgumentParser
import PenchantData
import PenchantTrain
import SequentialRecommenders

struct Recommend: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recommend", abstract: "What may come next for a user of the log, or after a history.",
    discussion: """
      Examples:
        penchant recommend run u42 --top 5
        penchant recommend run --history i17,i4 --exclude i3
        penchant recommend run u42 --json

      A user's history is that of the log the run was trained on. Somebody new is asked for by --history; an item that the
      model does not know is left out with a warning, and without a known item the most popular ones are shown.
      Items of the history are not recommended again unless --repeats is given.
      """)

  @Argument(help: ArgumentHelp("The run directory.", valueName: "run"))
  var folder: String

  @Argument(help: "A user of the log.")
  var user: String?

  @Option(help: "Items, oldest first, with commas between them; may be empty.")
  var history: String?

  @OptionGroup var list: ListOptions

  @OptionGroup var common: CommonOptions

  func validate() throws {
    switch (user, history) {
    case (nil, nil): throw ValidationError("name a user of the log, or pass --history a,b,c")
    case (let user?, _?): throw ValidationError("the user \"\(user)\" and --history are both given: pass one")
    default: break
    }
  }

  func run() throws {
    try common.apply()
    guard case .recommender(let trained, _) = try TrainedModel(folder) else {
      throw ConfigurationError(
        "\(folder) is a run of another kind\n  penchant recommend needs one of: "
          + Recommenders.all.map { $0.system }.joined(separator: ", "))
    }
    let answers = RecommenderAnswers(
      recommender: try trained.recommender(), shelf: HistoryShelf(run: folder), options: list)
    answers.warnOfExclusions(common.progress)
    let question = RecommenderAnswers.Question(user: user, history: history?.listedNames)
    let answer = try answers.answer(question, file: folder)
    if common.json { return try showJSON(answer) }
    if let unknown = answer.unknown {
      common.progress.warn("the model does not know \(quotedList(unknown)); left out")
    }
    if answer.basis == .popularity { common.progress.note("no known item: these are the most popular ones") }
    try show(
      aligned(
        answer.items.enumerated().map { place, item in
          ["\(place + 1)", item.item, item.title ?? "", decimal(Double(item.score))]
        }))
  }
}
