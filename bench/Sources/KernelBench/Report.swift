import Foundation

/// `value` with `digits` decimals.
func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

/// One timed case, as `--json` writes it.
struct Row: Codable, Sendable {
  let name: String
  let threads: Int
  let medianMs: Double
  let minMs: Double
  let spread: Double
  let undisturbed: Int
  let samples: Int
  let rate: String
  let rooflineMs: Double
  let fractionOfRoofline: Double

  init(_ bench: BenchCase, _ samples: Samples, _ ceilings: Ceilings) {
    let roofline = bench.work.roofline(ceilings)
    name = bench.name
    threads = ceilings.threads
    medianMs = samples.median * 1e3
    minMs = samples.minimum * 1e3
    spread = samples.spread
    undisturbed = samples.undisturbed
    self.samples = samples.times.count
    rate = bench.work.rate(samples.median, ceilings)
    rooflineMs = roofline * 1e3
    fractionOfRoofline = roofline / samples.median
  }

  enum CodingKeys: String, CodingKey {
    case name, threads, spread, undisturbed, samples, rate
    case medianMs = "median_ms"
    case minMs = "min_ms"
    case rooflineMs = "roofline_ms"
    case fractionOfRoofline = "fraction_of_roofline"
  }

  /// One aligned line.
  func line(nameWidth: Int) -> String {
    let label = name.padding(toLength: nameWidth, withPad: " ", startingAt: 0)
    let width = { (text: String, n: Int) in String(repeating: " ", count: max(0, n - text.count)) + text }
    return "\(label)  t=\(threads)  \(width(fixed(medianMs, 4), 10)) ms  min \(width(fixed(minMs, 4), 10))"
      + "  ±\(width(fixed(spread * 100, 0), 2))%  \(width(rate, 14))"
      + "  \(width(fixed(fractionOfRoofline * 100, 0), 3))% of roofline  \(undisturbed)/\(samples) undisturbed"
  }
}

/// What `--json` prints.
struct Report: Codable {
  let ceilings: [Ceilings]
  let cases: [Row]
}

func encoded(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
