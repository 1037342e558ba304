import Foundation
import PenchantReport
import PenchantTrain
import PreferenceModels

/// The files of a PrefPalette run, and what is printed of it.
struct PaletteRunWriter {
  let run: RunDirectory
  let result: PaletteResult

  /// Model, result, card and report.
  func write(_ model: FittedTextPalette) throws {
    for (file, bytes) in try model.files() { try run.write(file.rawValue, bytes: bytes) }
    try run.write("result.json", json: result)
    try run.write("README.md", card.markdown)
    try writeReport()
  }

  /// `report.html`, and its numbers as JSON and CSV.
  func writeReport() throws {
    for (name, data) in try PaletteReport(result.reportInput(run)).files() {
      try run.write(name, bytes: Array(data))
    }
  }

  private var card: ModelCard {
    ModelCard(
      system: result.system,
      summary:
        "Pairwise choices of \(max(1, result.communities.count)) communities from the content of texts and "
        + "\(result.attributes.count) attributes, with a weight of every attribute for every community. "
        + "Evaluation: \(result.evaluation).",
      data: result.data, seed: result.seed,
      metrics: result.rows.filter(\.isOurs).flatMap { row in
        zip(result.testSets, row.accuracy).compactMap { set, share in
          share.map { ("accuracy on \(set.name)", $0.value) }
        }
      },
      notes: [
        "`penchant predict \(run.path) --data FILE` scores new lines and says what every attribute contributes.",
        "Attributes were learnt from: \(Set(result.heads.cards.map(\.teacher)).sorted().joined(separator: ", ")). "
          + "See the cards in report.html for how far they may be trusted.",
        "A profile says what goes with being preferred in these data; it does not say why.",
      ])
  }

  /// Tables for the terminal.
  var text: String {
    var parts: [String] = []
    if !result.testSets.isEmpty { parts.append(accuracyTable) }
    parts += result.testSets.compactMap(gain)
    if let profile = result.profile { parts.append(profileTable(profile)) }
    parts.append(
      "\(run.path)/report.html     profiles, curves, explanations\n"
        + "\(run.path): \(FittedTextPalette.File.allCases.map(\.rawValue).joined(separator: ", ")), config.yaml, result.json    "
        + "\(decimal(result.seconds, 1)) s on \(result.threads) threads, \(result.peakMemoryBytes / 1_048_576) MiB, "
        + "fingerprint \(result.fingerprint)")
    return parts.joined(separator: "\n\n")
  }

  private var accuracyTable: String {
    let header = result.testSets.flatMap { ["\($0.name) (\($0.pairs))", "95% interval"] }
    return aligned(
      [["accuracy"] + header]
        + result.rows.map { row in
          [row.model]
            + row.accuracy.flatMap { share in
              [
                decimal(share?.value, 4),
                share.map { "\(decimal($0.interval.low))-\(decimal($0.interval.high))" } ?? "-",
              ]
            }
        })
  }

  /// One sentence on what attributes add to content.
  private func gain(_ set: PaletteResult.TestSet) -> String? {
    guard let gain = result.gains.first(where: { $0.testSet == set.name && $0.community == nil }) else {
      return nil
    }
    let ends =
      "95% \(signed(gain.difference.interval.low)) to \(signed(gain.difference.interval.high)), by \(result.clusters.rawValue)"
    return "\(set.name): with attributes \(signed(gain.difference.value)) over content alone (\(ends))"
  }

  /// Of every community the attributes that stand out, the strongest first.
  private func profileTable(_ profile: PaletteProfile) -> String {
    let limit = 40
    var rows = [["", "weights that stand out (log-odds for one standard deviation)"]]
    for community in profile.communities.prefix(limit) {
      let standing = community.entries.filter { $0.certainty?.isFlagged ?? false }.sorted {
        abs($0.weight) > abs($1.weight)
      }.prefix(5)
      let words = standing.map { "\($0.attribute) \(signed($0.weight, 2))" }
      rows.append([
        community.community.isEmpty ? "(all)" : community.community,
        words.isEmpty ? "none" : words.joined(separator: ", "),
      ])
    }
    if profile.communities.count > limit {
      rows.append(["and \(profile.communities.count - limit) more", ""])
    }
    let width = rows.map { $0[0].count }.max() ?? 0
    return rows.map { $0[0].padding(toLength: width, withPad: " ", startingAt: 0) + "  " + $0[1] }
      .joined(separator: "\n")
  }

  private func signed(_ value: Double, _ digits: Int = 3) -> String {
    (value < 0 ? "" : "+") + decimal(value, digits)
  }
}
