import Foundation
import PenchantReport

/// A report's input as a trained model would give it, made from a seed.
enum PaletteFixture {
  static let attributes: [PaletteReportInput.Attribute] =
    [
      ("supportiveness", "toxic", "supportive"), ("politeness", "rude", "polite"),
      ("sarcasm", "genuine", "sarcastic"), ("humor", "serious", "humorous"),
      ("formality", "casual", "formal"), ("verbosity", "concise", "verbose"),
      ("directness", "indirect", "direct"), ("assertiveness", "passive", "assertive"),
      ("empathy", "detached", "empathetic"),
    ].map { PaletteReportInput.Attribute(name: $0.0, low: $0.1, high: $0.2) }
    + [
      "Self-Direction", "Stimulation", "Hedonism", "Achievement", "Power", "Security", "Conformity",
      "Tradition",
      "Benevolence", "Universalism",
    ].map { PaletteReportInput.Attribute(name: $0, definition: "How much a text speaks for \($0).") }

  static let places = [
    "cooking", "bicycle repair", "first aid", "allotment gardens", "night sky", "choir practice", "old maps",
    "train spotting", "short stories", "house plants", "chess problems", "sea kayaking", "language exchange",
    "tax questions", "new parents",
  ]

  static func communities(_ count: Int) -> [String] {
    (0..<count).map { place in
      let round = place / places.count
      return places[place % places.count]
        + (round == 0 ? "" : [" for beginners", " in Canada", " abroad"][(round - 1) % 3])
    }
  }

  /// Standard normal draws (Box–Muller).
  final class Normals {
    private var generator: any RandomNumberGenerator
    init(_ generator: any RandomNumberGenerator) { self.generator = generator }
    private func unit() -> Double { (Double(generator.next() >> 11) + 0.5) * 0x1p-53 }
    func callAsFunction() -> Double { (-2 * log(unit())).squareRoot() * cos(2 * .pi * unit()) }
  }

  static func input(
    communities count: Int, attributes kept: Int = 19, from generator: any RandomNumberGenerator
  ) -> PaletteReportInput {
    let communities = communities(count)
    let attributes = Array(attributes.prefix(kept))
    let names = attributes.map(\.name)
    let normal = Normals(generator)
    let common = names.map { _ in 0.35 * normal() }
    var profiles: [PaletteReportInput.Weight] = []
    var responses: [PaletteReportInput.Response] = []
    for community in communities {
      let shares = names.map { _ in exp(0.5 * normal()) }
      let whole = shares.reduce(0, +)
      for (index, name) in names.enumerated() {
        let weight = common[index] + 0.35 * normal()
        let error = 0.09 + 0.03 * abs(normal())
        profiles.append(
          PaletteReportInput.Weight(
            community: community, attribute: name, weight: weight, low: weight - 1.96 * error,
            high: weight + 1.96 * error, attentionShare: shares[index] / whole,
            flagged: abs(weight) > 2.6 * error))
        let bend = 0.05 * normal()
        responses.append(
          PaletteReportInput.Response(
            community: community, attribute: name,
            levels: (1...5).map { level in
              let step = Double(level - 3)
              let noise = level == 3 ? 0 : 0.02 * normal()
              let effect: Double = 0.6 * weight * step - bend * step * step + noise
              let half = 0.07 * abs(step)
              return PaletteReportInput.Response.Level(
                level: level, effect: effect, low: effect - half, high: effect + half)
            }))
      }
    }
    return PaletteReportInput(
      title: "PrefPalette: what \(count == 1 ? communities[0] : "\(count) communities") prefer",
      pairs: 2000 * count, attributes: attributes, accuracy: accuracy(count), profiles: profiles,
      responses: responses, explanations: explanations(communities, names, normal: normal),
      heads: attributes.enumerated().map { head($1.name, isValidated: $0 % 4 == 1) },
      crossReaction: PaletteReportInput.Matrix(
        attributes: names,
        values: matrix(names.count, diagonal: 1.9, spread: 0.14, neighbour: 0.55, normal: normal)),
      drift: drift(communities.prefix(3), names.prefix(4), normal: normal),
      calibration: calibration(), correlation: correlation(names, normal: normal),
      facts: [
        PaletteReportInput.Fact("system", "prefpalette, signed form, pooled"),
        PaletteReportInput.Fact("data", "pairs.jsonl.gz"), PaletteReportInput.Fact("seed", "7"),
      ])
  }

