import Foundation
import PenchantKernels
import PenchantTrain
import Testing

@testable import PreferenceModels

/// Section 9.1 at full size: `PENCHANT_LONG=1 swift test -c release --filter Recovery` prints the table of
/// docs/prefpalette.md.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["PENCHANT_LONG"] == "1"))
struct PrefPaletteRecoveryTests {
  /// Weights of a linear model for every community on some columns, the ridge chosen by the community's validation pairs.
  static func linear(
    _ corpus: SyntheticPalette.Corpus, content: Bool, scores: Bool
  ) throws -> (accuracy: Double, correlation: Double, shortfall: Double) {
    @Sendable func rows(_ data: PaletteData) -> [Double] {
      let texts = data.texts
      var rows: [Double] = []
      for (a, b) in zip(data.chosen, data.rejected) {
        func part(_ values: [Float], _ width: Int) {
          for i in 0..<width {
            rows.append(Double(values[Int(a) * width + i]) - Double(values[Int(b) * width + i]))
          }
        }
        if content { part(texts.content, texts.contentWidth) }
        if scores { part(texts.scores, texts.attributes) }
      }
      return rows
    }
    let (d, K) = (corpus.train.texts.contentWidth, corpus.train.texts.attributes)
    let width = (content ? d : 0) + (scores ? K : 0)
    let parts = try parallelMap(corpus.weights.count) { c -> (Double, Double, Double) in
      let fit = PaletteNewton(rows: rows(corpus.train.of(community: c)), width: width)
      let validation = PaletteNewton(rows: rows(corpus.validation.of(community: c)), width: width)
      var (w, least) = ([Double](), Double.infinity)
      for ridge in [2.0, 8, 32, 128] {
        let weights = try fit.solve(
          mean: [Double](repeating: 0, count: width), precision: [Double](repeating: ridge, count: width))
        let loss = validation.margins(weights).reduce(0) { $0 + softplus(-$1) }
        if loss < least { (w, least) = (weights, loss) }
      }
      let test = PaletteNewton(rows: rows(corpus.test.of(community: c)), width: width)
      let margins = test.margins(w)
      let r = scores ? pearsonCorrelation(Array(w.suffix(K)), corpus.weights[c]) : .nan
      let own = corpus.test.community.indices.filter { Int(corpus.test.community[$0]) == c }
      let utilities = own.map { corpus.testMargins[$0] }
      return (PairMetrics(margins: margins).accuracy, r, shortfall(margins, utilities))
    }
    let n = Double(parts.count)
    return (parts.map(\.0).sum() / n, parts.map(\.1).sum() / n, parts.map(\.2).sum() / n)
  }

  /// Expected accuracy of the true utilities minus that of `margins`, over the labels these pairs could have had: where the
  /// signs agree nothing, else tanh(|true| / 2). The difference of realised accuracies estimates the same with the noise of
  /// one draw of labels added.
  static func shortfall(_ margins: [Double], _ utilities: [Double]) -> Double {
    zip(margins, utilities).reduce(0) { $0 + (($1.0 > 0) == ($1.1 > 0) ? 0 : tanh(abs($1.1) / 2)) }
      / Double(max(1, margins.count))
  }

  struct Figures {
    var with = 0.0, without = 0.0, attention = 0.0, correlation = 0.0, top = 0.0, sign = 0.0
  }

