import PenchantKernels

@testable import PreferenceModels

/// Comments as people write them under posts: two to five sentences about everyday things, drawn from the seed.
enum CommentCorpus {
  static func comments(_ count: Int, communities: Int = 4, seed: UInt64 = 5) -> [CounterfactualRecord] {
    var draws = Philox(seed: seed, stream: 0x434F_4D4D)
    return (0..<count).map { number in
      let topic = topics[draws.index(below: topics.count)]
      var sentences: [String] = []
      while sentences.count < 2 + draws.index(below: 4) {
        let sentence = frames[draws.index(below: frames.count)].replacing("{t}", with: topic)
        if !sentences.contains(sentence) { sentences.append(sentence) }
      }
      let community = number % communities
      return CounterfactualRecord(
        id: "group\(community)-\(number)", community: "group \(community)", postTitle: "What about \(topic)?",
        original: sentences.joined(separator: " "))
    }
  }

  private static let topics = [
    "the night bus", "a used bike", "the allotment", "my landlord", "the oven", "a wool coat",
    "the chess club",
    "the old printer", "a kayak", "the school play", "solar panels", "the ferry", "a border collie",
    "the bakery",
  ]
  private static let frames = [
    "We tried {t} last spring and it worked for a while.", "You don't need to replace {t} every year.",
    "I think {t} will cost more than people say.", "The people next door have had trouble with {t}, too.",
    "It's a good idea to look at {t} before winter.",
    "Somebody told me that {t} is never quite what it looks like.",
    "Could be the weather, but {t} hasn't changed much.", "They're selling {t} at the market on Saturdays.",
    "A friend of mine repairs such things, and {t} took him two days.",
    "My sister must have asked about {t} ten times.",
    "There are better ways, and {t} might be one of them.", "In the long run {t} is worth the money.",
    "Nobody in our street talks about {t} any more.", "You should write down what you want from {t} first.",
  ]
}
