import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

@Suite struct TextPaletteTests {
  static func study(
    _ configuration: TextPaletteConfiguration = TwoTastes.configuration, each: Int = 90,
    leavingOut: Bool = false
  ) async throws -> TextPalette.Study {
    try await TextPalette(configuration, seed: 1).study(TwoTastes.pairs(each), leavingOut: leavingOut)
  }

  @Test func tastesAreFoundAndEveryBaselineStandsBeside() async throws {
    let study = try await Self.study()
    let result = study.result
    #expect(result.communities == TwoTastes.communities)
    let profile = try #require(result.profile)
    let weights = try profile.communities.map { community in
      try #require(community.entries.first { $0.attribute == "politeness" }).weight
    }
    // friendly, gruff, kind
    #expect(weights[1] < min(weights[0], weights[2]) - 0.05, "\(weights)")
    let names = result.rows.map(\.model)
    // Structural test 10 of section 9.4: the clock and the length stand in every accuracy table.
    for name in [
      "random", "earlier wins", "longer wins", "content only", "content only, one a community", "scores only",
      "conditional logit", "scores only, one a community", "scores only, hierarchical", "content and scores",
      "content and scores, hierarchical", "gated scores", "PrefPalette", "PrefPalette without attributes",
    ] {
      #expect(names.contains(name), "\(name) of \(names)")
    }
    func accuracy(_ name: String) -> Double {
      result.rows.first { $0.model == name }?.accuracy[0]?.value ?? .nan
    }
    #expect(accuracy("random") == 0.5)
    #expect(accuracy("PrefPalette") > 0.6, "\(accuracy("PrefPalette"))")
    #expect(result.testSets[0].shared == 0)
    #expect(abs(try #require(result.leaks?.earlierWins) - accuracy("earlier wins")) < 1e-12)
    #expect(result.clusters == .posts)
    #expect(result.gains.contains { $0.community == nil } && result.gains.contains { $0.community == "kind" })
    #expect(result.heads.cards.allSatisfy { $0.teacher == "rules" && $0.people == nil })
    #expect(result.curves?.curves.isEmpty == false && result.stability != nil && result.periods.count > 1)
    for pair in result.explanations {
      let sum = pair.explanation.terms.map(\.change).reduce(pair.explanation.content, +)
      #expect(abs(sum - pair.explanation.margin) < 1e-5)
    }
  }

  @Test func savedModelHasTheSameBits() async throws {
    let model = try #require(try await Self.study().model)
    let folder = NSTemporaryDirectory() + "penchant-\(UUID())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (file, bytes) in try model.files() { try AtomicFile.write(bytes, to: "\(folder)/\(file.rawValue)") }
    func read() throws -> FittedTextPalette {
      try FittedTextPalette(reading: folder) { _ in throw ConfigurationError("there is no encoder") }
    }
    let (again, pairs) = (try read(), try TwoTastes.pairs(20, seed: 9))
    #expect(try again.margins(pairs).withAttributes == model.margins(pairs).withAttributes)
    #expect(try again.margins(pairs).contentOnly == model.margins(pairs).contentOnly)
    let why = try again.explain(pairs[0], community: "gruff")
    #expect(try why == model.explain(pairs[0], community: "gruff"))

    // A file of another model, and a file that ends early.
    var other = TwoTastes.configuration
    other.content.width = 4
    let smaller = try #require(try await Self.study(other, each: 30).model)
    let foreign = try #require(try smaller.files().first { $0.file == .model })
    let own = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/model.safetensors"))
    try AtomicFile.write(foreign.bytes, to: "\(folder)/model.safetensors")
    #expect(throws: DataError.self) { try read() }
    try AtomicFile.write(Array(own), to: "\(folder)/model.safetensors")
    let attributes = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/attributes.safetensors"))
    for end in [0, 7, attributes.count / 2, attributes.count - 1] {
      try AtomicFile.write(Array(attributes.prefix(end)), to: "\(folder)/attributes.safetensors")
      #expect(throws: DataError.self, "\(end) bytes") { try read() }
    }
  }

