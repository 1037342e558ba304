import ArgumentParser
import CBench
import Foundation
import PenchantKernels

@main struct KernelBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "penchant-bench",
    abstract: "Times kernels and training steps against the machine's ceilings.",
    discussion: """
      Ceilings are measured first, by code of their own. A sample lasts a millisecond or more; one during which \
      the system took a processor away counts only when there are not three others. The roofline is the time of \
      the least work (operations, bytes, exponentials) at the ceilings.
      """)

  @Argument(help: "Parts of case names; all cases when none is given.")
  var filter: [String] = []

  @Option(help: "Numbers of threads, with commas.")
  var threads = "1,2"

  @Option(help: "Seconds of samples a case.")
  var seconds = 1.0

  @Flag(help: "One JSON object on standard output.")
  var json = false

  @Flag(help: "The names of the cases, and nothing else.")
  var list = false

  @Flag(help: ArgumentHelp("Serve bench/compare on standard input.", visibility: .hidden))
  var worker = false

  @Option(help: ArgumentHelp("Write what peers need of the palette cases into a file.", visibility: .hidden))
  var exportPalette: String?

  @Option(help: ArgumentHelp("Write what peers train recommenders on into a file.", visibility: .hidden))
  var exportHistories: String?

  private func counts() throws -> [Int] {
    let counts = threads.split(separator: ",").map { Int($0) ?? 0 }
    guard !counts.isEmpty, counts.allSatisfy({ (1...64).contains($0) }) else {
      throw ValidationError("--threads takes numbers from 1 to 64, such as 1,2; this is \(threads)")
    }
    return counts
  }

  func run() throws {
    if let exportPalette { return try PaletteProblem().export(to: exportPalette) }
    if let exportHistories { return try RecommenderProblem().export(to: exportHistories) }
    let chosen = BenchCase.all.filter { bench in
      filter.isEmpty || filter.contains { bench.name.contains($0) }
    }
    if list {
      for bench in chosen { print(bench.name) }
      return
    }
    if worker {
      let count = try counts()[0]
      try Team.setSize(count)
      // As the peers do: a process that is asked for one thread keeps to one processor.
      if count == 1 { _ = bench_pin() }
      return try Worker(threads: count).run()
    }
    guard !chosen.isEmpty else {
      throw ValidationError("no case has \(filter.joined(separator: " or ")) in its name")
    }

    let say = { (line: String) in
      guard !json else { return }
      // Written at once: a run takes minutes and people pipe it.
      FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
    let ceilings = try counts().map { try Ceilings.measure(threads: $0) }
    for ceiling in ceilings { say(ceiling.line) }
    let width = chosen.map(\.name.count).max() ?? 0
    var rows: [Row] = []
    for bench in chosen {
      let body = try bench.prepare()
      for ceiling in ceilings {
        try Team.setSize(ceiling.threads)
        var samples = Samples()
        try Timer(body).sample(seconds: seconds, into: &samples)
        let row = Row(bench, samples, ceiling)
        rows.append(row)
        say(row.line(nameWidth: width))
      }
    }
    try Team.setSize(nil)
    if json { print(try encoded(Report(ceilings: ceilings, cases: rows))) }
  }
}
