import PenchantData
import PenchantKernels

/// A text to rewrite.
public struct SourceText: Sendable, Hashable {
  /// Unique in a synthesis.
  public var id: String
  public var community: String
  /// What the text answers: title, line end, body.
  public var context: String
  public var text: String

  public init(id: String, community: String = "", context: String = "", text: String) {
    self.id = id
    self.community = community
    self.context = context
    self.text = text
  }

  /// The distinct answers of `pairs` in the order they first stand there; of each community at most `limit`,
  /// drawn.
  ///
  /// The id is that of the record, or else a checksum of community, prompt and text: the same text has the
  /// same id in every run, whatever else is in the file.
  public static func texts(of pairs: [PreferencePair], perCommunity limit: Int? = nil, seed: UInt64 = 0)
    throws
    -> [SourceText]
  {
    var seen: Set<String> = []
    var texts: [SourceText] = []
    for pair in pairs {
      for (text, id) in [(pair.chosen, pair.chosenID), (pair.rejected, pair.rejectedID)]
      where text.contains(where: { !$0.isWhitespace }) {
        let community = pair.community ?? ""
        let id = id ?? XXHash64.hex(Array("\(community)\u{0}\(pair.prompt)\u{0}\(text)".utf8))
        guard seen.insert(id).inserted else { continue }
        texts.append(SourceText(id: id, community: community, context: pair.prompt, text: text))
      }
    }
    guard let limit else { return texts }
    var places: [String: [Int]] = [:]
    for (place, text) in texts.enumerated() { places[text.community, default: []].append(place) }
    var kept: [Int] = []
    for (community, places) in places {
      let order = try permutation(places.count, seed: seed, stream: XXHash64.hash(Array(community.utf8)))
      kept += order.prefix(limit).map { places[Int($0)] }
    }
    return kept.sorted().map { texts[$0] }
  }
}
