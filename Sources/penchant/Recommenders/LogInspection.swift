import PenchantData
import PenchantTrain
import SequentialRecommenders

/// `penchant inspect` of a log of interactions.
struct LogInspection {
  let file: String
  let items: String?
  /// How many wrong lines are shown.
  let errors: Int
  let json: Bool

  /// Whether the first line that holds something is one of a log and not of preference pairs.
  ///
  /// - Throws: `DataError` when the file cannot be read.
  static func isLog(_ file: String) throws(DataError) -> Bool {
    // Standard input is read once.
    guard file != "-" else { return false }
    var reader = try LineReader(file)
    while let text = try reader.next() {
      guard let first = text.first(where: { !$0.isWhitespace }) else { continue }
      guard first == "{" else { return true }
      guard let object = (try? JSONValue(parsing: text))?.object else { return false }
      let keys = Set(object.keys.map { $0.lowercased() })
      return keys.isDisjoint(with: ["chosen", "rejected", "human_ref_a"])
        && !keys.isDisjoint(with: ["history", "item", "item_id", "movieid", "asin", "parent_asin"])
    }
    return false
  }

  /// Prints what is in the log, then the first lines that are wrong, which end the command with 2.
  func run() throws {
    var reader = try InteractionReader(file)
    var shown: [DataError] = []
    var wrong = 0
    var last = -1
    while true {
      do throws(DataError) {
        guard try reader.advance() else { break }
      } catch {
        wrong += 1
        if shown.count < errors { shown.append(error) }
        // What is wrong with the file as a whole, or with its header, does not go away at the next line.
        if error.line == nil || reader.line == last || reader.read.isEmpty { break }
        last = reader.line
      }
    }
    if reader.read.isEmpty {
      if let first = shown.first { throw first }
      throw noEvents
    }
    let summary = try InteractionSummary(
      reader.read, file: file, descriptions: try items.map { try ItemDescriptions($0) }, wrongLines: wrong)
    if json { try showJSON(summary) } else { try show("\(summary)") }
    for error in shown { Main.complain("\(error)") }
    if wrong > shown.count { Main.complain("and \(wrong - shown.count) more wrong lines") }
    if wrong > 0 { throw ExitStatus.badData }
  }

  private var noEvents: DataError {
    DataError(file: file, "the file holds no event", expected: "expected one interaction a line")
  }
}
