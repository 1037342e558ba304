import PenchantData
import PenchantKernels
import PenchantTrain
import Testing

@testable import PreferenceModels

/// Five layers; one of them counts words that `BradleyTerryTests.pairs` rewards, on a scale and with a shift that say nothing.
private struct CountingEncoder: LayeredTextEncoder {
  let knowing: Int
  var reads = 5
  let width = 2
  let layers = 5

  func reading(layer: Int) throws -> any TextEncoder { CountingEncoder(knowing: knowing, reads: layer) }

  func encode(_ texts: [String]) throws -> FeatureMatrix {
    let worth = texts.map { text in
      text.split(separator: " ").reduce(0) { sum, word in
        if ["evidence", "reason", "because", "clear"].contains(word) { return sum + 1 }
        return ["whatever", "lol", "dunno", "meh"].contains(word) ? sum - 1 : sum
      }
    }
    return try FeatureMatrix(
      rows: texts.count, width: 2,
      dense: worth.flatMap { [reads == knowing ? Float($0) * 1e-3 + 7 : 7, 1] })
  }
}

@Suite struct MiddleLayerTests {
  private static func configuration(layer: Int = 0) -> BradleyTerryConfiguration {
    var configuration = BradleyTerryConfiguration()
    configuration.features.builtin = false
    configuration.features.encoder = "five layers"
    configuration.features.middleLayer = layer
    return configuration
  }

  private static func accuracy(
    _ configuration: BradleyTerryConfiguration, knowing: Int, _ table: PairTable
  ) throws -> Double {
    let system = try BradleyTerry(configuration, encoder: CountingEncoder(knowing: knowing))
    return PairMetrics(margins: try system.leaveOneCommunityOut(table).margins).accuracy
  }

  /// The layer half way is read unless another is named, and its small column counts as much as a large one would.
  @Test func theLayerThatIsAskedForIsRead() throws {
    let table = PairTable(BradleyTerryTests.pairs(200))
    #expect(try Self.accuracy(Self.configuration(), knowing: 3, table) > 0.85)
    #expect(try Self.accuracy(Self.configuration(layer: 1), knowing: 1, table) > 0.85)
    #expect(try Self.accuracy(Self.configuration(layer: 2), knowing: 3, table) < 0.6)
    var without = Self.configuration()
    without.features.middleWeight = 0
    #expect(try Self.accuracy(without, knowing: 3, table) < 0.6)
  }

  /// Columns of the training texts: mean 0, mean square length of a row the square of the weight.
  @Test func columnsAreStandardisedOverTheTrainingTexts() throws {
    var draws = Philox(seed: 4)
    let rows = try FeatureMatrix(
      rows: 60, width: 3, dense: (0..<180).map { Float(draws.normal()) * [1, 50, 1e-3][$0 % 3] + 5 })
    var features = Self.configuration().features
    features.middleWeight = 2
    let layer = try #require(try MiddleLayer(features, of: CountingEncoder(knowing: 3)))
    let train = Array(0..<40)
    let out = try layer.fit(rows, train).standardised(rows).dense
    for column in 0..<3 {
      let values = train.map { Double(out[$0 * 3 + column]) }
      let mean = values.reduce(0.0, +) / 40
      let square = values.reduce(0.0) { $0 + $1 * $1 } / 40
      #expect(abs(mean) < 1e-3)
      #expect(abs(square - 4.0 / 3) < 1e-3)
    }
  }

  @Test func savedModelScoresTheSame() throws {
    let table = PairTable(BradleyTerryTests.pairs(120))
    let encoder = CountingEncoder(knowing: 3)
    let fit = try BradleyTerry(Self.configuration(), encoder: encoder).fit(to: table)
    let bytes = try fit.model.bytes()
    let read = try FittedBradleyTerry(bytes: bytes, name: "m") { _ in encoder }
    let scores = try read.score(table.texts)
    #expect(try scores == fit.model.score(table.texts))
    for (a, b) in zip(fit.scores, scores) { #expect(abs(a - b) < 1e-4 * max(1, abs(b))) }
    #expect(try read.bytes() == bytes)
  }

  @Test func whatCannotBeReadIsSaid() throws {
    #expect(
      throws: ConfigurationError(
        "features.middle_layer must be 0 to 5, the layers of the encoder, found 6")
    ) {
      try BradleyTerry(Self.configuration(layer: 6), encoder: CountingEncoder(knowing: 3)).fit(
        to: PairTable(BradleyTerryTests.pairs(20)))
    }
    let plain = TextFeaturiser().fit(["a", "b"])
    #expect(throws: ConfigurationError.self) {
      try MiddleLayer(Self.configuration(layer: 1).features, of: plain)
    }
    #expect(try MiddleLayer(Self.configuration().features, of: plain) == nil)
    // A model that reads a layer, opened with an encoder that shows none.
    let table = PairTable(BradleyTerryTests.pairs(60))
    let bytes = try BradleyTerry(Self.configuration(), encoder: CountingEncoder(knowing: 3)).fit(to: table)
      .model.bytes()
    #expect {
      try FittedBradleyTerry(bytes: bytes, name: "m") { _ in plain }
    } throws: { error in "\(error)".contains("shows no layers") }
  }
}
