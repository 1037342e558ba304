import PenchantKernels
import PreferenceModels
import TestSupport

/// Generator G2 of the PrefPalette specification, section 9.2: 45 communities whose weights are w̄ + N(0, 0.4²), w̄ half
/// zeros and half N(0, 0.5²); 19 independent standard scores a text; labels by Bradley-Terry.
struct G2 {
  static let width = 19
  static let columns = (0..<width).map { "score \($0)" }
  var weights: [[Double]]
  private var random: Philox

  init(communities: Int = 45, seed: UInt64) {
    var random = Philox(seed: seed)
    let mean = (0..<G2.width).map { _ in random.uniform() < 0.5 ? 0 : 0.5 * random.normal() }
    weights = (0..<communities).map { _ in mean.map { $0 + 0.4 * random.normal() } }
    self.random = random
  }

  /// `count` pairs of each of some communities, five pairs a post.
  mutating func pairs(_ count: Int, of communities: Range<Int>) throws -> ScoredPairs {
    var (differences, places, posts): ([Double], [Int], [Int]) = ([], [], [])
    for community in communities {
      for pair in 0..<count {
        var difference = (0..<G2.width).map { _ in random.normal() - random.normal() }
        let margin = zip(difference, weights[community]).reduce(0) { $0 + $1.0 * $1.1 }
        if random.uniform() >= 1 / (1 + exponential(-margin)) { difference = difference.map { -$0 } }
        differences += difference
        places.append(community)
        posts.append((community * count + pair) / 5)
      }
    }
    return try ScoredPairs(differences: differences, columns: G2.columns, community: places, post: posts)
  }
}
