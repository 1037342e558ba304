import PenchantData

/// Joins records of (the last items, the next item) to one sequence a user: the first record of a user gives its history,
/// every further one must continue what stands before.
struct HistoryJoiner {
  private var sequences: [String: [String]] = [:]

  /// Appends the events that are new: a first history as training, the target in the part of the record.
  mutating func append(
    user: String, history: [String], target: String, part: InteractionLog.Part?, to log: inout InteractionLog,
    file: String, line: Int
  ) throws(DataError) {
    let known = sequences[user]
    if let known, !known.suffix(history.count).elementsEqual(history) {
      throw DataError(
        file: file, line: line, field: "history",
        "the history of \"\(clipped(user, 40))\" does not continue what stands before",
        expected: "expected it to end in \(quotedList(known.suffix(3)))",
        found: "found \(quotedList(history.suffix(3)))",
        repair: "write the records of a user in the order of time, each with the last items before its target"
      )
    }
    if known == nil {
      for item in history {
        log.append(user: user, item: item, part: part == nil ? nil : .train)
      }
    }
    log.append(user: user, item: target, part: part)
    sequences[user, default: history].append(target)
  }
}
