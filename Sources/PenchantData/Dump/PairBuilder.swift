import Foundation
import PenchantKernels

/// Preference pairs from dumps of a forum: JSON lines of posts and comments, plain or packed, in any order and number of
/// files (PrefPalette specification, sections 4.1 and 4.2).
///
/// ```swift
/// var configuration = PairBuilderConfiguration()
/// configuration.year = 2022
/// let result = try PairBuilder(configuration).build(from: ["posts.zst", "comments.zst"], into: "pairs")
/// print(result.counts.pairs)
/// ```
/// Dumps are read once, line by line, and what may be used is put aside by community in a folder below the destination;
/// then one community at a time is in memory. What is made is a function of the records and the seed, not of the order
/// of the files, except that of two records of one name the first stands.
public struct PairBuilder: Sendable {
  public struct Result: Sendable {
    public var counts = DumpCounts()
    /// The first lines that could not be read.
    public var errors: [DataError] = []
    /// The files that were written, sorted.
    public var files: [String] = []
  }

  public let configuration: PairBuilderConfiguration
  /// How many errors are kept.
  private static let errorLimit = 5

  /// - Throws: `KernelError.value` naming a setting that is not possible.
  public init(_ configuration: PairBuilderConfiguration) throws(KernelError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// Reads `dumps` and writes the files of pairs into `folder`, which is made when it is not there. Files of the
  /// same names are replaced at the end; when something fails before, none is.
  ///
  /// - Parameter progress: told the counts now and then while dumps are read, and after each community.
  /// - Throws: `DataError` for a dump that cannot be read or a folder that cannot be written, and when no pair was made.
  public func build(
    from dumps: [String], into folder: String, progress: (DumpCounts) -> Void = { _ in }
  ) throws -> Result {
    var result = Result()
    let scratch = "\(folder)/.pairs-\(getpid())"
    do {
      try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    } catch {
      throw DataError(
        file: folder, "the folder cannot be made: \(error.localizedDescription)", repair: "write elsewhere")
    }
    defer { try? FileManager.default.removeItem(atPath: scratch) }

    var parts = CommunityParts(folder: scratch)
    for dump in dumps { try read(dump, into: &parts, &result, progress) }
    for name in parts.names {
      var community = CommunityPairs(name: name, configuration: configuration)
      try parts.take(name) { community.add($0) }
      try community.make()
      try write(community, into: scratch, &result.counts)
      progress(result.counts)
    }
    guard result.counts.pairs.values.contains(where: { $0 > 0 }) else { throw nothing(dumps, result) }
    for file in result.counts.pairs.keys.sorted() {
      let (from, to) = ("\(scratch)/\(file).jsonl", "\(folder)/\(file).jsonl")
      try AtomicFile.move(from, to: to)
      result.files.append(to)
    }
    try AtomicFile.syncFolder(folder)
    return result
  }

  private func read(
    _ dump: String, into parts: inout CommunityParts, _ result: inout Result, _ progress: (DumpCounts) -> Void
  ) throws(DataError) {
    let wanted = Set(configuration.communities.map { $0.lowercased() })
    var lines = try LineReader(dump)
    var last = -1
    while true {
      do throws(DataError) {
        guard try lines.advance() else { return }
        let (file, number) = (lines.name, lines.number)
        let line = try lines.withLine { (bytes) throws(DataError) -> DumpLine?? in
          if isBlank(bytes) { return .none }
          return .some(try DumpLine(JSONRecord(bytes, file: file, line: number)))
        }
        guard let line else { continue }
        result.counts.lines += 1
        if result.counts.lines.isMultiple(of: 8192) { progress(result.counts) }
        guard let line else {
          result.counts.others += 1
          continue
        }
        if keeps(line, wanted, &result.counts) { try parts.add(line) }
      } catch {
        // What is wrong with the file as a whole, or with the disk, does not go away at the next line.
        guard error.line != nil, error.file == lines.name, lines.number != last else { throw error }
        last = lines.number
        result.counts.lines += 1
        result.counts.unreadable += 1
        if result.errors.count < PairBuilder.errorLimit { result.errors.append(error) }
      }
    }
  }

  private func keeps(_ line: DumpLine, _ wanted: Set<String>, _ counts: inout DumpCounts) -> Bool {
    let time: Double
    switch line.record {
    case .post(let post): (time, counts.posts) = (post.time, counts.posts + 1)
    case .comment(let comment): (time, counts.comments) = (comment.time, counts.comments + 1)
    }
    if !wanted.isEmpty, !wanted.contains(line.community.lowercased()) {
      counts.otherCommunities += 1
    } else if configuration.period(of: time) == nil {
      counts.outsideYears += 1
    } else if !configuration.isFaithful, line.isRemoved {
      counts.removed += 1
    } else if !configuration.isFaithful, line.isRobot {
      counts.robots += 1
    } else {
      return true
    }
    return false
  }

  private func write(
    _ community: CommunityPairs, into scratch: String, _ counts: inout DumpCounts
  ) throws(DataError) {
    counts.duplicates += community.duplicates
    counts.outsideYears += community.outsideYears
    counts.withoutPost += community.withoutPost
    counts.lonelyPosts += community.lonelyPosts
    counts.postsWithoutPair += community.postsWithoutPair
    counts.communities[community.name] = community.counts
    for (file, pairs) in community.files.sorted(by: { $0.key < $1.key }) {
      var bytes: [UInt8] = []
      for pair in pairs {
        bytes += Array((JSONValue.object(pair).description + "\n").utf8)
        if bytes.count > 1 << 22 {
          try AtomicFile.append(bytes, to: "\(scratch)/\(file).jsonl")
          bytes = []
        }
      }
      try AtomicFile.append(bytes, to: "\(scratch)/\(file).jsonl")
      counts.pairs[file, default: 0] += pairs.count
    }
  }

  private func nothing(_ dumps: [String], _ result: Result) -> DataError {
    if let first = result.errors.first, result.counts.unreadable == result.counts.lines { return first }
    let found = result.counts.named.filter { $0.count > 0 }.map { "\($0.name) \($0.count)" }
    return DataError(
      file: dumps.joined(separator: ", "), "no pair could be made of it",
      expected: "expected posts (t3_) and two or more comments (t1_) below one of them, with different votes",
      found: "found \(found.isEmpty ? "no lines" : found.joined(separator: ", "))",
      repair: "check the year and the communities, or use --faithful to switch the filters off")
  }
}
