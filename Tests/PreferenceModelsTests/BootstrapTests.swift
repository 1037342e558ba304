import PenchantKernels
import PenchantTrain
import PreferenceModels
import TestSupport
import Testing

struct ClusterBootstrapTests {
  @Test func weightsArePoisson() throws {
    let weights = try ClusterBootstrap(seed: testSeed).weights(0, clusters: 200_000)
    let mean = weights.reduce(0, +) / 200_000
    let variance = weights.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 200_000
    #expect(abs(mean - 1) < 0.01 && abs(variance - 1) < 0.015)
    #expect(abs(Double(weights.count { $0 == 0 }) / 200_000 - 0.367879) < 0.005)
    #expect(weights.allSatisfy { $0 >= 0 && $0 <= 11 && $0 == $0.rounded() })
    #expect(try ClusterBootstrap(seed: testSeed).weights(1, clusters: 200_000) != weights)
  }

  /// The deviation of a mean of n independent values is s / √n, whole clusters of equal values have n / size of them.
  @Test func clustersWidenIntervals() throws {
    var random = Philox(seed: testSeed)
    let values = (0..<400).map { _ in random.normal() }
    let alone = try ClusterBootstrap(seed: 1).means(values, cluster: Array(0..<400))[0]
    #expect(abs(alone.error - 0.05) < 0.01)
    #expect(abs(alone.interval.high - alone.interval.low - 4 * alone.error) < 0.03)
    let together = try ClusterBootstrap(seed: 1).means(
      values.flatMap { [Double](repeating: $0, count: 4) }, cluster: (0..<1600).map { $0 / 4 })[0]
    #expect(together == alone)
  }

  @Test func severalColumnsAreResampledTogether() throws {
    let both = try ClusterBootstrap(seed: 3).means([1, 10, 2, 20, 5, 50], width: 2, cluster: [0, 1, 2])
    #expect(abs(both[0].interval.low * 10 - both[1].interval.low) < 1e-9)
    #expect(abs(both[1].estimate - 80.0 / 3) < 1e-12)
  }

  @Test func refitsAgreeWithClusteredErrors() throws {
    var generator = G2(communities: 1, seed: testSeed)
    let pairs = try generator.pairs(1500, of: 0..<1)
    let fit = try ScoresOnly(ridge: 0.1).fit(pairs)
    let bootstrap = ClusterBootstrap(resamples: 200, seed: 4)
    let found = try ScoresOnly(ridge: 0.1).bootstrap(pairs, around: fit, with: bootstrap)
    for (statistic, (weight, error)) in zip(found, zip(fit.weights, fit.clusteredErrors)) {
      #expect(statistic.estimate == weight)
      #expect(abs(statistic.error / error - 1) < 0.3)
      #expect(statistic.interval.low < weight && statistic.interval.high > weight)
    }
    let truth = generator.weights[0]
    let covered = zip(found, truth).count { $0.interval.low <= $1 && $1 <= $0.interval.high }
    #expect(covered >= 15)
    let one = try Team.with(threads: 1) {
      try ScoresOnly(ridge: 0.1).bootstrap(pairs, around: fit, with: bootstrap)
    }
    #expect(one == found)
  }
}

struct ColumnTests {
  @Test func findingsStandTogether() {
    // Benjamini and Hochberg 1995, section 3.3: of fifteen p-values the first four stand at 0.05.
    let values = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
      0.7590, 1,
    ]
    let found = BenjaminiHochberg(values.reversed() + [.nan])
    #expect(found.stands.prefix(15).reversed() == values.indices.map { $0 < 4 })
    #expect(found.stands[15] == false && found.adjusted[15].isNaN)
    #expect(abs(found.adjusted[14] - 0.0015) < 1e-12)
    #expect(BenjaminiHochberg([]).adjusted.isEmpty)
  }

  @Test func inflationHasItsClosedForm() throws {
    // Two columns of correlation r have factors 1 / (1 - r²).
    var random = Philox(seed: testSeed)
    var rows: [Double] = []
    for _ in 0..<500 {
      let (a, b) = (random.normal(), random.normal())
      rows += [a, 0.9 * a + b, random.normal(), 7]
    }
    let found = try ColumnDiagnostics(rows, columns: ["a", "b", "c", "constant"])
    let pair = try ColumnDiagnostics(
      stride(from: 0, to: rows.count, by: 4).flatMap { [rows[$0], rows[$0 + 1]] }, columns: ["a", "b"])
    let r = pair.correlations[1]
    #expect(abs(pair.inflation[0] - 1 / (1 - r * r)) < 1e-9)
    #expect(found.inflation[3].isNaN && found.correlations[3].isNaN)
    #expect(found.inflation[0] >= pair.inflation[0] - 1e-9 && found.inflation[2] < 1.1)
    let sum = try ColumnDiagnostics(
      (0..<200).flatMap { i -> [Double] in
        let (a, b) = (Double(i % 7), Double(i % 5))
        return [a, b, a + b]
      }, columns: ["a", "b", "sum"])
    #expect(sum.inflation.allSatisfy { $0 == .infinity })
    #expect(sum.inflated() == ["a", "b", "sum"])
    #expect(throws: KernelError.self) { try ColumnDiagnostics([1, 2, 3], columns: ["a", "b"]) }
  }
}
