/// Item names and their numbers, in order of first appearance.
public struct ItemTable: Sendable, Equatable {
  public private(set) var names: [String] = []
  private var places: [String: Int] = [:]

  public init() {}

  public init(_ names: some Sequence<String>) {
    for name in names { _ = insert(name) }
  }

  public var count: Int { names.count }

  /// The number of a name; a new one when it was not known.
  public mutating func insert(_ name: String) -> Int {
    if let place = places[name] { return place }
    places[name] = names.count
    names.append(name)
    return names.count - 1
  }

  public func index(of name: String) -> Int? { places[name] }
}
