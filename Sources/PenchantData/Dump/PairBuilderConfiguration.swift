import PenchantKernels

/// How pairs are made from a forum's posts and comments (PrefPalette specification, section 4.2).
public struct PairBuilderConfiguration: Sendable, Codable, Equatable {
  /// Posts and comments of this year (UTC) train and test; `nil` takes all times.
  public var year: Int?
  /// Posts and comments of this year only test: how a taste of `year` holds later.
  public var testYear: Int?
  /// Names of communities, capitals ignored; empty takes all.
  public var communities: [String] = []
  /// No filter of ours: removed texts, robots, and any difference of votes stay, as in the release.
  public var isFaithful = false
  /// Keep a pair only when the preferred comment was written no earlier than the other.
  public var isTimeControlled = false
  /// Most pairs of a post; `nil` is 20 in communities with more than 100,000 posts, else 50.
  public var cap: Int?
  public var seed: UInt64 = 42
  /// Most training pairs of a community.
  public var trainLimit = 1_000_000
  /// Pairs of a community from `testYear`.
  public var testYearPairs = 2_000
  /// Smallest difference of the votes, and smallest votes of the preferred comment; not when faithful.
  public var voteDifference = 2
  public var votes = 2

  public init() {}

  /// - Throws: `KernelError.value` naming the setting.
  public func validate() throws(KernelError) {
    func check(_ holds: Bool, _ name: String, _ rule: String, _ found: Any) throws(KernelError) {
      if !holds { throw .value("pairs", "\(name) must be \(rule), found \(found)") }
    }
    for (name, year) in [("year", year), ("test year", testYear)] {
      if let year { try check((1970...9999).contains(year), name, "1970 to 9999", year) }
    }
    if let testYear, year == nil || testYear == year {
      try check(false, "test year", "another than the year, which is needed then", testYear)
    }
    if let cap { try check(cap >= 1, "cap", "at least 1", cap) }
    try check(trainLimit >= 1, "train limit", "at least 1", trainLimit)
    try check(testYearPairs >= 1, "test year pairs", "at least 1", testYearPairs)
    try check(voteDifference >= 1, "vote difference", "at least 1", voteDifference)
  }

  /// What stands in the names of the files: the year, or `all`.
  public var period: String { year.map(String.init) ?? "all" }

  /// Where a moment belongs.
  func period(of time: Double) -> Period? {
    guard let year else { return .main }
    if yearSpan(year).contains(time) { return .main }
    if let testYear, yearSpan(testYear).contains(time) { return .test }
    return nil
  }

  enum Period: Int { case main, test }
}

/// From the first second of a year to that of the next, UTC, in seconds since 1970.
func yearSpan(_ year: Int) -> Range<Double> {
  func start(_ year: Int) -> Double {
    let leapDays = (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400
    return Double((365 * (year - 1970) + leapDays) * 86_400)
  }
  return start(year)..<start(year + 1)
}
