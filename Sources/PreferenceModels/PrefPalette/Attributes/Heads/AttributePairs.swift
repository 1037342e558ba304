import PenchantData

/// Which of two texts shows more of an attribute, over a table of distinct texts: what heads are trained and tested on.
public struct AttributePairs: Sendable {
  public struct Pair: Sendable, Hashable {
    /// Place in `attributes`.
    public var attribute: Int
    /// Places in `texts`.
    public var more: Int
    public var less: Int
    public var weight: Float
    /// Levels between the two, 1 to 4; 0 when it is not known, as for judgements of people.
    public var gap: Int

    public init(attribute: Int, more: Int, less: Int, weight: Float = 1, gap: Int = 0) {
      self.attribute = attribute
      self.more = more
      self.less = less
      self.weight = weight
      self.gap = gap
    }
  }

  /// A judgement: of two texts the first shows more.
  public struct Judgement: Sendable, Hashable {
    public var attribute: String
    public var more: String
    public var less: String
    public var context: String
    public var weight: Float

    public init(attribute: String, more: String, less: String, context: String = "", weight: Float = 1) {
      self.attribute = attribute
      self.more = more
      self.less = less
      self.context = context
      self.weight = weight
    }
  }

  public let attributes: [String]
  public private(set) var texts: [String] = []
  /// What each text answers; empty where there is nothing.
  public private(set) var contexts: [String] = []
  public private(set) var pairs: [Pair] = []

  private struct Key: Hashable {
    var text: String
    var context: String
  }
  private var places: [Key: Int] = [:]

  public init(attributes: [String]) { self.attributes = attributes }

  /// Judgements of people, or of anybody else.
  ///
  /// - Throws: `DataError` for an attribute that is not in the list, with the nearest name.
  public init(_ judgements: [Judgement], attributes: [String]) throws(DataError) {
    self.init(attributes: attributes)
    let numbers = Dictionary(
      attributes.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    for (place, judgement) in judgements.enumerated() {
      guard let number = numbers[judgement.attribute] else {
        throw DataError(
          file: "judgements", line: place + 1, field: "attribute",
          "there is no attribute \"\(judgement.attribute)\"",
          expected: "one of \(attributes.joined(separator: ", "))",
          repair: nearestName(to: judgement.attribute, among: attributes).map { "did you mean \"\($0)\"?" })
      }
      pairs.append(
        Pair(
          attribute: number, more: self.place(judgement.more, judgement.context),
          less: self.place(judgement.less, judgement.context), weight: judgement.weight))
    }
  }

  /// The place of a text in the table, which gets it when it is new.
  public mutating func place(_ text: String, _ context: String) -> Int {
    let key = Key(text: text, context: context)
    if let place = places[key] { return place }
    places[key] = texts.count
    texts.append(text)
    contexts.append(context)
    return texts.count - 1
  }

  public mutating func append(_ pair: Pair) { pairs.append(pair) }

  /// The places of the texts of the given pairs, ascending.
  public func texts(ofPairs indices: some Sequence<Int>) -> [Int] {
    var used = [Bool](repeating: false, count: texts.count)
    for index in indices {
      used[pairs[index].more] = true
      used[pairs[index].less] = true
    }
    return used.indices.filter { used[$0] }
  }
}
