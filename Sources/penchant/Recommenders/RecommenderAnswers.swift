import ArgumentParser
import Foundation
import PenchantData
import PenchantTrain
import SequentialRecommenders

/// Recommendations for one JSON line after the other, by a recommender that is loaded once.
struct RecommenderAnswers {
  let recommender: Recommender
  let shelf: HistoryShelf
  let options: ListOptions
  private let sessions = Sessions()

  /// What a line may say.
  struct Question: Equatable {
    var id: JSONValue?
    var user: String?
    var history: [String]?
    var exclude: [String] = []
    var count: Int?
    /// A history that is kept from line to line, and what is appended to it.
    var session: String?
    var append: [String] = []
  }

  struct Answer: Encodable {
    var id: String?
    var user: String?
    var session: String?
    var items: [Recommendation]
    var basis: Recommendations.Basis
    /// Items of the history that the model does not know.
    var unknown: [String]?
  }

  /// Reads a line: `{"history": […]}`, `{"user": …}` or `{"session": …, "append": …}`, with `exclude`, `top` and `id` if wanted, or a
  /// list of items alone.
  static func question(_ text: String, file: String, line: Int) throws(DataError) -> Question {
    let needs = "\"history\": a list of items, oldest first, or \"user\", or \"session\""
    func wrong(_ field: String?, _ problem: String, _ found: JSONValue) -> DataError {
      DataError(
        file: file, line: line, field: field, problem, expected: "expected \(needs)",
        found: "found \(clipped(found.description, 80))")
    }
    func names(_ field: String, _ value: JSONValue) throws(DataError) -> [String] {
      let names = value.array?.compactMap { $0.string ?? $0.integer.map { String($0) } }
      guard let names, names.count == value.array?.count else {
        throw wrong(field, "\"\(field)\" is not a list of item names", value)
      }
      return names
    }
    let value: JSONValue
    do { value = try JSONValue(parsing: text) } catch {
      throw DataError(
        file: file, line: line, "the line is not JSON", expected: "expected {\(needs)}",
        found: "found \(clipped(text, 80))")
    }
    if value.array != nil { return Question(history: try names("history", value)) }
    guard let object = value.object else {
      throw wrong(nil, "the line is neither an object nor a list", value)
    }
    var question = Question()
    for (key, value) in zip(object.keys, object.values) {
      switch key {
      case "id": question.id = value
      case "user": question.user = value.string ?? value.integer.map { String($0) }
      case "history": question.history = try names(key, value)
      case "exclude": question.exclude = try names(key, value)
      case "session": question.session = value.string ?? value.integer.map { String($0) }
      case "append":
        let one = value.string ?? value.integer.map { String($0) }
        if let one { question.append = [one] } else { question.append = try names(key, value) }
      case "top":
        guard let count = value.integer, (1...65_536).contains(count) else {
          throw wrong(key, "\"top\" must be 1 to 65536", value)
        }
        question.count = count
      default: break
      }
    }
    guard question.user != nil || question.history != nil || question.session != nil else {
      throw wrong("history", "the line has neither \"history\" nor \"user\" nor \"session\"", value)
    }
    guard question.append.isEmpty || question.session != nil else {
      throw wrong("append", "\"append\" needs the \"session\" that it goes to", value)
    }
    return question
  }

  /// A name that excludes nothing is likely a mistake.
  func warnOfExclusions(_ progress: ProgressLine) {
    let strange = options.excluded.filter { recommender.trained.items.index(of: $0) == nil }
    if !strange.isEmpty { progress.warn("--exclude: the model does not know \(quotedList(strange))") }
  }

  /// - Throws: `DataError` for a user that is not in the log.
  func answer(_ question: Question, file: String, line: Int? = nil) throws -> Answer {
    var history = question.history
    if history == nil, let user = question.user {
      let known = try shelf.histories()
      guard let ids = known.history(of: user) else {
        throw DataError(
          file: file, line: line, field: "user", "the user \"\(clipped(user, 40))\" is not in the log",
          repair: (nearestName(to: user, among: known.users.names).map {
            "did you mean \"\(clipped($0, 40))\"? "
          } ?? "")
            + "Somebody new is asked for by a history of items")
      }
      history = ids.map { recommender.trained.items.names[Int($0) - 1] }
    }
    let (count, excluded) = (question.count ?? options.top, question.exclude + options.excluded)
    let found: Recommendations
    if let session = question.session {
      var followed =
        try history.map { try recommender.follow($0) } ?? sessions.open[session] ?? recommender.follow()
      var unknown = (history ?? []).filter { recommender.trained.items.index(of: $0) == nil }
      for item in question.append {
        if try !recommender.append(item, to: &followed) { unknown.append(item) }
      }
      sessions.open[session] = followed
      var answer = try recommender.recommend(
        for: followed, count: count, excluding: excluded, repeats: options.repeats)
      answer.unknown = unknown
      found = answer
    } else {
      found = try recommender.recommend(
        for: history ?? [], count: count, excluding: excluded, repeats: options.repeats)
    }
    let id = question.id.flatMap { $0.string ?? $0.integer.map { String($0) } }
    return Answer(
      id: id, user: question.user, session: question.session, items: found.items, basis: found.basis,
      unknown: found.unknown.isEmpty ? nil : found.unknown)
  }
}

/// Histories that lines follow event by event, by the name of their session.
private final class Sessions {
  var open: [String: FollowedHistory] = [:]
}

/// How long lists of recommendations are and what is in them.
struct ListOptions: ParsableArguments {
  @Option(help: "Recommenders: items in a list.")
  var top = 10

  @Option(help: "Recommenders: items that are not recommended, with commas between them; may be repeated.")
  var exclude: [String] = []

  @Flag(help: "Recommenders: items of the history may come again.")
  var repeats = false

  /// Names of items.
  var excluded: [String] { exclude.flatMap(\.listedNames) }

  /// Refuses what was given to a system that makes no lists.
  func refuse(for system: String) throws {
    let given = [top == 10 ? nil : "--top", exclude.isEmpty ? nil : "--exclude", repeats ? "--repeats" : nil]
    if let option = given.compactMap(\.self).first {
      throw ConfigurationError("\(option) means nothing for a run of \(system)")
    }
  }

  func validate() throws {
    if !(1...65_536).contains(top) { throw ValidationError("--top must be 1 to 65536, found \(top)") }
  }
}

/// The histories of a run's users, read when they are first asked for.
final class HistoryShelf {
  private let path: String
  private var read: UserHistories?

  init(run folder: String) { path = "\(folder)/histories.safetensors" }

  func histories() throws -> UserHistories {
    if let read { return read }
    let found = try UserHistories(SafeTensors(path))
    read = found
    return found
  }
}
