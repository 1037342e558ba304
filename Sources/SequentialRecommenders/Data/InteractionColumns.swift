import PenchantData

/// Which columns of a table of interactions mean what. A role without a name is found by the names that data sets use.
public struct InteractionColumns: Sendable, Equatable, Codable {
  public var user: String?
  public var item: String?
  public var rating: String?
  public var time: String?
  public var part: String?

  public init(
    user: String? = nil, item: String? = nil, rating: String? = nil, time: String? = nil, part: String? = nil
  ) {
    self.user = user
    self.item = item
    self.rating = rating
    self.time = time
    self.part = part
  }

  /// Names of each role, the most telling first, in lower case.
  static let userNames = [
    "user_id", "userid", "user", "uid", "reviewerid", "visitorid", "session_id", "sessionid",
  ]
  static let itemNames = [
    "item_id", "itemid", "item", "iid", "movieid", "movie_id", "parent_asin", "asin", "business_id",
    "product_id", "productid", "track_id",
  ]
  static let ratingNames = ["rating", "stars", "overall", "score"]
  static let timeNames = ["timestamp", "time", "unixreviewtime", "ts"]
  static let partNames = ["part", "split"]

  /// Where the roles stand in a header.
  struct Places: Sendable, Equatable {
    var user: Int
    var item: Int
    var rating: Int?
    var time: Int?
    var part: Int?
  }

  /// The places of the roles among `names`, nil when no user or no item column is there.
  ///
  /// - Throws: `DataError` when a column that was asked for is missing, or a name stands twice.
  func places(in names: [String], file: String, line: Int) throws(DataError) -> Places? {
    let lower = names.map { $0.lowercased() }
    func find(_ asked: String?, _ known: [String]) throws(DataError) -> Int? {
      if let asked {
        guard let place = lower.firstIndex(of: asked.lowercased()) else {
          throw DataError(
            file: file, line: line, field: asked, "the column \"\(clipped(asked, 40))\" is missing",
            expected: "a column \"\(clipped(asked, 40))\"", found: "the columns are \(quotedList(names))",
            repair: nearestName(to: asked, among: names).map { "did you mean \"\(clipped($0, 40))\"?" })
        }
        return place
      }
      return known.lazy.compactMap { lower.firstIndex(of: $0) }.first
    }
    let user = try find(self.user, Self.userNames)
    let item = try find(self.item, Self.itemNames)
    guard let user, let item else { return nil }
    let places = Places(
      user: user, item: item, rating: try find(rating, Self.ratingNames),
      time: try find(time, Self.timeNames), part: try find(part, Self.partNames))
    for place in [user, item, places.rating, places.time].compactMap({ $0 })
    where lower.count(where: { $0 == lower[place] }) > 1 {
      throw DataError(
        file: file, line: line, field: names[place],
        "the column \"\(clipped(names[place], 40))\" stands twice",
        expected: "every column has a name of its own", found: "the columns are \(quotedList(names))")
    }
    return places
  }
}