  @Test func sameBitsForAnyNumberOfThreads() async throws {
    let once = try await Self.study(each: 40).result
    for threads in [1, 3] {
      try Team.setSize(threads)
      defer { try? Team.setSize(nil) }
      let again = try await Self.study(each: 40).result
      #expect(again.fingerprint == once.fingerprint)
      #expect(again.profile == once.profile)
    }
  }

  @Test func communityLeftOutIsJudgedByTheOthers() async throws {
    let result = try await Self.study(each: 30, leavingOut: true).result
    #expect(result.testSets.map(\.pairs) == [90] && result.testSets[0].shared == 0)
    let gruff = try #require(result.gains.first { $0.community == "gruff" })
    #expect(
      gruff.pairs == 30 && gruff.withAttributes < 0.5,
      "the others' taste is not theirs: \(gruff.withAttributes)")
    #expect(result.rows.contains { $0.isOurs && $0.accuracy[0] != nil })
  }

  @Test func aNewCommunityIsLearntFromItsFirstPairs() async throws {
    let model = try #require(try await Self.study().model)
    let own = try TwoTastes.pairs(90, seed: 11).filter { $0.community == "gruff" }.map { pair in
      var pair = pair
      pair.community = "stern"
      return pair
    }
    func accuracy(_ model: FittedTextPalette) throws -> Double {
      PairMetrics(margins: try model.margins(Array(own.suffix(40))).withAttributes).accuracy
    }
    let unknown = try accuracy(model)
    let known = try accuracy(model.adding(community: "stern", from: Array(own.prefix(50))))
    #expect(known > unknown, "\(unknown) before, \(known) after 50 pairs")
    #expect(try accuracy(model.adding(community: "stern", from: [])) == unknown)
    #expect(throws: ConfigurationError.self) { try model.adding(community: "kind", from: own) }
    #expect(throws: ConfigurationError.self) { try model.predict(["a"], community: "stern") }
  }

  @Test func peopleTeachAttributesAndTestTextsDoNot() async throws {
    let pairs = try TwoTastes.pairs(60)
    let path = NSTemporaryDirectory() + "judgements-\(UUID()).jsonl"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let lines = pairs.map { pair -> String in
      let first = pair.chosen.lowercased().contains("thank") || pair.chosen.lowercased().contains("please")
      let (more, less) = first ? (pair.chosen, pair.rejected) : (pair.rejected, pair.chosen)
      return PreferencePair(
        chosen: more, rejected: less, extra: JSONObject(["attribute": .string("courtesy")])
      ).json.description
    }
    try AtomicFile.write(Array(lines.joined(separator: "\n").utf8), to: path)
    var configuration = TwoTastes.configuration
    configuration.attributes.list = ""
    configuration.attributes.judgements = path
    let result = try await TextPalette(configuration, seed: 1).study(pairs).result
    #expect(result.attributes.map(\.name) == ["courtesy"])
    let card = try #require(result.heads.cards.first)
    #expect(card.teacher == "people" && (card.people?.pairs ?? 0) > 0 && (card.people?.accuracy ?? 0) > 0.7)
    #expect(result.curves == nil)

    try AtomicFile.write(Array("{\"chosen\": \"a\", \"rejected\": \"b\"}\n".utf8), to: path)
    let error = #expect(throws: DataError.self) { try AttributeJudgements.read(path) }
    #expect(error?.line == 1 && error?.field == "attribute")
  }

  @Test func wrongSettingsAreNamed() throws {
    func expect(_ message: String, _ change: (inout TextPaletteConfiguration) -> Void) {
      var configuration = TwoTastes.configuration
      change(&configuration)
      let settled = configuration
      let error = #expect(throws: ConfigurationError.self) { try TextPalette(settled) }
      #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
    expect("attributes.counterfactuals and attributes.judgements") {
      $0.attributes.counterfactuals = "a"
      $0.attributes.judgements = "b"
    }
    expect("content.width must be 1 to 4096, found 0") { $0.content.width = 0 }
    expect("content.folds must be 2 to 100, found 1") { $0.content.folds = 1 }
    expect("data.test must be 0 to below 1, found 1.0") { $0.data.test = 1 }
    expect("selection.ridges must be") { $0.selection.ridges = [] }
    expect("content.width must be heads.width, 8, found 6") { $0.model.form = .paper }
  }
}
