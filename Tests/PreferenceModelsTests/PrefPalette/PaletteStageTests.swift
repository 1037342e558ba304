import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import TestSupport
import Testing

@testable import PreferenceModels

/// The parts between texts and the preference model, each against what it promises.
@Suite struct PaletteStageTests {
  private static func normals(_ count: Int, seed: UInt64) -> [Float] {
    var draws = PaletteNormals(seed: seed, stream: 1)
    return draws.normals(count).map(Float.init)
  }

  @Test func residualIsOrthogonalToScoresAndAddsUp() throws {
    let (n, d, K) = (200, 5, 3)
    let scores = Self.normals(n * K, seed: 1)
    let noise = Self.normals(n * d, seed: 2)
    let content = (0..<n * d).map { at in noise[at] + 2 * scores[at / d * K + at % d % K] }
    let inside = Array(0..<150)
    let residual = try PaletteResidual(content, width: d, scores: scores, attributes: K, inside: inside)
    let left = residual(content, scores: scores)
    for i in 0..<K {
      for j in 0..<d {
        let product =
          inside.map { Double(scores[$0 * K + i]) * Double(left[$0 * d + j]) }.sum() / Double(inside.count)
        #expect(abs(product) < 0.01, "attribute \(i), column \(j): \(product)")
      }
    }
    for text in [0, 149, 199] {
      for j in 0..<d {
        let back = (0..<K).map { scores[text * K + $0] * residual.weights[$0 * d + j] }.reduce(
          left[text * d + j], +)
        #expect(abs(back - content[text * d + j]) < 1e-4)
      }
    }
    // A constant attribute explains nothing and breaks nothing.
    let flat = try PaletteResidual(
      content, width: d, scores: [Float](repeating: 0, count: n * K), attributes: K, inside: inside)
    #expect(flat(content, scores: [Float](repeating: 0, count: n * K)) == content)
  }

  @Test func projectionKeepsTheLargestDirections() throws {
    let (n, D) = (300, 4)
    let values = Self.normals(n * D, seed: 3)
    // Columns 0 and 1 go together, 2 and 3 are alone: after standardising, their sum has the largest variance.
    var dense = values
    for row in 0..<n { dense[row * D + 1] = values[row * D] + 0.1 * values[row * D + 1] }
    let features = try FeatureMatrix(rows: n, width: D, dense: dense)
    let projection = try PaletteProjection(features, inside: Array(0..<n), columns: 2)
    #expect(projection.columns == 2)
    let (a, b) = (abs(projection.components[0]), abs(projection.components[1]))
    #expect(abs(a - b) < 0.05 && abs(projection.components[2]) < 0.2 * a)
    let columns = try projection(features)
    func variance(_ column: Int) -> Double {
      let own = (0..<n).map { Double(columns[$0 * 2 + column]) }
      let mean = own.sum() / Double(n)
      return own.map { ($0 - mean) * ($0 - mean) }.sum() / Double(n)
    }
    #expect(abs(variance(0) - 1) < 0.01 && variance(1) < variance(0))
    // Fewer features than columns give as many columns as there are features.
    #expect(try PaletteProjection(features, inside: Array(0..<n), columns: 9).columns == D)
    #expect(throws: KernelError.self) { try projection(FeatureMatrix(rows: 1, width: 3, dense: [0, 0, 0])) }
  }

  @Test func contentOfATrainingTextComesFromModelsThatHaveNotSeenIt() throws {
    let pairs = try TwoTastes.pairs(40)
    let configuration = TwoTastes.configuration
    let table = PaletteTable(pairs, configuration.features)
    let texts = try PreparedTexts(table.table, configuration.features, encoder: nil)
    let train = Array(0..<100)
    let fit = try PaletteContent.fit(texts, train: train, group: table.groups(.text), configuration, seed: 1)
    let d = fit.content.width
    let inside = Set(table.table.texts(ofPairs: train))
    var (moved, same) = (0, 0)
    for text in table.table.texts.indices {
      let unseen = Double(fit.columns[text * d])
      if inside.contains(text) {
        moved += abs(unseen - fit.scores[text]) > 1e-6 ? 1 : 0
      } else {
        same += abs(unseen - fit.scores[text]) < 1e-5 ? 1 : 0
      }
    }
    #expect(moved > inside.count * 9 / 10)
    #expect(same == table.table.texts.count - inside.count)
  }

