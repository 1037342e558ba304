import SequentialRecommenders
import TestSupport
import Testing

/// The public data sets: counts that their pages state, and that another program found.
@Suite(.enabled(if: isOptimised, "runs in release")) struct SharedDataTests {
  @Test(.enabled(if: SharedData.has("movielens-100k/ml-100k.inter.tsv.gz"), "MovieLens 100K is not here"))
  func movieLens100K() throws {
    let log = try InteractionReader(SharedData.path("movielens-100k/ml-100k.inter.tsv.gz")).log()
    let items = try ItemDescriptions(SharedData.path("movielens-100k/ml-100k.item.tsv.gz"))
    let summary = try InteractionSummary(log, file: "ml-100k", descriptions: items)
    print(summary)
    #expect(summary.users == 943 && summary.items == 1682 && summary.events == 100_000)
    #expect(summary.outOfOrder == 94_244 && summary.equalTimes == 75_772 && summary.undecidedLast == 415)
    #expect(
      summary.duplicates == 0 && summary.itemsWithoutEvents == 0 && summary.itemsWithoutDescription == 0)
    #expect(items["1"]?.title == "Toy Story")
    // Of the same rule in Python.
    #expect(summary.leaveOneOutChecksum == "a34e5edcf2efc4df")
  }

  @Test(.enabled(if: SharedData.has("amazon-beauty/sequences.txt.gz"), "Amazon Beauty is not here"))
  func beauty() throws {
    let log = try InteractionReader(SharedData.path("amazon-beauty/sequences.txt.gz")).log()
    let attributes = try ItemDescriptions(SharedData.path("amazon-beauty/item2attributes.json.gz"))
    let summary = try InteractionSummary(log, file: "beauty", descriptions: attributes)
    print(summary)
    #expect(summary.users == 22_363 && summary.items == 12_101 && summary.events == 198_502)
    #expect(summary.lengths.minimum == 5 && summary.itemsWithoutDescription == 0)
    #expect(log.core(users: 5, items: 5) == log)
    #expect(try SequenceSplit.leaveOneOut(log).train.items.count == 198_502 - 2 * 22_363)
  }

  @Test(.enabled(if: SharedData.has("amazon-office/histories.jsonl.gz"), "Amazon Office is not here"))
  func office() throws {
    let log = try InteractionReader(SharedData.path("amazon-office/histories.jsonl.gz")).log()
    let split = try SequenceSplit.ofFile(log)
    #expect(log.users.count == 3231 && split.validation.count == 4866 && split.test.count == 4866)
    let items = try ItemDescriptions(SharedData.path("amazon-office/items.jsonl.gz"))
    #expect(items.count == 3459 && log.items.names.allSatisfy { items[$0]?.title != nil })
  }

  @Test(
    .enabled(if: SharedData.has("movielens-1m/positives-in-time-order.tsv.gz"), "MovieLens 1M is not here"))
  func movieLens1MPositives() throws {
    let log = try InteractionReader(SharedData.path("movielens-1m/positives-in-time-order.tsv.gz")).log()
    #expect(log.users.count == 5949 && log.items.count == 2810 && log.count == 571_531)
    let split = try SequenceSplit.ofFile(log)
    #expect(split.train.items.count + split.validation.count + split.test.count == log.count)
    #expect(try SequenceSplit.leaveOneOut(log).test.count == 5949)
    let texts = try ItemDescriptions(SharedData.path("movielens-1m/item-text.jsonl.gz"))
    #expect(log.items.names.count { texts[$0]?.text != nil } > 2700)
  }
}
