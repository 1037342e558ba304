/// The parts of the page that have data, in the order of reading.
struct PaletteSections {
  let input: PaletteReportInput
  let narrative: PaletteNarrative

  var all: [PaletteSection] {
    [accuracy, map, profiles, responses, explanations, drift, calibration, detectors, correlation]
      .compactMap(\.self)
  }

  private var accuracy: PaletteSection? {
    guard let accuracy = input.accuracy, !accuracy.rows.isEmpty, !accuracy.testSets.isEmpty else {
      return nil
    }
    let grid = PaletteSection.Grid(
      header: ["model"] + accuracy.testSets.map(\.name),
      rows: accuracy.rows.map { row in
        (
          row.model, row.meaning, row.isOurs,
          row.shares.map { (decimal($0?.value, 3), interval($0?.low, $0?.high, 3)) }
        )
      })
    var section = PaletteSection(
      id: "accuracy", title: "How often it is right",
      paragraphs: [
        "Each number is the share of pairs for which a model names the text that was really preferred. A coin gets "
          + "0.5, perfection is 1. Below it stands the 95% interval: the same experiment with other pairs would "
          + "mostly land in it, so two models whose intervals overlap much may be equally good.",
        "The test sets: "
          + accuracy.testSets.map {
            "\($0.name) (\(PaletteNarrative.grouped($0.pairs)) pairs): \($0.meaning)"
          }.joined(separator: "; ") + ".",
      ], grid: grid, tables: [input.accuracyTable])
    if let set = accuracy.honest {
      let rows = accuracy.rows.compactMap { row in
        row.shares[set].map { BarChart.Row(row.model, $0.value, low: $0.low, high: $0.high) }
      }
      section.charts = [
        BarChart(
          title: "The models on \(accuracy.testSets[set].name)",
          caption: "The line is what a coin gets; whiskers are 95% intervals.", x: "share right", from: 0.5,
          series: [(accuracy.testSets[set].name, rows)], mark: ("a coin", 0.5))
      ]
    }
    return section
  }

  /// Weights of a community by attribute; both in order of appearance.
  private var table: (attributes: [String], values: [[Double?]]) {
    let attributes = input.profiles.map(\.attribute).withoutRepeats
    let found = Dictionary(
      input.profiles.map { ([$0.community, $0.attribute], $0.weight) },
      uniquingKeysWith: { first, _ in first })
    return (attributes, narrative.communities.map { community in attributes.map { found[[community, $0]] } })
  }

  private var map: PaletteSection? {
    guard narrative.communities.count > 1 else { return nil }
    let (attributes, values) = table
    var charts: [any Chart] = [
      HeatMap(
        title: "Tastes of all communities",
        caption:
          "Blue: more of it wins there. Orange: more of it loses. Alike communities stand together; the "
          + "brackets at the right join them, the deeper the less alike.",
        rows: narrative.communities, columns: attributes, values: values,
        key: "weight, in log-odds for one standard deviation")
    ]
    if narrative.communities.count > 3 {
      charts.append(
        HeatMap(
          title: "Compared with the other communities",
          caption:
            "The same, but against the mean of the communities: blue where a community likes it more than "
            + "others do, orange where less, in standard deviations between communities.",
          rows: narrative.communities, columns: attributes, values: Self.standardised(values),
          key: "standard deviations from the mean of the communities"))
    }
    return PaletteSection(
      id: "map", title: "All communities at a glance",
      paragraphs: [
        "Rows are communities, columns are attributes of a text. The deeper a colour, the more the attribute decides "
          + "there. A pale cell means that it hardly matters."
      ], charts: charts)
  }

