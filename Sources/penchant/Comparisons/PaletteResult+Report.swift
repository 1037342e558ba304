import Foundation
import PenchantReport
import PenchantTrain
import PreferenceModels

extension PaletteResult {
  /// The report's numbers.
  func reportInput(_ run: RunDirectory) -> PaletteReportInput {
    PaletteReportInput(
      title:
        "What \(communities.count > 1 ? "each community" : "people") in \(URL(fileURLWithPath: data).lastPathComponent) "
        + (communities.count > 1 ? "prefers" : "prefer"),
      pairs: pairs, attributes: attributes.map(Self.shown), accuracy: accuracy,
      profiles: profile.map(Self.weights) ?? [],
      responses: responses, explanations: explanations.map(Self.shown), heads: heads.cards.map(Self.shown),
      crossReaction: heads.crossReaction.isEmpty
        ? nil
        : PaletteReportInput.Matrix(attributes: heads.cards.map(\.attribute), values: heads.crossReaction),
      drift: periods.flatMap { period in
        Self.weights(period.profile).map {
          PaletteReportInput.Drift(
            community: $0.community, attribute: $0.attribute, period: period.name, weight: $0.weight,
            low: $0.low,
            high: $0.high)
        }
      }, calibration: chances.map(Self.shown), correlation: diagnostics.flatMap(Self.shown), facts: facts(run)
    )
  }

  private var accuracy: PaletteReportInput.Accuracy? {
    guard !testSets.isEmpty else { return nil }
    return PaletteReportInput.Accuracy(
      testSets: testSets.map {
        PaletteReportInput.Accuracy.TestSet(
          name: $0.name, meaning: $0.meaning, pairs: $0.pairs, sharesTexts: $0.shared > 0)
      },
      rows: rows.map { row in
        PaletteReportInput.Accuracy.Row(
          model: row.model, meaning: row.meaning, isOurs: row.isOurs,
          shares: row.accuracy.map { share in
            share.map {
              PaletteReportInput.Accuracy.Share(
                $0.value, low: number($0.interval.low), high: number($0.interval.high))
            }
          })
      })
  }

  private var responses: [PaletteReportInput.Response] {
    (curves?.curves ?? []).compactMap { curve in
      let levels = curve.levels.enumerated().filter { $0.element.isFinite }.map {
        PaletteReportInput.Response.Level(level: $0.offset + 1, effect: $0.element)
      }
      return levels.isEmpty
        ? nil
        : PaletteReportInput.Response(
          community: named(curve.community), attribute: curve.attribute, levels: levels)
    }
  }

  private func facts(_ run: RunDirectory) -> [PaletteReportInput.Fact] {
    var facts = [
      ("data", data), ("evaluation", evaluation), ("intervals of accuracies draw", clusters.rawValue),
      ("attributes learnt from", Set(heads.cards.map(\.teacher)).sorted().joined(separator: ", ")),
      ("texts", "\(texts)"), ("seed", "\(seed)"), ("threads", "\(threads)"), ("seconds", decimal(seconds, 1)),
      ("peak memory", "\(peakMemoryBytes / 1_048_576) MiB"), ("fingerprint of the margins", fingerprint),
      ("made with", "penchant \(RunEnvironment.version)"), ("files", run.path),
    ]
    if let refitting = profile?.refitting {
      facts.insert(
        (
          "intervals of weights",
          "\(refitting.refits) refits to other draws of the \(refitting.drawn.rawValue)"
        ), at: 4)
    }
    if let stability, stability.correlation.isFinite {
      facts.insert(
        (
          "weights of two halves of the posts",
          "correlate with \(decimal(stability.correlation, 2)); "
            + "\(decimal(100 * stability.signs, 0))% have the same sign"
        ), at: 4)
    }
    for set in testSets {
      guard let gain = gains.first(where: { $0.testSet == set.name && $0.community == nil }) else { continue }
      facts.insert(
        (
          "attributes add, \(set.name)",
          "\(decimal(100 * gain.difference.value, 1)) points of accuracy to content alone, 95% "
            + "\(decimal(100 * gain.difference.interval.low, 1)) to \(decimal(100 * gain.difference.interval.high, 1))"
        ), at: 2)
    }
    if let leaks {
      facts.append(
        ("test pairs with a text of training", leaks.sharedComment.map { "\(decimal(100 * $0, 1))%" } ?? "-"))
      if let earlier = leaks.earlierWins {
        facts.append(("the earlier text wins", "\(decimal(100 * earlier, 1))%"))
      }
    }
    return facts.map { PaletteReportInput.Fact($0.0, $0.1) }
  }

