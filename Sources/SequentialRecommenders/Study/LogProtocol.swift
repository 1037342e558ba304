import PenchantData
import PenchantTrain

/// What is left out of a log, how it is split, and which items a target is ranked against. With it a log and a seed are a
/// question that others can ask again.
public struct LogProtocol: Codable, Sendable, Equatable {
  public enum Split: String, Codable, Sendable, CaseIterable {
    case leaveOneOut = "leave-one-out"
    case time
    /// The parts that the file names.
    case file
  }

  /// Events that every user and every item must have, counted until nothing falls short; 0 or 1 keeps all.
  public var core = 0
  /// Lowest rating that counts as an event; 0 counts all.
  public var rating = 0.0
  public var duplicates = DuplicatePolicy.keep
  public var split = Split.leaveOneOut
  /// Shares of the time span at which validation and test begin, for `split: time`.
  public var validationFrom = 0.8
  public var testFrom = 0.9
  /// What must have been seen in training for a case to be asked, for `split: time` and `file`.
  public var seen = SeenRule.any
  /// Which items targets are ranked against where one number decides: early stopping, choices, comparisons. Both are shown.
  public var ranked = SeenItems.unmasked

  public init() {}

  /// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
  public func validate() throws(ConfigurationError) {
    guard (0...1_000_000).contains(core) else {
      throw ConfigurationError("log.core must be 0 to 1000000, found \(core)")
    }
    guard rating.isFinite else { throw ConfigurationError("log.rating must be a number, found \(rating)") }
    guard validationFrom >= 0, validationFrom <= testFrom, testFrom <= 1 else {
      throw ConfigurationError(
        "log.validation_from and log.test_from must ascend in 0 to 1, found \(validationFrom) and \(testFrom)"
      )
    }
  }

  /// Filters and splits a log.
  ///
  /// - Parameter file: its name, for messages.
  /// - Throws: `DataError` when the log lacks what a setting needs, or nothing is left to train on or to test.
  public func prepare(_ log: InteractionLog, file: String) throws -> PreparedLog {
    guard rating == 0 || log.hasRatings else {
      throw DataError(
        file: file, field: "rating", "log.rating is \(rating), but the log has no ratings",
        repair: "leave log.rating at 0, or name a rating for every event")
    }
    let rated = rating == 0 ? log : try log.rated(atLeast: rating)
    let whole = rated.withoutDuplicates(duplicates)
    let core = core > 1 ? whole.core(users: core, items: core) : whole
    guard !core.isEmpty else {
      throw DataError(
        file: file, "nothing is left: no users and items have \(self.core) events each among themselves",
        found:
          "the log has \(log.count) events of \(log.users.count) users and \(log.items.count) items, \(whole.count) after "
          + "ratings and duplicates",
        repair: "pass a smaller --core, or --core 0 for all")
    }
    let split = try split(core, file)
    guard split.test.count > 0 else {
      throw DataError(
        file: file, "the split \"\(split.name)\" leaves nothing to test",
        found: "\(core.users.count) users with \(core.count) events",
        repair: self.split == .leaveOneOut
          ? "a tested user needs 3 events or more; pass a smaller --core, or more data"
          : "choose other shares (log.test_from), or --split leave-one-out")
    }
    guard (0..<split.train.count).contains(where: { split.train[$0].count > 1 }) else {
      throw DataError(
        file: file, "the split \"\(split.name)\" leaves nothing to train on: no history has two items",
        found: "\(core.users.count) users with \(core.count) events", repair: "users need longer histories")
    }
    return PreparedLog(file: file, log: log, whole: whole, core: core, split: split, ranked: ranked)
  }

  private func split(_ log: InteractionLog, _ file: String) throws -> SequenceSplit {
    switch split {
    case .leaveOneOut: return try .leaveOneOut(log)
    case .time:
      guard log.hasTimes else {
        throw DataError(
          file: file, field: "timestamp", "--split time needs times, but the log has none",
          repair: "use --split leave-one-out, which needs only the order of the events")
      }
      return try .globalTime(log, validationFrom: validationFrom, testFrom: testFrom, seen: seen)
    case .file:
      guard log.hasParts else {
        throw DataError(
          file: file, field: "split",
          "--split file needs a column \"split\" or \"part\", but the log has none",
          repair: "use --split leave-one-out or time")
      }
      return try .ofFile(log, seen: seen)
    }
  }
}

/// A log that is filtered and split.
public struct PreparedLog: Sendable {
  public let file: String
  /// Events of the file, and users and items, before anything was left out.
  public let fileCounts: LogCounts
  /// What is trained on and asked for.
  public let counts: LogCounts
  public internal(set) var split: SequenceSplit
  public let ranked: SeenItems
  /// The known items of every user of the file, also of those that are too few to train on.
  public let histories: UserHistories

  init(
    file: String, log: InteractionLog, whole: InteractionLog, core: InteractionLog, split: SequenceSplit,
    ranked: SeenItems
  ) {
    self.file = file
    self.split = split
    self.ranked = ranked
    fileCounts = LogCounts(log)
    counts = LogCounts(core)
    histories = UserHistories(whole, items: core.items)
  }

  /// What was left out, for people.
  public var summary: String {
    let kept = "\(counts.events) events of \(counts.users) users and \(counts.items) items"
    let left =
      fileCounts == counts ? "" : " (of \(fileCounts.events), \(fileCounts.users) and \(fileCounts.items))"
    return kept + left
      + "; \(split.name): \(split.validation.count) validation cases, \(split.test.count) test cases, "
      + "checksum of the test items \(split.testChecksum)"
  }
}

/// How many events, users and items a log has.
public struct LogCounts: Codable, Sendable, Equatable {
  public var events: Int
  public var users: Int
  public var items: Int

  init(_ log: InteractionLog) { (events, users, items) = (log.count, log.users.count, log.items.count) }
}

extension InteractionLog {
  /// XXH64 of names and events: the same for the same events in the same order, however they are written.
  public func checksum() -> String {
    func names(_ table: ItemTable) -> [UInt8] { table.names.flatMap { Array($0.utf8) + [0] } }
    let sums = [
      XXHash64.hex(names(users)), XXHash64.hex(names(items)),
      user.withUnsafeBytes { XXHash64.hex(Array($0)) }, item.withUnsafeBytes { XXHash64.hex(Array($0)) },
      ratings.withUnsafeBytes { XXHash64.hex(Array($0)) }, times.withUnsafeBytes { XXHash64.hex(Array($0)) },
      XXHash64.hex(parts.map(\.rawValue)),
    ]
    return sums.joined().checksum
  }
}
