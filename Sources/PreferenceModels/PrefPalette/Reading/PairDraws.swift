import PenchantKernels

/// How often every pair stands in other draws of the data: the bootstrap of a profile.
///
/// Pairs of a post are drawn together, with Poisson(1). Without posts, pairs that share a text are not independent either:
/// then a pair is there u + u' times, a number of mean 1/2 and variance 1 for each of its texts. Pairs with a text in common
/// so covary by 1, as in the dyadic cluster-robust variance (Aronow, Samii and Assenova 2015, section 2), and a pair's own
/// variance is 2 instead of 1: wide rather than narrow.
public struct PairDraws: Sendable {
  public enum Unit: String, Codable, Sendable { case posts, texts, pairs }

  public let unit: Unit
  private let seed: UInt64
  /// The cluster of each pair (`posts`, `pairs`), or its texts (`texts`), and how many there are.
  private let members: [[Int]]
  private let count: Int
  /// The half of the posts that each pair is in.
  private let half: [Bool]

  public init(_ data: PaletteData, seed: UInt64) {
    self.seed = seed
    let (post, posts) = Self.places(data.post.map { [$0] })
    var sizes = [Int](repeating: 0, count: posts)
    for place in post { sizes[place[0]] += 1 }
    half = post.map { $0[0] % 2 == 1 }
    let (text, texts) = Self.places(zip(data.chosen, data.rejected).map { [$0, $1] })
    let shared = post.count { sizes[$0[0]] > 1 }
    if 2 * shared >= data.count {
      (unit, members, count) = (.posts, post, posts)
    } else if 2 * data.count >= Self.manyPairs * texts {
      (unit, members, count) = (.texts, text, texts)
    } else {
      (unit, members, count) = (.pairs, post, posts)
    }
  }

  /// Pairs a text, on average, from which texts are drawn.
  private static let manyPairs = 3

  /// Names as numbers from 0 in the order of first appearance.
  private static func places(_ names: [[UInt32]]) -> ([[Int]], Int) {
    var place: [UInt32: Int] = [:]
    let members = names.map { names in
      names.map { name -> Int in
        let at = place[name, default: place.count]
        place[name] = at
        return at
      }
    }
    return (members, place.count)
  }

  /// How often each pair is drawn, a function of (seed, resample).
  public func counts(_ resample: Int) throws(KernelError) -> [Int] {
    let bootstrap = ClusterBootstrap(seed: seed)
    switch unit {
    case .posts, .pairs:
      let drawn = try bootstrap.weights(resample, clusters: count)
      return members.map { Int(drawn[$0[0]]) }
    case .texts:
      var stream = RandomStream(seed: seed, stream: Self.stream &+ UInt64(resample))
      // 0, 1 or 3 by these chances has the mean and the variance that are wanted.
      let drawn = try stream.uniforms(count).map { $0 < 0.75 ? 0 : $0 < 0.875 ? 1 : 3 }
      return members.map { drawn[$0[0]] + drawn[$0[1]] }
    }
  }

  /// Two halves of the posts, each pair of them twice.
  public var halves: [[Int]] { [half.map { $0 ? 0 : 2 }, half.map { $0 ? 2 : 0 }] }

  private static let stream: UInt64 = 0x5041_4952_0000_0000
}
