import CBench
import Foundation

/// Answers `bench/compare` on standard input and output, one line each way, so that our samples and the peers' can
/// take turns. The same protocol is spoken by `bench/peers/worker.py`:
///
///     prepare NAME      {"ready": true, "memory_mb": peak growth up to the end of two calls}, or {"error": "…"};
///                       here with the work that the case must do at least
///     sample SECONDS    {"times": [seconds …], "clean": [true …]}
///     ceilings          {"flops": …, …}
struct Worker {
  let threads: Int

  private struct Ready: Encodable {
    let ready = true
    let memory_mb: Double
    let work: Work
  }
  private struct Times: Encodable {
    let times: [Double]
    let clean: [Bool]
  }
  private struct Failure: Encodable {
    let error: String
  }

  func run() throws {
    var timer: Timer?
    while let line = readLine() {
      let words = line.split(separator: " ", maxSplits: 1).map(String.init)
      do {
        switch (words.first, words.dropFirst().first) {
        case ("prepare", let name?):
          timer = nil
          guard let bench = BenchCase.all.first(where: { $0.name == name }) else {
            throw BenchError.missing("no case \(name)")
          }
          bench_reset_peak_memory()
          let before = bench_current_memory()
          timer = try Timer(try bench.prepare())
          let peak = bench_peak_memory()
          try answer(Ready(memory_mb: Double(max(peak, before) - before) / 1_048_576, work: bench.work))
        case ("sample", let seconds?):
          guard let timer, let seconds = Double(seconds) else {
            throw BenchError.missing("nothing is prepared")
          }
          var samples = Samples()
          try timer.sample(seconds: seconds, into: &samples)
          try answer(Times(times: samples.times, clean: samples.clean))
        case ("ceilings", nil):
          try answer(try Ceilings.measure(threads: threads))
        default:
          throw BenchError.missing("not understood: \(line)")
        }
      } catch {
        try answer(Failure(error: "\(error)"))
      }
    }
  }

  private func answer(_ value: some Encodable) throws {
    try FileHandle.standardOutput.write(contentsOf: Data((encoded(value) + "\n").utf8))
  }
}
