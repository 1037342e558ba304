import PenchantData
import PenchantTrain
import PreferenceModels

/// `penchant inspect` of pairs that come with log-probabilities or margins, without texts.
struct LabelInspection {
  let file: String
  /// How many wrong lines are shown.
  let errors: Int
  let json: Bool

  private struct Findings: Encodable {
    var file: String
    var kind = ""
    var pairs = 0
    var wrongLines = 0
    var annotators = 0
    /// Annotators with fewer than five labels.
    var rareAnnotators = 0
    var withReference = 0
    var withLengths = 0
    var withGold = 0
    /// Pairs whose margin is exactly 0.
    var zeroMargins = 0
    /// Mean size of the margin, in nats before beta, and share above 0.
    var meanMargin = 0.0
    var agreement = 0.0
  }

  /// Whether the first record has log-probabilities, or a margin and no texts.
  static func isLabels(_ file: String) throws(DataError) -> Bool {
    guard file != "-" else { return false }
    var reader = try LineReader(file)
    while let text = try reader.next() {
      guard text.contains(where: { !$0.isWhitespace }) else { continue }
      guard let object = (try? JSONValue(parsing: text))?.object else { return false }
      let keys = Set(object.keys)
      return keys.contains("policy_chosen_logps") || keys.contains("policy_rejected_logps")
        || keys.contains("margin") && keys.isDisjoint(with: ["chosen", "rejected", "human_ref_A"])
    }
    return false
  }

  func run() throws {
    var reader = try JudgedReader(file)
    var records: [JudgedRecord] = []
    var shown: [DataError] = []
    var found = Findings(file: file)
    var last = -1
    while true {
      do throws(DataError) {
        guard let record = try reader.next() else { break }
        records.append(record)
      } catch {
        found.wrongLines += 1
        if shown.count < errors { shown.append(error) }
        if error.line == nil || reader.line == last { break }
        last = reader.line
      }
    }
    found.pairs = records.count
    if let first = records.first { found.kind = LCPOData.kind(of: first).rawValue }
    let counts = Dictionary(records.map { ($0.annotator ?? "", 1) }, uniquingKeysWith: +)
    found.annotators = counts.keys.filter { !$0.isEmpty }.count
    found.rareAnnotators = counts.filter { !$0.key.isEmpty && $0.value < 5 }.count
    found.withReference = records.count { $0.reference != nil }
    found.withLengths = records.count { $0.lengths != nil }
    found.withGold = records.count { $0.gold != nil }
    let margins = records.map { record -> Double in
      guard let policy = record.policy else { return record.margin ?? 0 }
      let reference = record.reference ?? JudgedRecord.Sides(chosen: 0, rejected: 0)
      return (policy.chosen - reference.chosen) - (policy.rejected - reference.rejected)
    }
    let n = Double(max(1, margins.count))
    found.zeroMargins = margins.count { $0 == 0 }
    found.meanMargin = margins.map(abs).sum() / n
    found.agreement = margins.map(PairMetrics.hit).sum() / n
    if json {
      try showJSON(found)
    } else {
      try show(
        aligned([
          ["pairs", "\(found.pairs)"], ["read as", found.kind], ["annotators", "\(found.annotators)"],
          ["annotators with fewer than 5 labels", "\(found.rareAnnotators)"],
          ["with a reference", "\(found.withReference)"], ["with lengths", "\(found.withLengths)"],
          ["with a known truth", "\(found.withGold)"], ["margins of exactly 0", "\(found.zeroMargins)"],
          ["mean size of the margin, before beta", decimal(found.meanMargin)],
          ["margins above 0", decimal(found.agreement)],
        ]))
    }
    for error in shown { Main.complain("\(error)") }
    if found.wrongLines > shown.count {
      Main.complain("and \(found.wrongLines - shown.count) more wrong lines")
    }
    if found.wrongLines > 0 { throw ExitStatus.badData }
  }
}
