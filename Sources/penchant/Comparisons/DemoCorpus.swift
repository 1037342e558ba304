import PenchantData
import PenchantTrain
import PenchantKernels

/// Comparisons of short answers by people of six communities with known tastes; docs/demo-corpus.md describes it.
///
/// Every answer is written from levels of seven traits. A community has a weight for each trait; an answer's worth to it is
/// the weighted sum, and of two answers to a question the first is preferred with chance sigmoid(difference). Everything is a
/// function of the seed.
struct DemoCorpus {
  var seed: UInt64
  var pairsPerCommunity: Int

  /// Traits in the order of the weights.
  static let traits = ["length", "evidence", "anecdote", "humour", "courtesy", "jargon", "carelessness"]

  /// Standard deviations of the traits' levels: 0, 1 and 2 alike, and carelessness in two of five answers.
  static let deviations = [Double](repeating: (2.0 / 3).squareRoot(), count: 6) + [0.8]

  static let communities: [(name: String, tastes: [Double])] = [
    ("engineers", [0.4, 1.7, -0.4, -0.3, 0.3, 1.2, -2.4]),
    ("storytellers", [0.7, 0.3, 2.0, 0.6, 0.5, -0.9, -1.8]),
    ("helpers", [0.5, 0.8, 0.5, -0.2, 1.8, -0.5, -2.0]),
    ("jokers", [-0.6, 0.2, 0.4, 2.2, -0.2, -0.7, -1.0]),
    ("scholars", [1.2, 2.0, -0.4, -0.7, 0.6, 0.6, -2.6]),
    ("minimalists", [-1.6, 1.0, -0.6, 0.1, 0.4, -0.2, -1.8]),
  ]

  struct Answer {
    var text: String
    var levels: [Double]
  }

  /// The pairs, community by community.
  func pairs() -> [PreferencePair] { drawn().map(\.pair) }

  /// The pairs, each with the difference of worth that it was drawn from.
  func drawn() -> [(pair: PreferencePair, difference: Double)] {
    var all: [(PreferencePair, Double)] = []
    for (place, community) in Self.communities.enumerated() {
      var draws = Philox(seed: seed, stream: 0x4445_4D4F_0000_0000 + UInt64(place))
      for index in 0..<pairsPerCommunity {
        let topic = Self.topics[draws.index(below: Self.topics.count)]
        let first = answer(topic, &draws)
        let second = answer(topic, &draws)
        let difference = zip(community.tastes, zip(first.levels, second.levels)).map { $0 * ($1.0 - $1.1) }
          .sum()
        let firstWins = draws.uniform() < sigmoid(difference)
        let (chosen, rejected) = firstWins ? (first, second) : (second, first)
        all.append(
          (
            PreferencePair(
              prompt: "What do you think about \(topic.name)?", chosen: chosen.text, rejected: rejected.text,
              community: community.name, user: "\(community.name)-\(index % 12)"),
            firstWins ? difference : -difference
          ))
      }
    }
    return all
  }

  private func answer(_ topic: Topic, _ draws: inout Philox) -> Answer {
    // A level is 0, 1 or 2; most answers are not careless.
    var levels = (0..<7).map { _ in Double(draws.index(below: 3)) }
    levels[6] = draws.uniform() < 0.4 ? Double(1 + draws.index(below: 2)) : 0
    func pick(_ list: [String], _ draws: inout Philox) -> String {
      list[draws.index(below: list.count)].replacing("{t}", with: topic.name).replacing(
        "{p}", with: topic.part
      )
      .replacing("{n}", with: "\(10 + draws.index(below: 80))")
    }
    var sentences: [String] = []
    for _ in 0..<(1 + 2 * Int(levels[0])) { sentences.append(pick(Self.plain, &draws)) }
    for (trait, list) in [
      (1, Self.evidence), (2, Self.anecdotes), (3, Self.humour), (4, Self.courtesy), (5, Self.jargon),
    ] {
      for _ in 0..<Int(levels[trait]) { sentences.append(pick(list, &draws)) }
    }
    for place in sentences.indices.dropFirst().reversed() {
      sentences.swapAt(place, draws.index(below: place + 1))
    }
    var text = sentences.joined(separator: " ")
    if levels[6] > 0 { text = careless(text, Int(levels[6]), &draws) }
    return Answer(text: text, levels: levels)
  }