  private static func shown(_ attribute: Attribute) -> PaletteReportInput.Attribute {
    // Poles of a value are not adjectives.
    let isNorm = attribute.family == .norm
    return PaletteReportInput.Attribute(
      name: attribute.name, low: isNorm ? attribute.low : "", high: isNorm ? attribute.high : "",
      definition: attribute.definition)
  }

  private static func weights(_ profile: PaletteProfile) -> [PaletteReportInput.Weight] {
    profile.communities.flatMap { community in
      community.entries.filter { $0.weight.isFinite }.map { entry in
        PaletteReportInput.Weight(
          community: named(community.community), attribute: entry.attribute, weight: entry.weight,
          low: entry.certainty?.interval.low, high: entry.certainty?.interval.high,
          attentionShare: number(entry.attention), flagged: entry.certainty?.isFlagged ?? false)
      }
    }
  }

  private static func shown(_ pair: Explained) -> PaletteReportInput.Explanation {
    PaletteReportInput.Explanation(
      community: named(pair.community), context: pair.context, chosen: pair.chosen, rejected: pair.rejected,
      content: pair.explanation.content,
      parts: pair.explanation.terms.map {
        PaletteReportInput.Explanation.Part(attribute: $0.attribute, contribution: $0.change)
      }, total: pair.explanation.margin, probability: pair.explanation.probability)
  }

  private static func shown(_ card: AttributeCard) -> PaletteReportInput.Head {
    let splits = card.splits.sorted { $0.key < $1.key }.map {
      PaletteReportInput.Head.Score(split: $0.key, accuracy: $0.value.accuracy, pairs: $0.value.pairs)
    }
    let gaps = card.gaps.enumerated().filter { $0.element.pairs > 0 }.map {
      PaletteReportInput.Head.Score(
        split: "held out", gap: $0.offset + 1, accuracy: $0.element.accuracy, pairs: $0.element.pairs)
    }
    return PaletteReportInput.Head(
      attribute: card.attribute, teacher: card.teacher, scores: splits + gaps,
      people: card.people.flatMap { people in
        people.pairs == 0
          ? nil
          : PaletteReportInput.Head.People(
            source: "judgements", accuracy: people.accuracy,
            low: max(0, people.accuracy - 1.96 * people.standardError),
            high: min(1, people.accuracy + 1.96 * people.standardError), pairs: people.pairs)
      })
  }

  private static func shown(_ chances: Chances) -> PaletteReportInput.Calibration {
    PaletteReportInput.Calibration(
      model: chances.model, brier: chances.brier,
      bins: chances.reliability.bins.filter { $0.count > 0 }.map {
        PaletteReportInput.Calibration.Bin(stated: $0.confidence, right: $0.accuracy, pairs: $0.count)
      })
  }

  /// nil when a column is constant or a sum of others.
  private static func shown(_ diagnostics: ColumnDiagnostics) -> PaletteReportInput.Correlation? {
    let K = diagnostics.columns.count
    guard diagnostics.correlations.allSatisfy(\.isFinite), diagnostics.inflation.allSatisfy(\.isFinite) else {
      return nil
    }
    return PaletteReportInput.Correlation(
      matrix: PaletteReportInput.Matrix(
        attributes: diagnostics.columns,
        values: (0..<K).map { Array(diagnostics.correlations[$0 * K..<($0 + 1) * K]) }),
      vif: diagnostics.inflation)
  }

  private func named(_ community: String) -> String { Self.named(community) }
  private static func named(_ community: String) -> String { community.isEmpty ? "everybody" : community }
}

/// nil for what is not a number.
private func number(_ value: Double) -> Double? { value.isFinite ? value : nil }
