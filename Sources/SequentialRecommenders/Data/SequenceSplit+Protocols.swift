import PenchantKernels

/// What must have been seen in training for a case to be asked.
public enum SeenRule: String, Sendable, Codable, CaseIterable {
  /// Nothing.
  case any
  /// The target.
  case target
  /// The target and every item of the history (as ReaRec's preprocessing).
  case targetAndHistory
}

extension SequenceSplit {
  /// The last item of a user tests, the one before it validates, the others train. Users with fewer than
  /// `minimumLength` events train with all they have.
  ///
  /// The future of other users is known in training, so numbers are not comparable with those of a split by time.
  ///
  /// - Throws: `KernelError.value` for a minimum below 3.
  public static func leaveOneOut(_ log: InteractionLog, minimumLength: Int = 3) throws -> SequenceSplit {
    try leaveOneOut(
      log.sequences(), minimumLength: minimumLength, userNames: log.users.names, itemNames: log.items.names)
  }

  /// The same of histories without names: users and items are called by their numbers, from 1.
  public static func leaveOneOut(_ sequences: ItemSequences, minimumLength: Int = 3) throws -> SequenceSplit {
    try leaveOneOut(
      sequences, minimumLength: minimumLength, userNames: (0..<sequences.count).map { "\($0 + 1)" },
      itemNames: (0..<sequences.itemCount).map { "\($0 + 1)" })
  }

  private static func leaveOneOut(
    _ sequences: ItemSequences, minimumLength: Int, userNames: [String], itemNames: [String]
  ) throws -> SequenceSplit {
    guard minimumLength >= 3 else {
      throw KernelError.value(
        "SequenceSplit.leaveOneOut",
        "a minimum of \(minimumLength) events; 3 are needed to train, validate and test")
    }
    var train: [Int32] = []
    train.reserveCapacity(sequences.items.count)
    var offsets = [0]
    var tested: [Int32] = []
    for user in 0..<sequences.count {
      let history = sequences[user]
      train += history.count >= minimumLength ? history.dropLast(2) : history
      offsets.append(train.count)
      if history.count >= minimumLength { tested.append(Int32(user)) }
    }
    return SequenceSplit(
      name: "leave-one-out",
      train: try ItemSequences(itemCount: sequences.itemCount, offsets: offsets, items: train),
      validation: try cases(sequences, tested.map { ($0, Int32(sequences[Int($0)].count - 2)) }),
      test: try cases(sequences, tested.map { ($0, Int32(sequences[Int($0)].count - 1)) }),
      userNames: userNames, itemNames: itemNames)
  }

  /// Events up to a moment train, those up to a second one validate, later ones test. The moments cut the span between the
  /// first and the last time of the log in the shares given, as ReaRec's preprocessing does. Every later event is a case,
  /// its history all earlier events of its user.
  ///
  /// - Parameters:
  ///   - minimumHistory: cases with fewer items before the target are not asked.
  ///   - seen: what must occur in training.
  /// - Throws: `KernelError.value` for shares that do not ascend in 0...1, and for a log without times.
  public static func globalTime(
    _ log: InteractionLog, validationFrom: Double = 0.8, testFrom: Double = 0.9, minimumHistory: Int = 1,
    seen: SeenRule = .any
  ) throws -> SequenceSplit {
    guard validationFrom >= 0, validationFrom <= testFrom, testFrom <= 1 else {
      throw KernelError.value(
        "SequenceSplit.globalTime",
        "validation from \(validationFrom) and test from \(testFrom) of the time; they must ascend in 0...1")
    }
    guard log.hasTimes || log.isEmpty else {
      throw KernelError.value(
        "SequenceSplit.globalTime", "the log has no times; use leave-one-out, which needs only their order")
    }
    let (first, last) = (log.times.min() ?? 0, log.times.max() ?? 0)
    let bounds = [validationFrom, testFrom].map { first + (last - first) * $0 }
    return try parted(
      log, name: "global time \(percent(validationFrom))/\(percent(testFrom))",
      minimumHistory: minimumHistory,
      seen: seen
    ) { event in
      log.times[event] <= bounds[0] ? .train : log.times[event] <= bounds[1] ? .validation : .test
    }
  }

  /// The parts that the file itself gives. Every event of validation and test is a case, its history all earlier events
  /// of its user.
  ///
  /// - Throws: `KernelError.value` for a log without parts.
  public static func ofFile(
    _ log: InteractionLog, minimumHistory: Int = 1, seen: SeenRule = .any
  ) throws -> SequenceSplit {
    guard log.hasParts || log.isEmpty else {
      throw KernelError.value(
        "SequenceSplit.ofFile", "the file names no parts; it needs a column \"split\" or \"part\"")
    }
    return try parted(
      log, name: "parts of the file", minimumHistory: minimumHistory, seen: seen
    ) { log.parts[$0] }
  }

  private static func percent(_ share: Double) -> Int { Int((share * 100).rounded()) }

  private static func parted(
    _ log: InteractionLog, name: String, minimumHistory: Int, seen: SeenRule,
    _ part: (Int) -> InteractionLog.Part
  ) throws -> SequenceSplit {
    let sequences = try log.sequences()
    let chronology = log.chronology()
    let parts = chronology.events.map(part)
    var isTrained = [Bool](repeating: false, count: sequences.itemCount + 1)
    for (item, part) in zip(sequences.items, parts) where part == .train { isTrained[Int(item)] = true }
    var train: [Int32] = []
    var offsets = [0]
    var validation: [(Int32, Int32)] = []
    var test: [(Int32, Int32)] = []
    for user in 0..<sequences.count {
      let start = sequences.offsets[user]
      var isKnown = true
      for place in start..<sequences.offsets[user + 1] {
        let item = sequences.items[place]
        let allowed =
          switch seen {
          case .any: true
          case .target: isTrained[Int(item)]
          case .targetAndHistory: isTrained[Int(item)] && isKnown
          }
        isKnown = isKnown && isTrained[Int(item)]
        guard parts[place] != .train else {
          train.append(item)
          continue
        }
        guard allowed, place - start >= minimumHistory else { continue }
        let mine = (Int32(user), Int32(place - start))
        if parts[place] == .validation { validation.append(mine) } else { test.append(mine) }
      }
      offsets.append(train.count)
    }
    return SequenceSplit(
      name: name
        + (seen == .any ? "" : ", \(seen == .target ? "targets" : "targets and histories") seen in training"),
      train: try ItemSequences(itemCount: sequences.itemCount, offsets: offsets, items: train),
      validation: try cases(sequences, validation), test: try cases(sequences, test),
      userNames: log.users.names, itemNames: log.items.names)
  }

  private static func cases(_ sequences: ItemSequences, _ places: [(Int32, Int32)]) throws -> NextItemCases {
    try NextItemCases(sequences: sequences, users: places.map(\.0), positions: places.map(\.1))
  }
}