  private static func accuracy(_ count: Int) -> PaletteReportInput.Accuracy {
    let sets = [
      ("same posts", "posts that were also learnt from", true), ("new posts", "posts set aside whole", false),
      ("next year", "posts of the year after", false),
      ("later text won", "pairs where the preferred text came later, so that being early cannot help", false),
    ]
    let models = [
      ("coin", "guesses", 0.5), ("earlier wins", "goes by the clock alone", 0.612),
      ("longer wins", "goes by the length alone", 0.571), ("content only", "no attributes", 0.781),
      ("attributes only", "19 scores, no content", 0.774),
      ("norms only", "content and the nine norms", 0.802),
      ("values only", "content and the ten values", 0.791),
      ("PrefPalette", "content and all attributes", 0.834),
      ("PrefPalette without attributes", "the same model, attributes absent", 0.776),
    ]
    let half = 0.03 / Double(count).squareRoot()
    return PaletteReportInput.Accuracy(
      testSets: sets.map {
        PaletteReportInput.Accuracy.TestSet(name: $0.0, meaning: $0.1, pairs: 300 * count, sharesTexts: $0.2)
      },
      rows: models.map { name, meaning, value in
        PaletteReportInput.Accuracy.Row(
          model: name, meaning: meaning, isOurs: name == "PrefPalette",
          shares: [0.012, 0, -0.011, -0.02].enumerated().map { place, move in
            guard name != "norms only" || place < 2 else { return nil }
            let value = name == "coin" ? 0.5 : name == "earlier wins" && place == 3 ? 0.0 : value + move
            return name == "coin"
              ? PaletteReportInput.Accuracy.Share(value)
              : PaletteReportInput.Accuracy.Share(
                value, low: max(0, value - half), high: min(1, value + half))
          })
      })
  }

  private static func explanations(
    _ communities: [String], _ names: [String], normal: Normals
  ) -> [PaletteReportInput.Explanation] {
    let texts = [
      (
        "How do I keep a sourdough starter alive while I travel for two weeks?",
        "Feed it well, let it rise for an hour, then put it in the coldest corner of the fridge. Mine has slept for "
          + "three weeks like that and woke up after two feeds. You will be fine, and so will it!",
        "Oh sure, because a jar of flour surely needs a babysitter. Just buy bread."
      ),
      (
        "My chain slips on the smallest sprocket only. New chain, old cassette.",
        "The old sprocket has worn to the shape of the old chain. Replace the cassette.",
        "It could perhaps be many things, I am not quite sure, maybe the cable, or the hanger, or something else?"
      ),
      (
        "", "I hear you, that sounds exhausting. One small thing a day is enough.",
        "Statistically most people cope."
      ),
    ]
    return texts.enumerated().map { index, text in
      let parts = names.map {
        PaletteReportInput.Explanation.Part(attribute: $0, contribution: 0.25 * normal())
      }
      let content = index == 1 ? -0.4 : 0.5
      let total = parts.reduce(content) { $0 + $1.contribution }
      return PaletteReportInput.Explanation(
        community: communities[index % communities.count], context: text.0, chosen: text.1, rejected: text.2,
        content: content, parts: parts, total: total, probability: 1 / (1 + exp(-total)))
    }
  }

  private static func head(_ name: String, isValidated: Bool) -> PaletteReportInput.Head {
    PaletteReportInput.Head(
      attribute: name, teacher: "rules",
      scores: (1...4).map {
        PaletteReportInput.Head.Score(
          split: "new texts", gap: $0, accuracy: [0.871, 0.972, 0.994, 1][$0 - 1], pairs: 1600 - 320 * $0)
      } + [PaletteReportInput.Head.Score(split: "new communities", accuracy: 0.934, pairs: 2140)],
      people: isValidated
        ? PaletteReportInput.Head.People(
          source: "two judges a pair", accuracy: 0.653, low: 0.606, high: 0.698, pairs: 443) : nil)
  }

  private static func matrix(
    _ size: Int, diagonal: Double, spread: Double, neighbour: Double, normal: Normals
  ) -> [[Double]] {
    (0..<size).map { i in
      (0..<size).map { j in
        i == j ? diagonal : (i + j == 1 || i + j == 15 ? neighbour : 0) + spread * normal()
      }
    }
  }

  private static func correlation(
    _ names: [String], normal: Normals
  ) -> PaletteReportInput.Correlation {
    var values = matrix(names.count, diagonal: 1, spread: 0.12, neighbour: 0.7, normal: normal)
    for i in values.indices { for j in 0..<i { values[i][j] = values[j][i] } }
    return PaletteReportInput.Correlation(
      matrix: PaletteReportInput.Matrix(attributes: names, values: values),
      vif: names.indices.map { $0 < 2 ? 5.8 + Double($0) : 1.2 + 0.3 * abs(normal()) })
  }

  private static func drift(
    _ communities: some Sequence<String>, _ names: some Sequence<String>, normal: Normals
  ) -> [PaletteReportInput.Drift] {
    communities.flatMap { community in
      names.flatMap { name -> [PaletteReportInput.Drift] in
        var weight = 0.4 * normal()
        return (1...4).map { quarter in
          weight += 0.08 * normal()
          return PaletteReportInput.Drift(
            community: community, attribute: name, period: "2022 Q\(quarter)", weight: weight,
            low: weight - 0.15, high: weight + 0.15)
        }
      }
    }
  }

  private static func calibration() -> [PaletteReportInput.Calibration] {
    [("PrefPalette", 0.94, 0.1183), ("content only", 0.86, 0.1542)].map { name, slope, brier in
      PaletteReportInput.Calibration(
        model: name, brier: brier,
        bins: (0..<10).map { bin in
          let stated = 0.525 + 0.05 * Double(bin)
          return PaletteReportInput.Calibration.Bin(
            stated: stated, right: 0.5 + (stated - 0.5) * slope, pairs: 400 - 30 * bin)
        })
    }
  }
}
