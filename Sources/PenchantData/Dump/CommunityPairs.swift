import PenchantKernels

/// The pairs of one community, by the file they go to.
struct CommunityPairs {
  let name: String
  let configuration: PairBuilderConfiguration
  /// Pairs by file name without ending: `train_2022`, `eval_2022_post`, …
  private(set) var files: [String: [JSONObject]] = [:]
  private(set) var counts = DumpCounts.Community()
  private(set) var duplicates = 0
  /// Comments of another period than their post.
  private(set) var outsideYears = 0
  private(set) var withoutPost = 0
  private(set) var lonelyPosts = 0
  private(set) var postsWithoutPair = 0

  private var posts: [String: ForumPost] = [:]
  private var comments: [String: [ForumComment]] = [:]
  private var seen: Set<String> = []

  init(name: String, configuration: PairBuilderConfiguration) {
    self.name = name
    self.configuration = configuration
  }

  /// Takes a record unless its name was there before.
  mutating func add(_ record: DumpRecord) {
    switch record {
    case .post(let post):
      if posts.updateValue(posts[post.id] ?? post, forKey: post.id) != nil { duplicates += 1 }
    case .comment(let comment):
      guard seen.insert(comment.id).inserted else {
        duplicates += 1
        return
      }
      comments[comment.post, default: []].append(comment)
    }
  }

  /// Makes the pairs of all records that were added.
  mutating func make() throws(KernelError) {
    for (id, list) in comments {
      guard let post = posts[id] else {
        withoutPost += list.count
        continue
      }
      let period = configuration.period(of: post.time)
      let kept = list.filter { configuration.period(of: $0.time) == period }
      outsideYears += list.count - kept.count
      comments[id] = kept
    }
    lonelyPosts = posts.keys.count { (comments[$0]?.count ?? 0) < 2 }
    var (main, test): ([String], [String]) = ([], [])
    for post in posts.values where (comments[post.id]?.count ?? 0) >= 2 {
      counts.posts += 1
      counts.comments += comments[post.id]?.count ?? 0
      switch configuration.period(of: post.time) {
      case .main: main.append(post.id)
      case .test: test.append(post.id)
      case nil: break
      }
    }
    try split(main.sorted())
    if let year = configuration.testYear {
      let pairs = try shuffled(pairs(of: test.sorted(), cap: cap(test.count)).flatMap(\.pairs), "test year")
      put(Array(pairs.prefix(configuration.testYearPairs)), "test_\(year)")
    }
    counts.pairs = files.mapValues(\.count)
  }

  /// Held-out posts, training pairs, and test pairs whose comments also train.
  private mutating func split(_ ids: [String]) throws(KernelError) {
    guard !ids.isEmpty else { return }
    let period = configuration.period
    let order = try shuffled(ids, "posts")
    let heldOut = max(1, min(300, order.count * 6 / 100))
    let cap = cap(order.count)
    let tested = pairs(of: Array(order.prefix(heldOut)), cap: cap)
    var train = try shuffled(pairs(of: Array(order.dropFirst(heldOut)), cap: cap).flatMap(\.pairs), "train")

    // Whole posts to either half: the half that selects a model shares no comment with the one that tests it.
    var (eval, test): ([JSONObject], [JSONObject]) = ([], [])
    for post in tested {
      if tested.count == 1 {
        eval += post.pairs.prefix(post.pairs.count / 2)
        test += post.pairs.dropFirst(post.pairs.count / 2)
      } else if test.count <= eval.count {
        test += post.pairs
      } else {
        eval += post.pairs
      }
    }
    put(eval, "eval_\(period)_post")
    put(test, "test_\(period)_post")

    // As many from the posts that train, but never more than half of them.
    let shared = min(eval.count + test.count, train.count / 2)
    put(Array(train.prefix(shared / 2)), "eval_\(period)_comment")
    put(Array(train[shared / 2..<shared]), "test_\(period)_comment")
    train.removeFirst(shared)
    put(Array(train.prefix(configuration.trainLimit)), "train_\(period)")
  }

  private mutating func put(_ pairs: [JSONObject], _ file: String) { files[file] = pairs }

  private func cap(_ posts: Int) -> Int { configuration.cap ?? (posts > 100_000 ? 20 : 50) }

  private mutating func pairs(of ids: [String], cap: Int) -> [(post: String, pairs: [JSONObject])] {
    let sampler = PairSampler(
      voteDifference: configuration.isFaithful ? 1 : configuration.voteDifference,
      votes: configuration.isFaithful ? .min : configuration.votes,
      isTimeControlled: configuration.isTimeControlled, cap: cap)
    var made: [(post: String, pairs: [JSONObject])] = []
    for id in ids {
      guard let post = posts[id], let list = comments[id] else { continue }
      let sorted = list.sorted { $0.id < $1.id }
      var random = Philox(seed: configuration.seed, stream: stream(id))
      let pairs = sampler.pairs(sorted, using: &random).map {
        record(post, sorted[$0.winner], sorted[$0.loser])
      }
      if pairs.isEmpty { postsWithoutPair += 1 } else { made.append((id, pairs)) }
    }
    return made
  }

  /// A line of a file: the fields of the specification, section 4.2.
  private func record(_ post: ForumPost, _ chosen: ForumComment, _ rejected: ForumComment) -> JSONObject {
    func message(_ role: String, _ text: String) -> JSONValue {
      [["role": .string(role), "content": .string(text)]]
    }
    return JSONObject([
      "id": .string("\(name)-\(post.id)-\(chosen.id)-\(rejected.id)"),
      "context": message("user", "\(post.title)\n\(post.body)"),
      "chosen": message("assistant", chosen.body), "rejected": message("assistant", rejected.body),
      "subreddit": .string(name), "margin": .shortest(Double(chosen.votes) - Double(rejected.votes)),
      "post_time": .shortest(post.time),
      "chosen_score": .integer(chosen.votes), "rejected_score": .integer(rejected.votes),
      "chosen_time": .shortest(chosen.time), "rejected_time": .shortest(rejected.time),
    ])
  }

  private func shuffled<Element>(_ list: [Element], _ purpose: String) throws(KernelError) -> [Element] {
    try permutation(list.count, seed: configuration.seed, stream: stream(purpose)).map { list[Int($0)] }
  }

  /// A stream of random numbers by name (FNV-1a, 64 bits), so that a community's pairs depend on no other community.
  private func stream(_ purpose: String) -> UInt64 {
    "\(name)/\(purpose)".utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
