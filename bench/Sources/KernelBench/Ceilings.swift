import CBench

/// What this machine can do on a number of threads, measured in this run.
struct Ceilings: Codable, Sendable {
  let threads: Int
  /// Operations, bytes and exponentials a second.
  let flops: Double
  let l2: Double
  let l3: Double
  let dram: Double
  let exponentials: Double
  /// STREAM's triad from memory, for comparison with figures of other programs.
  let triad: Double

  func bandwidth(_ level: Work.Level) -> Double {
    switch level {
    case .l2: l2
    case .l3: l3
    case .dram: dram
    }
  }

  /// About two seconds on two threads. A level's bandwidth is the best of triad, triad with streaming stores and
  /// read: what a program could reach that picks its stores well.
  static func measure(threads: Int) throws -> Ceilings {
    func rate(_ body: (UnsafeMutablePointer<bench_rate>) -> Int32) throws -> Double {
      var rate = bench_rate()
      let code = body(&rate)
      guard code == 0 else { throw BenchError.ceiling(code) }
      return rate.median
    }
    let count = Int32(threads)
    func bandwidth(_ bytes: Int, _ kind: bench_stream) throws -> Double {
      try rate { bench_bandwidth(count, kind, bytes, $0) }
    }
    let triad = try bandwidth(384 << 20, BENCH_TRIAD)
    return Ceilings(
      threads: threads,
      flops: try rate { bench_fma(count, $0) },
      l2: try max(bandwidth(576 << 10, BENCH_TRIAD), bandwidth(576 << 10, BENCH_READ)),
      l3: try max(bandwidth(6 << 20, BENCH_TRIAD), bandwidth(6 << 20, BENCH_READ)),
      dram: try max(triad, bandwidth(384 << 20, BENCH_TRIAD_NT), bandwidth(384 << 20, BENCH_READ)),
      exponentials: try rate { bench_exp(count, $0) },
      triad: triad)
  }

  var line: String {
    "ceilings  t=\(threads)  FMA \(fixed(flops / 1e9, 0)) GFLOP/s  L2 \(fixed(l2 / 1e9, 0))  "
      + "L3 \(fixed(l3 / 1e9, 0))  DRAM \(fixed(dram / 1e9, 0)) GB/s (triad \(fixed(triad / 1e9, 0)))  "
      + "exp \(fixed(exponentials / 1e9, 1)) G/s"
  }
}