  @Test(arguments: PaletteSplit.Unit.allCases) func sidesShareNothingOfTheUnit(_ unit: PaletteSplit.Unit)
    throws
  {
    let pairs = try TwoTastes.pairs(60)
    var settings = TextPaletteConfiguration.Data()
    settings.split = unit
    settings.test = 0.2
    let split = try PaletteSplit(pairs, settings, seed: 5)
    #expect((split.train + split.test + split.dropped).sorted() == Array(pairs.indices))
    #expect((split.inner + split.validation).sorted().allSatisfy(Set(split.train).contains))
    #expect(
      Set(split.inner).isDisjoint(with: split.validation) && !split.validation.isEmpty && !split.test.isEmpty)
    func names(_ rows: [Int]) -> Set<String> {
      switch split.unit {
      case .post, .auto: Set(rows.map { "\(pairs[$0].community ?? "")/\(pairs[$0].post ?? "")" })
      case .text: Set(rows.flatMap { [pairs[$0].chosen, pairs[$0].rejected] })
      case .pair: Set(rows.map { "\($0)" })
      }
    }
    if unit == .auto { #expect(split.unit == .post) }
    #expect(names(split.train).isDisjoint(with: names(split.test)))
    #expect(names(split.inner).isDisjoint(with: names(split.validation)))
  }

  @Test func tiesKeepOtherAttributesStill() async throws {
    let attributes = try Attribute.listed("politeness,sarcasm,humor")
    let all = try await Counterfactuals.synthesise(
      CommentCorpus.comments(60), attributes: attributes, by: RuleRewriter(), seed: 2)
    func ratio(_ ties: Int) throws -> Double {
      var table = CounterfactualTable(all, try all.splits(seed: 2))
      let added = table.addTies(ties, seed: 2)
      #expect(added.count == 2 * ties * table.pairs(.train).count)
      var configuration = AttributeHeadConfiguration()
      configuration.width = 8
      let inputs = AttributeInputs(nil, withStyle: true, lexicalOf: attributes)
      let fit = try AttributeHeads(configuration, seed: 2).fit(
        inputs.features(table.pairs.texts), table.pairs, train: table.pairs(.train) + added, teacher: "rules")
      return try AttributeHeadEvaluation(fit.heads, table, scores: fit.scores).offDiagonalRatio
    }
    let (without, with) = (try ratio(0), try ratio(2))
    #expect(with < 0.5 * without, "\(without) without ties, \(with) with")
  }

  @Test func periodsAreQuartersOrYears() throws {
    func pairs(_ times: [Double]) -> PaletteTable {
      PaletteTable(
        times.enumerated().map {
          PreferencePair(chosen: "a\($0.offset)", rejected: "b", chosenTime: $0.element)
        },
        BradleyTerryConfiguration.Features())
    }
    // The last second of March 2022 and the first of April, UTC.
    let turn = [Double](repeating: 1_648_771_199, count: 50) + [Double](repeating: 1_648_771_200, count: 50)
    #expect(Array(PalettePeriods(pairs(turn), Array(0..<100))).map(\.0) == ["2022 Q1", "2022 Q2"])
    let leapYear = 366.0 * 86_400
    let years = (0..<200).map { 1_577_836_800 + leapYear * Double($0 / 50) }
    #expect(Array(PalettePeriods(pairs(years), Array(0..<200))).map(\.0) == ["2020", "2021", "2022", "2023"])
    #expect(Array(PalettePeriods(pairs(turn), Array(0..<60))).isEmpty, "ten pairs are no period")
  }

  @Test func listsNameAttributes() throws {
    #expect(try Attribute.listed("").count == 19 && Attribute.listed("norms").count == 9)
    #expect(try Attribute.listed("values").count == 10)
    #expect(try Attribute.listed("humor, Tradition,humor").map(\.name) == ["humor", "Tradition"])
    #expect(throws: DataError.self) { try Attribute.listed("humour") }
    #expect(throws: ConfigurationError.self) { try Attribute.listed(",") }
  }
}
