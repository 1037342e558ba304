import PenchantKernels
import SequentialRecommenders
import TestSupport
import Testing

/// A log of `user item[@time]` words.
func log(_ events: String) -> InteractionLog {
  var log = InteractionLog()
  for event in events.split(separator: ",") {
    let parts = event.split(whereSeparator: { $0 == " " || $0 == "@" }).map(String.init)
    log.append(user: parts[0], item: parts[1], time: parts.count > 2 ? Double(parts[2]) : nil)
  }
  return log
}

private func shown(_ log: InteractionLog) -> String {
  (0..<log.count).map { place in
    let event = log[place]
    let time = event.time.map { "@\(Int($0))" } ?? ""
    return "\(log.users.names[Int(event.user)]) \(log.items.names[Int(event.item)])\(time)"
  }.joined(separator: ",")
}

@Suite struct FilterTests {
  @Test(arguments: [
    (DuplicatePolicy.keep, "u a@1,u b@2,u a@3,u a@3,v a@1"), (.first, "u a@1,u b@2,v a@1"),
    (.last, "u b@2,u a@3,v a@1"), (.identical, "u a@1,u b@2,u a@3,v a@1"),
  ])
  func duplicatesFollowThePolicy(policy: DuplicatePolicy, stays: String) {
    #expect(shown(log("u a@1,u b@2,u a@3,u a@3,v a@1").withoutDuplicates(policy)) == stays)
  }

  @Test func firstAndLastGoByTimeNotByTheFile() {
    #expect(shown(log("u a@9,u b@2,u a@3").withoutDuplicates(.first)) == "u b@2,u a@3")
    #expect(shown(log("u a@9,u b@2,u a@3").withoutDuplicates(.last)) == "u a@9,u b@2")
  }

  @Test func withoutTimesOnlyNeighboursAreIdentical() {
    #expect(shown(log("u a,u a,u b,u a").withoutDuplicates(.identical)) == "u a,u b,u a")
  }

  @Test func aCoreIsWhatIsLeftWhenNothingFallsShort() {
    // b is taken once; without it v has one event, and then c one.
    let whole = log("u a,u d,u a,v b,v c,w a,w d,w c")
    #expect(shown(whole.core(users: 2, items: 2)) == "u a,u d,u a,w a,w d")
    #expect(whole.core(users: 1, items: 1) == whole)
    #expect(whole.core(users: 9, items: 1).isEmpty)
    #expect(InteractionLog().core(users: 5, items: 5).isEmpty)
  }

  /// Against taking out whole rounds of users and items until nothing changes.
  @Test(arguments: [(2, 2), (3, 4), (5, 5)]) func coresAreThoseOfRounds(users: Int, items: Int) {
    var generator = TestGenerator(stream: "core \(users) \(items)")
    var whole = InteractionLog()
    for _ in 0..<600 {
      let (u, i) = (
        Int(60 * generator.unit() * generator.unit()), Int(90 * generator.unit() * generator.unit())
      )
      whole.append(user: "\(u)", item: "\(i)")
    }
    var events = (0..<whole.count).map { (whole.user[$0], whole.item[$0]) }
    while true {
      let byUser = Dictionary(grouping: events, by: \.0).mapValues(\.count)
      let byItem = Dictionary(grouping: events, by: \.1).mapValues(\.count)
      let kept = events.filter { byUser[$0.0, default: 0] >= users && byItem[$0.1, default: 0] >= items }
      if kept.count == events.count { break }
      events = kept
    }
    let core = whole.core(users: users, items: items)
    #expect(!core.isEmpty && core.count < whole.count)
    #expect(
      (0..<core.count).map {
        core.users.names[Int(core.user[$0])] + " " + core.items.names[Int(core.item[$0])]
      }
        == events.map { whole.users.names[Int($0.0)] + " " + whole.items.names[Int($0.1)] })
  }

  @Test func ratingsAreAThreshold() throws {
    var rated = InteractionLog()
    for (item, rating) in [("a", 3), ("b", 4), ("c", 5)] as [(String, Float)] {
      rated.append(user: "u", item: item, rating: rating)
    }
    #expect(try rated.rated(atLeast: 4).items.names == ["b", "c"])
    #expect(throws: KernelError.self) { try log("u a").rated(atLeast: 4) }
  }

  @Test func orderIsByTimeAndEqualTimesKeepTheFile() throws {
    let sequences = try log("u a@5,v x@1,u b@2,u c@5,u d@2,v y@0").sequences()
    // ids are places of first appearance: a x b c d y
    #expect(Array(sequences[0]) == [3, 5, 1, 4])
    #expect(Array(sequences[1]) == [6, 2])
    let unordered = try log("u a,u b,u a").sequences()
    #expect(Array(unordered[0]) == [1, 2, 1])
  }
}