  /// Swapped letters, lost capitals and lost full stops.
  private func careless(_ text: String, _ level: Int, _ draws: inout Philox) -> String {
    let words = text.split(separator: " ").map { word -> String in
      var letters = Array(word)
      if letters.count > 4, draws.uniform() < 0.12 * Double(level) {
        let place = 1 + draws.index(below: letters.count - 3)
        letters.swapAt(place, place + 1)
      }
      if level == 2 { letters.removeAll { $0 == "." || $0 == "," } }
      return String(letters)
    }
    return words.joined(separator: " ").lowercased()
  }

  private struct Topic {
    var name: String
    var part: String
  }
  private static let topics = [
    Topic(name: "night trains", part: "sleeping cars"), Topic(name: "standing desks", part: "desk frames"),
    Topic(name: "community gardens", part: "raised beds"),
    Topic(name: "electric bicycles", part: "batteries"),
    Topic(name: "paper notebooks", part: "bindings"), Topic(name: "open offices", part: "partition walls"),
    Topic(name: "home baking", part: "sourdough starters"),
    Topic(name: "public libraries", part: "reading rooms"),
    Topic(name: "heat pumps", part: "compressors"), Topic(name: "four-day weeks", part: "rotas"),
    Topic(name: "school uniforms", part: "blazers"), Topic(name: "city trams", part: "overhead lines"),
    Topic(name: "board games", part: "rule books"), Topic(name: "wood stoves", part: "chimneys"),
    Topic(name: "online lectures", part: "recordings"), Topic(name: "second-hand clothes", part: "seams"),
  ]
  private static let plain = [
    "I think {t} are worth it for most people.", "There are good sides and bad sides to {t}.",
    "The {p} matter more than people expect.", "It depends on where you live and what you need.",
    "People often forget the {p} when they talk about {t}.",
    "They have become more common in the last years.",
    "In the end it is a question of taste.", "A town can do without {t}, but it would be a pity.",
    "Good {p} make the difference.", "I would start small and see how it goes.",
  ]
  private static let evidence = [
    "A survey of {n} towns found that {t} paid off within three years.",
    "In a trial, {n} percent of users kept them.",
    "According to the yearly report, costs fell by {n} percent.",
    "Two studies measured the effect and agree within {n} percent.",
    "The data show a clear link with the quality of the {p}.",
  ]
  private static let anecdotes = [
    "My grandmother swore by {t} and I still remember her kitchen.",
    "When I was nine, my brother and I took one apart in the yard.",
    "Last winter I met an old man who told me his whole life about {t}.",
    "I cried the day our neighbours gave up on theirs.",
    "We once drove all night because of {p}, and I would do it again.",
  ]
  private static let humour = [
    "My cat has stronger opinions about {t} than I do!",
    "Frankly, {p} are what happens when engineers get lonely, haha.",
    "I tried to explain {t} to my dog; he left the room!",
    "If {t} were a person, they would owe me money, lol.",
    "Step one: buy {p}. Step two: regret everything!",
  ]
  private static let courtesy = [
    "Thank you for asking, I hope this helps.", "Please let me know if anything is unclear.",
    "I understand that this can be a hard choice.", "You are very welcome to write to me about it.",
    "With respect to those who see it differently, thank you for reading.",
  ]
  private static let jargon = [
    "The load factor of the {p} bounds the marginal throughput.",
    "One has to amortise the capital expenditure over the duty cycle.",
    "Latency under peak demand is dominated by the {p} subsystem.",
    "The tolerance stack-up of the {p} is within specification.",
    "A modular interface decouples the {p} from the topology.",
  ]
}