  /// Columns with mean 0 and standard deviation 1 over the rows that have a value.
  static func standardised(_ values: [[Double?]]) -> [[Double?]] {
    var values = values
    for column in (values.first ?? []).indices {
      let present = values.compactMap { $0[column] }
      let mean = present.reduce(0, +) / Double(max(1, present.count))
      let variance =
        present.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, present.count - 1))
      for row in values.indices {
        values[row][column] = values[row][column].map {
          variance > 0 ? ($0 - mean) / variance.squareRoot() : 0
        }
      }
    }
    return values
  }

  private var profiles: PaletteSection? {
    guard !input.profiles.isEmpty else { return nil }
    let ends = input.profiles.flatMap { [$0.weight, $0.low ?? $0.weight, $0.high ?? $0.weight] }
    let most = input.profiles.compactMap(\.attentionShare).max() ?? 0
    let byCommunity = Dictionary(grouping: input.profiles, by: \.community)
    let panels = narrative.communities.map { community -> SignedBars in
      let taste = narrative.taste(of: community)
      return SignedBars(
        title: community, caption: taste.prefix(1).uppercased() + taste.dropFirst() + ".",
        rows: (byCommunity[community] ?? []).stableSorted { $0.weight > $1.weight }.map {
          SignedBars.Row(
            $0.attribute, $0.weight, low: $0.low, high: $0.high, share: $0.attentionShare,
            isFlagged: $0.flagged)
        }, including: [ends.min() ?? 0, ends.max() ?? 0], mostShare: most)
    }
    var paragraphs = [
      "A bar to the right: of two \(input.texts) that are otherwise alike, the one with more of the attribute wins; to "
        + "the left, it loses. The percentages below say how often, when it has one standard deviation more, which "
        + "is about the distance from an average text to the top sixth. Whiskers are 95% intervals. Pale bars may "
        + "be chance: they do not stand out after allowing for the \(input.profiles.count) effects looked at."
    ]
    if most > 0 {
      paragraphs.append(
        "The dot at the right is the share of the model's attention. A triangle warns where the rank by attention "
          + "and the rank by weight differ by more than 5 places: attention alone would mislead there.")
    }
    return PaletteSection(
      id: "profiles", title: "What each community goes by", paragraphs: paragraphs, panels: panels,
      tables: [input.profileTable])
  }

  /// Lines in a panel that can be told apart.
  private static let mostLines = 6
  /// Lines picked out when there are more.
  private static let pickedLines = 3

  private var responses: PaletteSection? {
    guard !input.responses.isEmpty else { return nil }
    let range = input.responses.flatMap(\.levels).flatMap {
      [$0.effect, $0.low ?? $0.effect, $0.high ?? $0.effect]
    }
    let byAttribute = Dictionary(grouping: input.responses, by: \.attribute)
    let panels = input.responses.map(\.attribute).withoutRepeats.map { attribute -> ResponseCurves in
      let curves = byAttribute[attribute] ?? []
      let reach = curves.map { curve in
        abs((curve.levels.last?.effect ?? 0) - (curve.levels.first?.effect ?? 0))
      }
      let cut = curves.count > Self.mostLines ? reach.sorted(by: >)[Self.pickedLines - 1] : 0
      let poles = input.attributes.first { $0.name == attribute }
      let from = poles.map { $0.low.isEmpty ? "" : ": 1 \($0.low), 5 \($0.high)" } ?? ""
      return ResponseCurves(
        title: attribute,
        caption: curves.count > Self.mostLines
          ? "The communities that respond most, in colour; the other lines are the rest." : "",
        labels: ["1", "2", "3", "4", "5"], x: "level" + from,
        lines: zip(curves, reach).map { curve, reach in
          ResponseCurves.Line(
            curve.community,
            curve.levels.sorted { $0.level < $1.level }.map {
              ResponseCurves.Point(step: $0.level - 1, value: $0.effect, low: $0.low, high: $0.high)
            }, isHighlighted: reach >= cut)
        }, including: [range.min() ?? 0, range.max() ?? 0])
    }
    return PaletteSection(
      id: "responses", title: "What happens when a text is rewritten",
      paragraphs: [
        "The same texts were rewritten at five levels of one attribute, from its low end (1) to its high end (5). A "
          + "line that climbs: the community likes it more with every level. A hump: there is too little and too "
          + "much. Values are changes of utility against level 3; bands are 95% intervals."
      ], panels: panels, tables: [input.responsePage])
  }

  private var explanations: PaletteSection? {
    guard !input.explanations.isEmpty else { return nil }
    return PaletteSection(
      id: "pairs", title: "Single choices taken apart",
      paragraphs: [
        "For each pair: what the content says by itself, then what each attribute adds or takes away, down to the sum. "
          + "To the right speaks for the text that was really chosen. The sum gives the model's chance for it."
      ],
      pairs: input.explanations.enumerated().map { index, pair in
        PaletteSection.Pair(
          heading: "Pair \(index + 1), \(pair.community)",
          quotes: (pair.context.isEmpty ? [] : [PaletteSection.Quote(name: "asked", text: pair.context)]) + [
            PaletteSection.Quote(name: "chosen", text: pair.chosen),
            PaletteSection.Quote(name: "rejected", text: pair.rejected),
          ],
          chart: Waterfall(
            title: "Pair \(index + 1) taken apart",
            caption: "Blue speaks for the chosen text, orange against it.",
            parts: PaletteReportInput.contributions(of: pair)),
          verdict: "The model gives the chosen text a chance of \(percent(pair.probability)): "
            + (pair.probability > 0.5 ? "it agrees with the community." : "it would have picked the other."))
      }, tables: [input.contributionTable])
  }

  private var drift: PaletteSection? {
    guard !input.drift.isEmpty else { return nil }
    let periods = input.drift.map(\.period).withoutRepeats.sorted()
    let ends = input.drift.flatMap { [$0.weight, $0.low ?? $0.weight, $0.high ?? $0.weight] }
    let byCommunity = Dictionary(grouping: input.drift, by: \.community)
    let panels = input.drift.map(\.community).withoutRepeats.map { community -> ResponseCurves in
      let entries = byCommunity[community] ?? []
      let attributes = entries.map(\.attribute).withoutRepeats.stableSorted { a, b in
        let size = { (name: String) in
          entries.filter { $0.attribute == name }.map { abs($0.weight) }.max() ?? 0
        }
        return size(a) > size(b)
      }
      let lines = attributes.enumerated().map { rank, attribute in
        ResponseCurves.Line(
          attribute,
          entries.filter { $0.attribute == attribute }.compactMap { entry in
            periods.firstIndex(of: entry.period).map {
              ResponseCurves.Point(step: $0, value: entry.weight, low: entry.low, high: entry.high)
            }
          }.sorted { $0.step < $1.step }, isHighlighted: rank < Self.mostLines)
      }
      return ResponseCurves(
        title: community, caption: "", labels: periods, x: "period", lines: lines,
        including: [ends.min() ?? 0, ends.max() ?? 0])
    }
    return PaletteSection(
      id: "drift", title: "Do tastes change?",
      paragraphs: [
        "Weights of the strongest attributes, learnt from each period by itself. Where the bands of two periods "
          + "overlap, the change may be chance."
      ], panels: panels, tables: [input.driftTable])
  }

  private var calibration: PaletteSection? {
    guard !input.calibration.isEmpty else { return nil }
    let brier = input.calibration.map { "\($0.model) \(decimal($0.brier, 4))" }.joined(separator: ", ")
    return PaletteSection(
      id: "calibration", title: "Can its chances be believed?",
      paragraphs: [
        "When the model says 80%, is it right in 80 of 100 cases? On the dashed line it is. Dots below the line: it "
          + "is too sure of itself. The larger a dot, the more pairs.",
        "Brier score, the mean squared distance of chance and outcome (0 is perfect, 0.25 is a coin): \(brier).",
      ],
      charts: [
        CalibrationChart(
          title: "Stated chance and share right", caption: "The dashed line is perfect.",
          series: input.calibration.map { entry in
            (
              entry.model,
              entry.bins.map {
                CalibrationChart.Bin(confidence: $0.stated, accuracy: $0.right, count: $0.pairs)
              }
            )
          })
      ], tables: [input.calibrationTable])
  }

  /// From this absolute value on two attributes cannot be told apart (section 9.4, test 7).
  private static let crossBound = 0.5

  private var detectors: PaletteSection? {
    guard !input.heads.isEmpty || input.crossReaction != nil else { return nil }
    var section = PaletteSection(
      id: "detectors", title: "How well the attributes are detected",
      paragraphs: [
        "Every attribute has a small model that scores texts for it. It learnt from texts that a teacher rewrote. "
          + "\"Right order\" is the share of rewritten pairs that it puts in the right order; a gap of 4 is the two "
          + "extremes, a gap of 1 are neighbours. Only agreement with people shows that it finds what people mean."
      ], cards: input.heads.map(card), tables: [input.headTable, input.crossReactionTable])
    if let cross = input.crossReaction {
      section.lastCharts = [
        MatrixTable(
          title: "Cross reaction",
          caption:
            "How far the score of the row moves when the attribute of the column is rewritten from level 1 to "
            + "level 5. The diagonal should be deep, the rest pale; a frame marks pairs (0.5 or more) that cannot be "
            + "told apart.",
          names: cross.attributes, values: cross.values, key: "standard deviations of the score",
          threshold: Self.crossBound)
      ]
    }
    return section
  }

  private func card(_ head: PaletteReportInput.Head) -> PaletteSection.Card {
    let attribute = input.attributes.first { $0.name == head.attribute }
    let poles = attribute.map { $0.low.isEmpty ? $0.definition : "\($0.low) to \($0.high)" } ?? ""
    var lines = head.scores.map { score in
      (
        name: score.split + (score.gap.map { ", gap \($0)" } ?? ""),
        value: "\(decimal(score.accuracy, 3)) of \(PaletteNarrative.grouped(score.pairs))"
      )
    }
    lines.insert((name: "teacher", value: head.teacher), at: 0)
    var note = ""
    if let cross = input.crossReaction, let column = cross.attributes.firstIndex(of: head.attribute) {
      let row = cross.values[column]
      let others = zip(cross.attributes, row).enumerated()
        .filter { $0.offset != column && abs($0.element.1) >= Self.crossBound }
        .map(\.element).stableSorted { abs($0.1) > abs($1.1) }
      if !others.isEmpty {
        note = "Also moves with " + sentence(others.map { "\($0.0) (\(decimal($0.1, plus: true)))" }) + "."
      }
    }
    let badge = head.people.map { people in
      let ends = interval(people.low, people.high)
      return "People agree: \(decimal(people.accuracy))" + (ends.isEmpty ? "" : " (\(ends))")
        + ", \(PaletteNarrative.grouped(people.pairs)) pairs, \(people.source)"
    }
    return PaletteSection.Card(
      name: head.attribute, poles: poles, badge: badge ?? "not validated on people",
      isValidated: badge != nil, lines: lines, note: note)
  }

  private var correlation: PaletteSection? {
    guard let correlation = input.correlation else { return nil }
    let tangled = correlation.tangled
    return PaletteSection(
      id: "correlation", title: "Which attributes come together",
      paragraphs: [
        "Texts that are formal are often polite too. The more two attributes come together, the less can be said about "
          + "one of them alone. VIF tells how much wider that makes the interval of a weight (1: not at all; above "
          + "5, in frames and triangles below: do not read the weight by itself).",
        tangled.isEmpty ? "No attribute is above 5." : "Above 5: \(sentence(tangled)).",
      ],
      charts: [
        MatrixTable(
          title: "Correlation of the attribute scores",
          caption:
            "1: always together, −1: never together, 0: nothing to do with each other. A frame marks 0.5 or "
            + "more; a triangle marks a VIF above 5.",
          names: correlation.matrix.attributes, values: correlation.matrix.values, key: "correlation",
          threshold: Self.crossBound,
          side: ("VIF", correlation.vif, PaletteReportInput.Correlation.bound))
      ], tables: [input.correlationTable])
  }
}
