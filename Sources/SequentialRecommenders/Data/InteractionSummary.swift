import PenchantData

/// What is in a log of interactions and what is wrong with it: the content of `penchant inspect`.
public struct InteractionSummary: Sendable, Codable, Equatable {
  public var file: String
  public var users = 0
  public var items = 0
  public var events = 0
  /// Events over users times items.
  public var density = 0.0
  /// Events a user, and events an item.
  public var lengths = Quantiles([])
  public var popularities = Quantiles([])
  public var concentration = Concentration([])
  /// Users that leave-one-out cannot test: fewer than three events.
  public var shortUsers = 0
  /// First and last time; nil without times.
  public var firstTime: Double?
  public var lastTime: Double?
  /// Events that stand in the file behind a later event of their user.
  public var outOfOrder = 0
  /// Events that share their time with another event of their user.
  public var equalTimes = 0
  /// Users whose last two events have the same time, so that the order of the file decides what tests.
  public var undecidedLast = 0
  /// Events with the user, item and time of an earlier one; without times, those that follow their like at once.
  public var duplicates = 0
  /// Events of a user with an item that the user took before, duplicates included.
  public var repeats = 0
  /// How often each rating occurs, at most 20 of them, ascending.
  public var ratings: [RatingCount] = []
  /// Events in each part that the file names.
  public var parts: [String: Int] = [:]
  /// Items that an items file describes and nobody took, and items taken that it does not describe; nil without one.
  public var itemsWithoutEvents: Int?
  public var itemsWithoutDescription: Int?
  /// The test of leave-one-out: its users, and the checksum of its items.
  public var leaveOneOutUsers = 0
  public var leaveOneOutChecksum = ""
  /// Lines that could not be read.
  public var wrongLines = 0

  public struct RatingCount: Sendable, Codable, Equatable {
    public var rating: Float
    public var events: Int
  }

  /// - Parameters:
  ///   - descriptions: of the items, when there are any.
  ///   - wrongLines: how many lines could not be read.
  public init(
    _ log: InteractionLog, file: String, descriptions: ItemDescriptions? = nil, wrongLines: Int = 0
  ) throws {
    self.file = file
    self.wrongLines = wrongLines
    (users, items, events) = (log.users.count, log.items.count, log.count)
    if users > 0, items > 0 { density = Double(events) / (Double(users) * Double(items)) }
    let byUser = EventIndex(log.user, groups: users)
    let perUser = (0..<users).map { byUser[$0].count }
    let byItem = EventIndex(log.item, groups: items)
    let perItem = (0..<items).map { byItem[$0].count }
    lengths = Quantiles(perUser)
    popularities = Quantiles(perItem)
    concentration = Concentration(perItem)
    shortUsers = perUser.count { $0 < 3 }
    duplicates = log.duplicates(.identical).count { $0 }
    repeats = log.duplicates(.first).count { $0 }
    (firstTime, lastTime) = (log.times.min(), log.times.max())
    if log.hasTimes { countTimes(log, byUser) }
    var seen: [Float: Int] = [:]
    for rating in log.ratings { seen[rating, default: 0] += 1 }
    ratings = seen.sorted { $0.key < $1.key }.prefix(20).map { RatingCount(rating: $0.key, events: $0.value) }
    for part in log.parts { parts["\(part)", default: 0] += 1 }
    if let descriptions {
      itemsWithoutEvents = descriptions.names.count { log.items.index(of: $0) == nil }
      itemsWithoutDescription = log.items.names.count { descriptions[$0] == nil }
    }
    let split = try SequenceSplit.leaveOneOut(log)
    leaveOneOutUsers = split.test.count
    leaveOneOutChecksum = split.testChecksum
  }

  private mutating func countTimes(_ log: InteractionLog, _ byUser: EventIndex) {
    let chronology = log.chronology()
    for user in 0..<users {
      var latest = -Double.infinity
      for event in byUser[user] {
        if log.times[event] < latest { outOfOrder += 1 }
        latest = max(latest, log.times[event])
      }
      let times = chronology.events(of: user).map { log.times[$0] }
      for place in times.indices {
        let sharesNext = place + 1 < times.count && times[place] == times[place + 1]
        if sharesNext || (place > 0 && times[place] == times[place - 1]) { equalTimes += 1 }
      }
      if times.count > 1, times[times.count - 1] == times[times.count - 2] { undecidedLast += 1 }
    }
  }

  /// Names and values, in the order they are printed.
  public var rows: [(name: String, value: String)] {
    var rows = [
      ("users", "\(users)"), ("items", "\(items)"), ("events", "\(events)"),
      ("density", short(density * 100) + " %"), ("events a user", text(lengths)),
      ("events an item", text(popularities)),
      (
        "events on the top 1 % / 10 % of items",
        percent(concentration.topPercent) + " / " + percent(concentration.topTenth)
      ),
      ("Gini of the popularity", short(concentration.gini)),
      ("users with fewer than 3 events", "\(shortUsers)"),
    ]
    if let firstTime, let lastTime {
      rows += [
        ("times", "\(short(firstTime)) to \(short(lastTime))"),
        ("events behind a later one", "\(outOfOrder)"),
        ("events that share their time", "\(equalTimes)"),
        ("users whose last two share their time", "\(undecidedLast)"),
      ]
    } else {
      rows.append(("times", "none; the order of the file is the order of events"))
    }
    rows += [("duplicate events", "\(duplicates)"), ("repeated items", "\(repeats)")]
    if !ratings.isEmpty {
      rows.append(
        ("ratings", ratings.map { "\(short(Double($0.rating))): \($0.events)" }.joined(separator: ", ")))
    }
    if !parts.isEmpty {
      let names = InteractionLog.Part.allCases.map { "\($0)" }
      rows.append(
        ("parts", names.compactMap { name in parts[name].map { "\(name) \($0)" } }.joined(separator: ", ")))
    }
    if let itemsWithoutEvents, let itemsWithoutDescription {
      rows += [
        ("described items without events", "\(itemsWithoutEvents)"),
        ("items without description", "\(itemsWithoutDescription)"),
      ]
    }
    rows.append(("leave-one-out test", "\(leaveOneOutUsers) users, checksum \(leaveOneOutChecksum)"))
    if wrongLines > 0 { rows.append(("wrong lines", "\(wrongLines)")) }
    return rows
  }

  private func text(_ quantiles: Quantiles) -> String {
    let q = quantiles
    return
      "min \(q.minimum), 25% \(q.lower), 50% \(q.median), 75% \(q.upper), 95% \(q.high), max \(q.maximum), "
      + "mean \(short(q.mean))"
  }

  private func percent(_ share: Double) -> String { short(share * 100) + " %" }
}

extension InteractionSummary: CustomStringConvertible {
  /// The table as text, one aligned line a row.
  public var description: String {
    let width = rows.map(\.name.count).max() ?? 0
    return rows.map { $0.name + String(repeating: " ", count: width - $0.name.count + 2) + $0.value }
      .joined(separator: "\n")
  }
}

/// A number with at most four digits behind the point, whole numbers without any.
func short(_ value: Double) -> String {
  guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
  let scaled = (value * 10_000).rounded() / 10_000
  return scaled == scaled.rounded() ? String(Int(scaled)) : "\(scaled)"
}
