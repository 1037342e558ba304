import PenchantKernels

/// Which records train and which test; both ascending, disjoint, together with `dropped` all records.
public struct Split: Sendable, Equatable, Codable {
  /// The group left out, or the number of the fold.
  public var name: String
  public var train: [Int]
  public var test: [Int]
  /// Records that may be on neither side, ascending.
  public var dropped: [Int]

  public init(name: String, train: [Int], test: [Int], dropped: [Int] = []) {
    self.name = name
    self.train = train
    self.test = test
    self.dropped = dropped
  }

  private init(name: String, isTest: [Bool]) {
    self.init(
      name: name, train: isTest.indices.filter { !isTest[$0] }, test: isTest.indices.filter { isTest[$0] })
  }
}

extension Split {
  /// A random split; the test part has `testFraction` of the records, rounded, and neither part is empty.
  ///
  /// - Throws: `KernelError.value` unless `testFraction` is in 0..<1 (0: nothing is tested) and `count` is 2 or more.
  public static func random(count: Int, testFraction: Double, seed: UInt64) throws(KernelError) -> Split {
    try checkFraction(testFraction)
    guard count >= 2 else { throw .value("Split.random", "\(count) records cannot be split; 2 are needed") }
    let size = testFraction == 0 ? 0 : min(max(1, Int((Double(count) * testFraction).rounded())), count - 1)
    var isTest = [Bool](repeating: false, count: count)
    for place in try permutation(count, seed: seed, stream: Stream.split).prefix(size) {
      isTest[Int(place)] = true
    }
    return Split(name: "random", isTest: isTest)
  }

  /// A random split that keeps the records of a group together: whole groups, in random order, go to the test part
  /// until it has `testFraction` of the records.
  ///
  /// - Throws: `KernelError.value` unless `testFraction` is in 0..<1 and there are 2 groups or more.
  public static func byGroup(_ groups: [String], testFraction: Double, seed: UInt64) throws(KernelError)
    -> Split
  {
    try checkFraction(testFraction)
    let (names, members) = gather(groups)
    guard names.count >= 2 else {
      throw .value("Split.byGroup", "\(names.count) groups cannot be split; 2 are needed")
    }
    let wanted = Double(groups.count) * testFraction
    var isTest = [Bool](repeating: false, count: groups.count)
    var (size, left) = (0, names.count)
    for group in try permutation(names.count, seed: seed, stream: Stream.split).map(Int.init) {
      // A group is taken when that brings the size nearer to what is wanted.
      let distance = wanted - Double(size)
      guard left > 1, distance > 0, size == 0 || Double(members[group].count) < 2 * distance else { continue }
      for record in members[group] { isTest[record] = true }
      size += members[group].count
      left -= 1
    }
    return Split(name: "group", isTest: isTest)
  }

  /// One split a group, in the order of their names: that group tests, all others train.
  ///
  /// - Throws: `KernelError.value` when there are fewer than 2 groups.
  public static func leaveOneGroupOut(_ groups: [String]) throws(KernelError) -> [Split] {
    let (names, members) = gather(groups)
    guard names.count >= 2 else {
      throw .value("Split.leaveOneGroupOut", "\(names.count) groups; 2 are needed to leave one out")
    }
    return names.indices.map { group in
      var isTest = [Bool](repeating: false, count: groups.count)
      for record in members[group] { isTest[record] = true }
      return Split(name: names[group], isTest: isTest)
    }
  }

  /// `folds` splits; every record tests in exactly one of them, and fold sizes differ by at most 1.
  ///
  /// - Throws: `KernelError.value` unless `folds` is in 2...count.
  public static func kFold(count: Int, folds: Int, seed: UInt64) throws(KernelError) -> [Split] {
    guard folds >= 2, folds <= count else {
      throw .value("Split.kFold", "\(folds) folds of \(count) records; 2 to \(count) are possible")
    }
    let order = try permutation(count, seed: seed, stream: Stream.split)
    return (0..<folds).map { fold in
      var isTest = [Bool](repeating: false, count: count)
      for place in stride(from: fold, to: count, by: folds) { isTest[Int(order[place])] = true }
      return Split(name: "fold \(fold + 1) of \(folds)", isTest: isTest)
    }
  }

  private static func checkFraction(_ fraction: Double) throws(KernelError) {
    guard fraction >= 0, fraction < 1 else {
      throw .value("Split", "a test fraction of \(fraction); 0 to below 1 is possible")
    }
  }

  /// The distinct names, sorted, and the records of each.
  private static func gather(_ groups: [String]) -> (names: [String], members: [[Int]]) {
    var members: [String: [Int]] = [:]
    for (record, group) in groups.enumerated() { members[group, default: []].append(record) }
    let names = members.keys.sorted()
    return (names, names.map { members[$0] ?? [] })
  }
}

/// Streams of the generator, so that a split and an epoch of the same seed draw different numbers.
enum Stream {
  static let split: UInt64 = 0x5350_4C49_5400_0000
  static let epoch: UInt64 = 0x4550_4F43_4800_0000
}
