/// Pairs with every distinct text stored once, so that texts are encoded once however often they are compared.
///
/// `chosen[i]` and `rejected[i]` are places in `texts`; `community[i]` and `user[i]` are places in `communities` and
/// `users`, which are sorted by name.
public struct PairTable: Sendable {
  public private(set) var texts: [String] = []
  public private(set) var chosen: [Int] = []
  public private(set) var rejected: [Int] = []
  /// The names of the communities; pairs without one belong to the community `""`.
  public private(set) var communities: [String] = []
  public private(set) var community: [Int] = []
  /// The names of the users; pairs without one belong to the user `""`.
  public private(set) var users: [String] = []
  public private(set) var user: [Int] = []
  /// The names of the posts, sorted; behind them one `""` for each pair that has no post, which is its own.
  public private(set) var posts: [String] = []
  /// Places in `posts`: what a bootstrap or a clustered error counts as one.
  public private(set) var post: [Int] = []
  public private(set) var weight: [Float] = []
  /// 0 where a pair has none.
  public private(set) var margin: [Float] = []

  public var count: Int { chosen.count }

  /// - Parameter text: what stands for a side of a pair; the response alone unless said otherwise. An encoder that
  ///   should see the prompt gets `{ $0 + "\n\n" + $1 }`.
  public init(
    _ pairs: [PreferencePair],
    text: (_ prompt: String, _ response: String) -> String = { _, response in response }
  ) {
    var textPlaces: [String: Int] = [:]
    func place(_ text: String) -> Int {
      if let known = textPlaces[text] { return known }
      textPlaces[text] = texts.count
      texts.append(text)
      return texts.count - 1
    }
    for pair in pairs {
      chosen.append(place(text(pair.prompt, pair.chosen)))
      rejected.append(place(text(pair.prompt, pair.rejected)))
      weight.append(Float(pair.weight))
      margin.append(Float(pair.margin ?? 0))
    }
    (communities, community) = PairTable.index(pairs.map { $0.community ?? "" })
    (users, user) = PairTable.index(pairs.map { $0.user ?? "" })
    // A post is named within its community: data sets of several forums may repeat short names.
    let named = pairs.map { pair in pair.post.map { "\(pair.community ?? "")/\($0)" } }
    posts = Set(named.compactMap(\.self)).sorted()
    let places = Dictionary(uniqueKeysWithValues: posts.enumerated().map { ($1, $0) })
    post = named.map { name in
      if let place = name.flatMap({ places[$0] }) { return place }
      posts.append("")
      return posts.count - 1
    }
  }

  /// The distinct names, sorted, and the place of each.
  private static func index(_ names: [String]) -> ([String], [Int]) {
    let sorted = Set(names).sorted()
    let places = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, $0) })
    return (sorted, names.map { places[$0] ?? 0 })
  }

  /// The places of the texts that the given pairs use, ascending: the texts to fit an encoder to.
  public func texts(ofPairs indices: some Sequence<Int>) -> [Int] {
    var used = [Bool](repeating: false, count: texts.count)
    for index in indices {
      used[chosen[index]] = true
      used[rejected[index]] = true
    }
    return used.indices.filter { used[$0] }
  }
}
