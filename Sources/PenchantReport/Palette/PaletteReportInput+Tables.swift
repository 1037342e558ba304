extension PaletteReportInput {
  /// Every table that has data; each is a CSV and a JSON file beside the page.
  public var tables: [DataTable] {
    [
      accuracyTable, profileTable, responseTable, pairTable, contributionTable, headTable, crossReactionTable,
      driftTable, calibrationTable, correlationTable,
    ].filter { !$0.rows.isEmpty }
  }

  var accuracyTable: DataTable {
    let sets = accuracy?.testSets ?? []
    return DataTable(
      name: "accuracy", title: "Share of pairs guessed right",
      columns: ["model", "test set", "pairs", "accuracy", "low", "high"],
      rows: (accuracy?.rows ?? []).flatMap { row in
        zip(sets, row.shares).compactMap { set, share in
          share.map { share in
            [
              .text(row.model), .text(set.name), .count(set.pairs), .number(share.value, digits: 3),
              .number(share.low, 3), .number(share.high, 3),
            ]
          }
        }
      })
  }

  var profileTable: DataTable {
    DataTable(
      name: "profiles", title: "Weights",
      columns: ["community", "attribute", "weight", "low", "high", "attention", "stands out"],
      rows: profiles.map {
        [
          .text($0.community), .text($0.attribute), .number($0.weight, digits: 3), .number($0.low, 3),
          .number($0.high, 3), .number($0.attentionShare, 3), .flag($0.flagged),
        ]
      })
  }

  var responseTable: DataTable {
    DataTable(
      name: "responses", title: "Response curves",
      columns: ["attribute", "community", "level", "effect", "low", "high"],
      rows: responses.flatMap { curve in
        curve.levels.map {
          [
            .text(curve.attribute), .text(curve.community), .count($0.level), .number($0.effect, digits: 3),
            .number($0.low, 3), .number($0.high, 3),
          ]
        }
      })
  }

  /// The response curves as a page shows them, a row a curve; the file has a row a level, with intervals.
  var responsePage: DataTable {
    DataTable(
      name: "responses", title: "Response curves",
      columns: ["attribute", "community"] + (1...5).map { "level \($0)" },
      rows: responses.map { curve in
        [.text(curve.attribute), .text(curve.community)]
          + (1...5).map { level in .number(curve.levels.first { $0.level == level }?.effect, 3) }
      })
  }

  var pairTable: DataTable {
    DataTable(
      name: "explained-pairs", title: "Explained pairs",
      columns: ["pair", "community", "context", "chosen", "rejected", "total", "probability"],
      rows: explanations.enumerated().map { index, pair in
        [
          .count(index + 1), .text(pair.community), .text(pair.context), .text(pair.chosen),
          .text(pair.rejected), .number(pair.total, digits: 3), .number(pair.probability, digits: 3),
        ]
      })
  }

  var contributionTable: DataTable {
    DataTable(
      name: "contributions", title: "Contributions", columns: ["pair", "part", "contribution"],
      rows: explanations.enumerated().flatMap { index, pair in
        Self.contributions(of: pair).map {
          [.count(index + 1), .text($0.name), .number($0.value, digits: 3)]
        }
      })
  }

  /// Content, then the attributes.
  static func contributions(of pair: Explanation) -> [(name: String, value: Double)] {
    [(name: "content", value: pair.content)] + pair.parts.map { (name: $0.attribute, value: $0.contribution) }
  }

  var headTable: DataTable {
    DataTable(
      name: "detectors", title: "Attribute detectors",
      columns: ["attribute", "teacher", "split", "level gap", "accuracy", "low", "high", "pairs"],
      rows: heads.flatMap { head -> [[DataTable.Cell]] in
        let name: [DataTable.Cell] = [.text(head.attribute), .text(head.teacher)]
        let people: [[DataTable.Cell]] =
          head.people.map { people in
            [
              name + [
                .text("people: " + people.source), .missing, .number(people.accuracy, digits: 3),
                .number(people.low, 3), .number(people.high, 3), .count(people.pairs),
              ]
            ]
          } ?? [name + [.text("not validated on people"), .missing, .missing, .missing, .missing, .missing]]
        return head.scores.map {
          name + [
            .text($0.split), .count($0.gap), .number($0.accuracy, digits: 3), .missing, .missing,
            .count($0.pairs),
          ]
        } + people
      })
  }

  var crossReactionTable: DataTable {
    DataTable(
      name: "cross-reaction", title: "Cross reaction",
      columns: ["score that moves"] + (crossReaction?.attributes ?? []),
      rows: crossReaction.map(Self.rows) ?? [])
  }

  var driftTable: DataTable {
    DataTable(
      name: "drift", title: "Drift", columns: ["community", "attribute", "period", "weight", "low", "high"],
      rows: drift.map {
        [
          .text($0.community), .text($0.attribute), .text($0.period), .number($0.weight, digits: 3),
          .number($0.low, 3), .number($0.high, 3),
        ]
      })
  }

  var calibrationTable: DataTable {
    DataTable(
      name: "calibration", title: "Calibration",
      columns: ["model", "Brier score", "stated chance", "share right", "pairs"],
      rows: calibration.flatMap { entry in
        entry.bins.filter { $0.pairs > 0 }.map {
          [
            .text(entry.model), .number(entry.brier, digits: 4), .number($0.stated, digits: 3),
            .number($0.right, digits: 3), .count($0.pairs),
          ]
        }
      })
  }

  var correlationTable: DataTable {
    DataTable(
      name: "correlation", title: "Correlation and VIF",
      columns: ["attribute", "VIF"] + (correlation?.matrix.attributes ?? []),
      rows: correlation.map { entry in
        zip(Self.rows(entry.matrix), entry.vif).map { row, vif in
          [row[0], .number(vif, digits: 2)] + row.dropFirst()
        }
      } ?? [])
  }

  private static func rows(_ matrix: Matrix) -> [[DataTable.Cell]] {
    zip(matrix.attributes, matrix.values).map { name, row in
      [.text(name)] + row.map { .number($0, digits: 2) }
    }
  }
}
