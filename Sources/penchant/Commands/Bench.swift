import ArgumentParser
import Foundation
import PenchantKernels
import PenchantTrain

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Time kernels against the ceilings of this machine.",
    discussion: """
      Ceilings are measured in the same run: memory traffic of a = b + 3 c over 192 MB, and fused multiply-adds on registers.
      A line shows the median of many samples. The whole suite with peers is in bench/.
      """)

  @Argument(help: "Only operations whose name contains this.")
  var filter: String?

  @Option(help: "Seconds for each line.")
  var seconds = 0.4

  @OptionGroup var common: CommonOptions

  private struct Row: Encodable {
    var operation: String
    var size: String
    var microseconds: Double
    /// GB/s or GFLOP/s.
    var rate: Double
    var unit: String
    /// Part of the ceiling in the same unit.
    var share: Double
  }
  private struct Measurement: Encodable {
    var environment: RunEnvironment
    var triadGBs: Double
    var peakGFLOPs: Double
    var rows: [Row]
  }

  func run() throws {
    try common.apply()
    guard seconds > 0, seconds <= 60 else {
      throw ValidationError("--seconds must be above 0 and at most 60, found \(seconds)")
    }
    let (triad, peak) = (try triadRate(), try peakRate())
    var rows: [Row] = []
    func add(_ name: String, _ size: String, bytes: Double = 0, flops: Double = 0, _ body: () throws -> Void)
      throws
    {
      if let filter, !name.contains(filter) { return }
      let time = try median(body)
      rows.append(
        bytes > 0
          ? Row(
            operation: name, size: size, microseconds: time * 1e6, rate: bytes / time / 1e9, unit: "GB/s",
            share: bytes / time / 1e9 / triad)
          : Row(
            operation: name, size: size, microseconds: time * 1e6, rate: flops / time / 1e9, unit: "GFLOP/s",
            share: flops / time / 1e9 / peak))
    }

    let pairs = 1_000_000
    let margins = (0..<pairs).map { Float($0 % 97) / 20 - 2 }
    var losses = [Float](repeating: 0, count: pairs)
    var gradient = losses
    try add("preference_loss", "10^6 pairs", bytes: 12 * Double(pairs)) {
      var l = losses.mutableSpan
      var g = gradient.mutableSpan
      try preferenceLoss(.bradleyTerry(), margins: margins.span, losses: &l, gradient: &g)
    }
    for n in [64, 256, 1024] {
      let a = [Float](repeating: 0.5, count: n * n)
      let b = a
      var c = a
      try add("multiply", "\(n) x \(n) x \(n)", flops: 2 * pow(Double(n), 3)) {
        var c = c.mutableSpan
        try multiply(ProductShape(rows: n, columns: n, inner: n), a.span, b.span, into: &c)
      }
    }
    let items = 10_000
    let graph = try ComparisonGraph(
      items: items, chosen: (0..<pairs).map { UInt32($0 % items) },
      rejected: (0..<pairs).map { UInt32(($0 &* 7919 &+ 1) % items) })
    let scores = (0..<items).map { Double($0 % 13) / 7 }
    var miss = [Double](repeating: 0, count: pairs)
    var curvature = miss
    try add("comparison_loss", "10^6 pairs, 10^4 items", bytes: 24 * Double(pairs)) {
      _ = try graph.loss(scores, miss: &miss, curvature: &curvature)
    }
    var out = [Double](repeating: 0, count: items)
    try add("comparison_hessian", "10^6 pairs, 10^4 items", bytes: 40 * Double(pairs)) {
      try graph.hessianProduct(curvature: curvature, scores, flow: &miss, into: &out)
    }

    if common.json {
      return try showJSON(
        Measurement(environment: .current(), triadGBs: triad, peakGFLOPs: peak, rows: rows))
    }
    try show(
      "triad \(decimal(triad, 1)) GB/s, multiply-add \(decimal(peak, 0)) GFLOP/s, \(Team.size) threads, \(CPU.tier)\n"
    )
    try show(
      aligned(
        [["operation", "size", "us", "rate", "", "of ceiling"]]
          + rows.map {
            [
              $0.operation, $0.size, decimal($0.microseconds, 1), decimal($0.rate, 2), $0.unit,
              "\(Int(($0.share * 100).rounded()))%",
            ]
          }))
  }

  private func triadRate() throws -> Double {
    let n = 1 << 24
    let b = [Float](repeating: 1, count: n)
    let c = [Float](repeating: 2, count: n)
    var a = [Float](repeating: 0, count: n)
    let time = try median {
      var a = a.mutableSpan
      try Probe.triad(b.span, c.span, into: &a)
    }
    return 12 * Double(n) / time / 1e9
  }

  private func peakRate() throws -> Double {
    let rounds = 400_000
    let time = try median { _ = try Probe.multiplyAdd(rounds: rounds) }
    return 192 * Double(rounds) * Double(Team.size) / time / 1e9
  }

  /// Median time of `body` over as many samples as fit, after one to warm up; short bodies are repeated within a sample.
  private func median(_ body: () throws -> Void) throws -> Double {
    try body()
    var start = ProgressLine.clock()
    try body()
    let repeats = max(1, Int(2e-3 / max(1e-9, ProgressLine.clock() - start)))
    var samples: [Double] = []
    let end = ProgressLine.clock() + seconds
    repeat {
      start = ProgressLine.clock()
      for _ in 0..<repeats { try body() }
      samples.append((ProgressLine.clock() - start) / Double(repeats))
    } while ProgressLine.clock() < end
    samples.sort()
    return samples[samples.count / 2]
  }
}
