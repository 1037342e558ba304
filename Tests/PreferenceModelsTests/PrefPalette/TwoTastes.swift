import PenchantData
import PenchantKernels
import PenchantTrain

@testable import PreferenceModels

/// Comments with and without courtesy, under posts of communities that like it, and of one that does not.
enum TwoTastes {
  static let communities = ["friendly", "gruff", "kind"]

  static func pairs(_ each: Int, seed: UInt64 = 3) throws -> [PreferencePair] {
    var draws = Philox(seed: seed, stream: 0x5457_4F54)
    let comments = CommentCorpus.comments(2 * each * communities.count, communities: 1, seed: seed)
    var pairs: [PreferencePair] = []
    for (place, community) in communities.enumerated() {
      for number in 0..<each {
        let at = 2 * (place * each + number)
        let polite = comments[at].original + " " + courtesies[draws.index(below: courtesies.count)]
        let plain = comments[at + 1].original + " " + fillers[draws.index(below: fillers.count)]
        let likes = (community != "gruff") == (draws.uniform() < 0.85)
        // Years and quarters after 2021; the chosen text is written first in two pairs of three.
        let time = 1_609_459_200 + Double(number) * 86_400 * 9
        pairs.append(
          PreferencePair(
            prompt: comments[at].context, chosen: likes ? polite : plain, rejected: likes ? plain : polite,
            community: community, post: "post \(number / 2)", chosenTime: time,
            rejectedTime: time + (number % 3 == 0 ? -60 : 60)))
      }
    }
    return pairs
  }

  private static let courtesies = [
    "Thank you for asking.", "Please tell us how it went.", "Many thanks, and pardon my late answer.",
    "Much appreciated, thanks.", "Kindly let me know, please.",
  ]

  /// As long as the courtesies: length is no clue.
  private static let fillers = [
    "We shall see about it then.", "It was about noon when we left.",
    "The shop is round the corner of our street.",
    "It rained there all week.", "The other one stood in the yard.",
  ]

  /// Small enough for a test.
  static var configuration: TextPaletteConfiguration {
    var configuration = TextPaletteConfiguration()
    configuration.attributes.list = "politeness,verbosity"
    configuration.attributes.texts = 60
    configuration.features.featuriser.longestCharacters = 0
    configuration.content.width = 6
    configuration.content.folds = 3
    configuration.content.ridges = [10]
    configuration.heads.width = 8
    configuration.heads.batchSize = 64
    configuration.heads.learningRate = 5e-3
    configuration.heads.run.epochs = 8
    configuration.selection.ridges = [0.002]
    configuration.profile.refits = 4
    configuration.optimizer.batchSize = 50
    return configuration
  }
}
