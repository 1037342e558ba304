import Foundation
import PenchantData
import PenchantKernels

/// A large log for measurements of scale: items are taken by a power law, lengths are geometric, and the history of a user is
/// a function of the seed and the user alone, so that nothing is kept.
///
/// With chance `following` the next item is a fixed function of the present one, so that there is something to learn.
public struct PowerLawLog: Sendable {
  public struct Configuration: Sendable, Equatable, Codable {
    public var users = 1_000_000
    public var items = 1_000_000
    /// The r-th most popular item is taken in proportion to r^-exponent.
    public var exponent = 1.0
    /// Lengths are `shortest` and a geometric number more, with this mean in all, cut at `longest`.
    public var shortest = 5
    public var meanLength = 10.0
    public var longest = 200
    public var following = 0.3
    public var seed: UInt64 = 0

    public init(users: Int = 1_000_000, items: Int = 1_000_000, seed: UInt64 = 0) {
      self.users = users
      self.items = items
      self.seed = seed
    }

    /// - Throws: `KernelError.value` for the first that is out of range.
    public func validate() throws(KernelError) {
      guard users >= 0, users < Int(Int32.max), items >= 1, items < Int(Int32.max) else {
        throw .value("PowerLawLog", "\(users) users and \(items) items")
      }
      guard exponent >= 0, exponent <= 4 else {
        throw .value("PowerLawLog", "an exponent of \(exponent); 0 to 4 is possible")
      }
      guard shortest >= 1, meanLength >= Double(shortest), longest >= shortest, meanLength <= Double(longest)
      else {
        throw .value("PowerLawLog", "lengths from \(shortest) to \(longest) with mean \(meanLength)")
      }
      guard (0...1).contains(following) else {
        throw .value("PowerLawLog", "a chance of following of \(following); 0 to 1 is possible")
      }
    }
  }

  public let configuration: Configuration
  /// A multiplier without a common factor with the number of items, so that id = rank · multiplier is a permutation:
  /// popular items are spread over the ids.
  private let multiplier: Int

  private static let stream: UInt64 = 0x504F_5745_5200_0000

  /// - Throws: `KernelError.value` for a configuration out of range.
  public init(_ configuration: Configuration) throws(KernelError) {
    try configuration.validate()
    self.configuration = configuration
    var candidate = Int(Double(configuration.items) * 0.618) | 1
    while PowerLawLog.commonFactor(candidate, configuration.items) != 1 { candidate += 2 }
    multiplier = candidate
  }

  private static func commonFactor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }

  /// The history of one user.
  public func sequence(_ user: Int) -> [Int32] {
    var draws = Philox(seed: configuration.seed, stream: Self.stream &+ UInt64(user))
    let more = configuration.meanLength - Double(configuration.shortest)
    let extra = more > 0 ? log(1 - draws.uniform()) / log(more / (more + 1)) : 0
    let length = min(configuration.longest, configuration.shortest + Int(extra))
    var items: [Int32] = []
    items.reserveCapacity(length)
    while items.count < length {
      if let last = items.last, draws.uniform() < configuration.following {
        items.append(successor(last))
      } else {
        items.append(spread(rank(draws.uniform())))
      }
    }
    return items
  }

  /// What follows an item when it is followed; never the item itself if there are others.
  public func successor(_ item: Int32) -> Int32 {
    Int32((Int(item) + configuration.items / 3) % configuration.items) + 1
  }

  private func spread(_ rank: Int) -> Int32 { Int32(rank * multiplier % configuration.items) + 1 }

  /// The rank, from 0, whose share of a continuous power law on [1, items + 1) holds `u`.
  private func rank(_ u: Double) -> Int {
    let end = Double(configuration.items) + 1
    let s = 1 - configuration.exponent
    let x = abs(s) < 1e-9 ? exp(u * log(end)) : pow(1 + u * (pow(end, s) - 1), 1 / s)
    return min(configuration.items - 1, max(0, Int(x) - 1))
  }

  /// The histories of some users, 4 bytes an event.
  public func sequences(of users: Range<Int>? = nil) throws -> ItemSequences {
    let users = users ?? 0..<configuration.users
    var items: [Int32] = []
    var offsets = [0]
    offsets.reserveCapacity(users.count + 1)
    for user in users {
      items += sequence(user)
      offsets.append(items.count)
    }
    return try ItemSequences(itemCount: configuration.items, offsets: offsets, items: items)
  }

  /// Writes `user item item …` lines of all users, in bounded memory; the file appears when it is whole.
  public func write(to path: String) throws {
    let temporary = "\(path).tmp-\(getpid())"
    do {
      try AtomicFile.write([], to: temporary)
      var bytes: [UInt8] = []
      for user in 0..<configuration.users {
        bytes += Array("\(user + 1)".utf8)
        for item in sequence(user) { bytes += Array(" \(item)".utf8) }
        bytes.append(UInt8(ascii: "\n"))
        guard bytes.count > 1 << 22 || user == configuration.users - 1 else { continue }
        try AtomicFile.append(bytes, to: temporary)
        bytes.removeAll(keepingCapacity: true)
      }
      try AtomicFile.move(temporary, to: path)
    } catch {
      unlink(temporary)
      throw error
    }
  }
}
