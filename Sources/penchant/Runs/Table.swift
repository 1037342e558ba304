import Foundation
import PenchantTrain

/// Rows of text in aligned columns: the first to the left, the others to the right.
func aligned(_ rows: [[String]]) -> String {
  let columns = rows.map(\.count).max() ?? 0
  let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
  }
  return rows.map { row in
    row.enumerated().map { column, cell in
      let padding = String(repeating: " ", count: widths[column] - cell.count)
      return column == 0 ? cell + padding : padding + cell
    }.joined(separator: "  ").trimmingTrailingSpaces
  }.joined(separator: "\n")
}

extension String {
  fileprivate var trimmingTrailingSpaces: String { String(reversed().drop { $0 == " " }.reversed()) }
}

func decimal(_ value: Double?, _ digits: Int = 3) -> String {
  guard let value, value.isFinite else { return "-" }
  return String(format: "%.\(digits)f", value)
}

/// The models of a result beside each other.
func summary(_ result: RunResult) -> String {
  var rows = [["", "accuracy", "95% interval", "log-loss", "Brier", "ECE", "AUC", "seconds"]]
  for model in result.models {
    rows.append([
      model.name, decimal(model.metrics["accuracy"], 4),
      "\(decimal(model.accuracyInterval.low))-\(decimal(model.accuracyInterval.high))",
      decimal(model.metrics["log_loss"], 4),
      decimal(model.metrics["brier"], 4), decimal(model.metrics["ece"], 4), decimal(model.metrics["auc"], 4),
      model.seconds > 0 ? decimal(model.seconds, 2) : "-",
    ])
  }
  return aligned(rows)
}

/// Accuracy by group, the weakest first.
func groupTable(_ model: RunResult.Model, limit: Int = 40) -> String {
  let groups = model.groups.sorted { ($0.accuracy, $0.name) < ($1.accuracy, $1.name) }
  var rows = [["", "pairs", "accuracy", "95% interval", "log-loss"]]
  for group in groups.prefix(limit) {
    rows.append([
      group.name.isEmpty ? "(none)" : group.name, String(group.count), decimal(group.accuracy),
      "\(decimal(group.interval.low))-\(decimal(group.interval.high))", decimal(group.logLoss),
    ])
  }
  return aligned(rows) + (groups.count > limit ? "\nand \(groups.count - limit) more" : "")
}