  static func figures(_ model: FittedPrefPalette, _ data: PaletteData, _ weights: [[Double]]) throws
    -> Figures
  {
    let profile = try model.profile(on: data, replicates: 1)
    var f = Figures()
    f.with = PairMetrics(margins: try model.margins(data)).accuracy
    f.without = PairMetrics(margins: try model.margins(data, use: false)).accuracy
    let used = profile.communities.indices.filter { profile.communities[$0].texts > 0 }
    for c in used {
      let (entries, w) = (profile.communities[c].entries, weights[c])
      let found = entries.map(\.weight)
      let top = { (x: [Double]) in Set(x.indices.sorted { abs(x[$0]) > abs(x[$1]) }.prefix(5)) }
      let planted = w.indices.filter { w[$0] != 0 }
      let n = Double(used.count)
      f.attention += pearsonCorrelation(entries.map(\.attention), w.map(abs)) / n
      f.correlation += pearsonCorrelation(found, w) / n
      f.top += Double(top(found).intersection(top(w)).count) / 5 / n
      f.sign += Double(planted.filter { (found[$0] > 0) == (w[$0] > 0) }.count) / Double(planted.count) / n
    }
    return f
  }

  /// One model for all communities, or one for each, without parts of its own.
  static func fit(
    _ corpus: SyntheticPalette.Corpus, _ form: PaletteShape.Form, pooled: Bool, reduction: Double,
    epochs: Int = 8,
    batch: Int = 200
  ) throws -> Figures {
    var configuration = PrefPaletteConfiguration()
    configuration.model.form = form
    configuration.model.pooled = pooled
    configuration.objective.reduction = reduction
    configuration.run.epochs = epochs
    configuration.optimizer.batchSize = batch
    if pooled {
      let model = try PrefPalette(configuration, seed: 1).fit(to: corpus.train, validating: corpus.validation)
      return try figures(model, corpus.test, corpus.weights)
    }
    let system = try PrefPalette(configuration, seed: 1)
    let parts = try parallelMap(corpus.weights.count) { c in
      let model = try system.fit(
        to: corpus.train.of(community: c), validating: corpus.validation.of(community: c))
      return try figures(model, corpus.test.of(community: c), corpus.weights)
    }
    let n = Double(parts.count)
    func mean(_ part: (Figures) -> Double) -> Double { parts.map(part).sum() / n }
    return Figures(
      with: mean(\.with), without: mean(\.without), attention: mean(\.attention),
      correlation: mean(\.correlation), top: mean(\.top), sign: mean(\.sign))
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func plantedTastesAreFound(_ seed: UInt64) throws {
    let corpus = try SyntheticPalette(seed: seed).corpus()
    func line(_ name: String, _ values: [Double]) {
      print("seed \(seed)  \(name)  " + values.map { String(format: "%.3f", $0) }.joined(separator: "  "))
    }
    func line(_ name: String, _ f: Figures) {
      line(name, [f.with, f.without, f.attention, f.correlation, f.top, f.sign])
    }
    line("bayes", [corpus.bayes])
    let content = try Self.linear(corpus, content: true, scores: false)
    let scores = try Self.linear(corpus, content: false, scores: true)
    let both = try Self.linear(corpus, content: true, scores: true)
    line("linear content", [content.accuracy])
    line("linear scores", [scores.accuracy, scores.correlation])
    line("linear both", [both.accuracy, both.correlation, both.shortfall])
    let began = ProgressLine.clock()
    let pooled = try Self.fit(corpus, .signed, pooled: true, reduction: 0)
    line("signed pooled p 0 (\(String(format: "%.2f", ProgressLine.clock() - began)) s)", pooled)
    line("signed pooled p 0.5", try Self.fit(corpus, .signed, pooled: true, reduction: 0.5))
    let alone = try Self.fit(corpus, .signed, pooled: false, reduction: 0, batch: 50)
    line("signed per community", alone)
    let paper = try Self.fit(corpus, .paper, pooled: false, reduction: 0, batch: 50)
    line("paper per community", paper)
    line("paper pooled", try Self.fit(corpus, .paper, pooled: true, reduction: 0))

    #expect(pooled.with >= 0.825 && pooled.correlation >= 0.95 && pooled.sign == 1)
    #expect(alone.with >= 0.82)
    #expect(corpus.bayes - both.accuracy <= 0.03)
    #expect((0.793 - 0.015...0.797 + 0.015).contains(paper.with))
  }
}
