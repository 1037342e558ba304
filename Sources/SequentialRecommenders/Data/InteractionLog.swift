import PenchantData

/// Who took what, in the order of the file: one event a place, in columns.
public struct InteractionLog: Sendable, Equatable {
  /// Which part of a split a file has put an event in.
  public enum Part: UInt8, Sendable, Codable, CaseIterable {
    case train, validation, test
  }

  /// One event, with numbers of users and items.
  public struct Event: Sendable, Equatable {
    /// Place in `users`.
    public var user: Int32
    /// Place in `items`, from 0.
    public var item: Int32
    public var rating: Float?
    /// Seconds, or whatever the file counts in; only the order and the proportions matter.
    public var time: Double?
    public var part: Part?

    public init(user: Int32, item: Int32, rating: Float? = nil, time: Double? = nil, part: Part? = nil) {
      self.user = user
      self.item = item
      self.rating = rating
      self.time = time
      self.part = part
    }
  }

  /// Names of users and items, in order of first appearance.
  public internal(set) var users = ItemTable()
  public internal(set) var items = ItemTable()
  /// Columns of the events; `ratings`, `times` and `parts` are empty when there are none.
  public private(set) var user: [Int32] = []
  public private(set) var item: [Int32] = []
  public private(set) var ratings: [Float] = []
  public private(set) var times: [Double] = []
  public private(set) var parts: [Part] = []

  public init() {}

  /// Events.
  public var count: Int { user.count }
  public var isEmpty: Bool { user.isEmpty }
  public var hasRatings: Bool { !ratings.isEmpty }
  public var hasTimes: Bool { !times.isEmpty }
  public var hasParts: Bool { !parts.isEmpty }

  public subscript(place: Int) -> Event {
    Event(
      user: user[place], item: item[place], rating: hasRatings ? ratings[place] : nil,
      time: hasTimes ? times[place] : nil, part: hasParts ? parts[place] : nil)
  }

  /// Appends one event of a named user and item. What the first event has decides which columns there are; a column that a
  /// later event lacks is dropped for all.
  public mutating func append(
    user: String, item: String, rating: Float? = nil, time: Double? = nil, part: Part? = nil
  ) {
    append(
      Event(
        user: Int32(users.insert(user)), item: Int32(items.insert(item)), rating: rating, time: time,
        part: part))
  }

  /// Appends an event whose user and item are in the tables.
  mutating func append(_ event: Event) {
    let before = count
    func extend<Value>(_ column: inout [Value], _ value: Value?) {
      guard column.count == before else { return }
      if let value { column.append(value) } else { column = [] }
    }
    extend(&ratings, event.rating)
    extend(&times, event.time)
    extend(&parts, event.part)
    user.append(event.user)
    item.append(event.item)
  }

  /// The events at `places`, in that order; users and items that are left without one lose their number.
  public func selecting(_ places: some Sequence<Int>) -> InteractionLog {
    var log = InteractionLog()
    var newUser = [Int32](repeating: -1, count: users.count)
    var newItem = [Int32](repeating: -1, count: items.count)
    for place in places {
      var event = self[place]
      let (u, i) = (Int(event.user), Int(event.item))
      if newUser[u] < 0 { newUser[u] = Int32(log.users.insert(users.names[u])) }
      if newItem[i] < 0 { newItem[i] = Int32(log.items.insert(items.names[i])) }
      event.user = newUser[u]
      event.item = newItem[i]
      log.append(event)
    }
    return log
  }
}
