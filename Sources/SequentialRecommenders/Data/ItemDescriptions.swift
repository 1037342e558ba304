import PenchantData

/// What is known of an item besides who took it.
public struct ItemDescription: Sendable, Equatable, Codable {
  public var title: String?
  public var text: String?
  /// Categories, brands, genres: names, or numbers written out; in the order of the file, each once.
  public var attributes: [String]

  public init(title: String? = nil, text: String? = nil, attributes: [String] = []) {
    self.title = title
    self.text = text
    self.attributes = attributes
  }

  /// All words in one string, for a text encoder: title, text, attributes.
  public var words: String {
    ([title, text].compactMap { $0 } + (attributes.isEmpty ? [] : [attributes.joined(separator: ", ")]))
      .joined(separator: "\n")
  }
}

/// Descriptions by the name of the item.
public struct ItemDescriptions: Sendable, Equatable {
  /// In the order of the file.
  public private(set) var names: [String] = []
  private var byName: [String: ItemDescription] = [:]

  public init() {}

  public var count: Int { names.count }

  public subscript(name: String) -> ItemDescription? { byName[name] }

  /// Adds a description; false when the item has one already.
  public mutating func insert(_ name: String, _ description: ItemDescription) -> Bool {
    guard byName[name] == nil else { return false }
    names.append(name)
    byName[name] = description
    return true
  }

  /// One place an item of a log, nil where nothing is known.
  public func aligned(to items: [String]) -> [ItemDescription?] { items.map { byName[$0] } }
}
