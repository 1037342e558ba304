/// What is in a file of preference pairs and what is wrong with it: the content of `penchant inspect`.
public struct PairSummary: Sendable {
  /// Minimum, quartiles and maximum.
  public struct Quartiles: Sendable, Equatable, Codable {
    public var minimum = 0
    public var lower = 0
    public var median = 0
    public var upper = 0
    public var maximum = 0

    /// Nearest ranks; all 0 for no values.
    public init(_ values: [Int]) {
      guard !values.isEmpty else { return }
      let sorted = values.sorted()
      func at(_ share: Double) -> Int { sorted[Int((Double(sorted.count - 1) * share).rounded())] }
      (minimum, lower, median, upper, maximum) = (
        sorted[0], at(0.25), at(0.5), at(0.75), sorted[sorted.count - 1]
      )
    }
  }

  public private(set) var file: String
  public private(set) var lines = 0
  /// Records that could be read.
  public private(set) var pairs = 0
  /// Distinct texts on either side.
  public private(set) var distinctTexts = 0
  /// How many records have each field, by name.
  public private(set) var fields: [String: Int] = [:]
  /// Pairs a community, by name.
  public private(set) var communities: [String: Int] = [:]
  public private(set) var users = 0
  /// Lengths in characters (Unicode scalars).
  public private(set) var promptLengths = Quartiles([])
  public private(set) var chosenLengths = Quartiles([])
  public private(set) var rejectedLengths = Quartiles([])
  /// Share of the pairs whose chosen text is the longer one, ties counted half: what length alone predicts.
  public private(set) var longerIsChosen = 0.0
  /// Records that repeat an earlier one: same prompt, chosen, rejected and user.
  public private(set) var duplicates = 0
  /// Prompts and text pairs that were judged both ways, each counted once.
  public private(set) var contradictions = 0
  /// Pairs whose two texts are equal.
  public private(set) var tied = 0
  /// The first bad lines, and how many there were.
  public private(set) var errors: [DataError] = []
  public private(set) var errorCount = 0

  /// Reads all of `reader`, going on after bad lines.
  ///
  /// - Parameter errorLimit: how many errors are kept.
  /// - Throws: an error of the file as a whole, for instance a truncated gzip stream, when nothing could be read before it.
  public init(_ reader: consuming PairReader, errorLimit: Int = 10) throws(DataError) {
    file = reader.name
    var lengths: (prompt: [Int], chosen: [Int], rejected: [Int]) = ([], [], [])
    var texts: Set<String> = []
    var people: Set<String> = []
    var seen: Set<[String]> = []
    // Bit 1: judged in the order of the key, bit 2: the other way.
    var directions: [[String]: UInt8] = [:]
    var longer = 0.0
    var lastLine = 0
    while true {
      do throws(DataError) {
        guard let pair = try reader.next() else { break }
        pairs += 1
        for name in pair.fieldNames { fields[name, default: 0] += 1 }
        if let community = pair.community { communities[community, default: 0] += 1 }
        if let user = pair.user { people.insert(user) }
        let (chosen, rejected) = (pair.chosen.unicodeScalars.count, pair.rejected.unicodeScalars.count)
        lengths.prompt.append(pair.prompt.unicodeScalars.count)
        lengths.chosen.append(chosen)
        lengths.rejected.append(rejected)
        longer += chosen > rejected ? 1 : chosen == rejected ? 0.5 : 0
        texts.insert(pair.chosen)
        texts.insert(pair.rejected)
        if !seen.insert([pair.prompt, pair.chosen, pair.rejected, pair.user ?? ""]).inserted {
          duplicates += 1
        }
        if pair.chosen == pair.rejected {
          tied += 1
        } else {
          let forward = pair.chosen < pair.rejected
          let key = [
            pair.prompt, forward ? pair.chosen : pair.rejected, forward ? pair.rejected : pair.chosen,
          ]
          directions[key, default: 0] |= forward ? 1 : 2
        }
      } catch {
        errorCount += 1
        if errors.count < errorLimit { errors.append(error) }
        // Nothing was read since: the file itself cannot be read on.
        if error.line == nil || reader.line == lastLine { break }
      }
      lastLine = reader.line
    }
    lines = reader.line
    distinctTexts = texts.count
    users = people.count
    contradictions = directions.values.count { $0 == 3 }
    promptLengths = Quartiles(lengths.prompt)
    chosenLengths = Quartiles(lengths.chosen)
    rejectedLengths = Quartiles(lengths.rejected)
    longerIsChosen = pairs > 0 ? longer / Double(pairs) : 0
    guard pairs > 0 || errorCount > 0 else {
      throw noRecords(file, bytes: reader.bytesRead, needs: "one JSON object a line")
    }
    if pairs == 0, let first = errors.first, first.line == nil { throw first }
  }
}

extension PreferencePair {
  /// Names of the fields that this record filled.
  fileprivate var fieldNames: [String] {
    var names = ["chosen", "rejected"]
    if !prompt.isEmpty { names.append("prompt") }
    if community != nil { names.append("community") }
    if user != nil { names.append("user") }
    if weight != 1 { names.append("weight") }
    if margin != nil { names.append("margin") }
    if chosenID != nil { names.append("chosen_id") }
    if rejectedID != nil { names.append("rejected_id") }
    if post != nil { names.append("post_id") }
    if chosenTime != nil { names.append("chosen_time") }
    if rejectedTime != nil { names.append("rejected_time") }
    if chosenVotes != nil { names.append("chosen_votes") }
    if rejectedVotes != nil { names.append("rejected_votes") }
    if !attributes.isEmpty { names.append("attributes") }
    if !chosenAttributes.isEmpty { names.append("chosen_attributes") }
    if !rejectedAttributes.isEmpty { names.append("rejected_attributes") }
    return names + extra.keys
  }
}
