import CBench

/// Times of one case.
struct Samples: Sendable {
  private(set) var times: [Double] = []
  private(set) var clean: [Bool] = []

  mutating func append(_ seconds: Double, clean isClean: Bool) {
    times.append(seconds)
    clean.append(isClean)
  }

  /// The times that count: undisturbed ones when there are three, all otherwise.
  var counted: [Double] {
    let undisturbed = zip(times, clean).filter(\.1).map(\.0)
    return (undisturbed.count >= 3 ? undisturbed : times).sorted()
  }

  var undisturbed: Int { clean.count { $0 } }
  var minimum: Double { times.min() ?? .nan }
  var median: Double { quantile(0.5) }
  /// Half the distance of the quartiles, as a share of the median.
  var spread: Double { (quantile(0.75) - quantile(0.25)) / 2 / median }

  func quantile(_ q: Double) -> Double {
    let sorted = counted
    guard !sorted.isEmpty else { return .nan }
    let place = q * Double(sorted.count - 1)
    let low = Int(place)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (place - Double(low)) * (sorted[high] - sorted[low])
  }
}

/// A call that is warm and knows how often it must run to fill a sample.
struct Timer {
  private let body: () throws -> Void
  private let repeats: Int
  /// Seconds of one call, seen while warming up.
  let estimate: Double

  /// Runs `body` twice, to warm up and to see how long it takes.
  init(_ body: @escaping () throws -> Void) throws {
    self.body = body
    try body()
    let begin = bench_seconds()
    try body()
    estimate = max(bench_seconds() - begin, 1e-7)
    repeats = max(1, Int(1e-3 / estimate))
  }

  /// Takes samples of a millisecond or more for `seconds`, and three at least.
  func sample(seconds: Double, into samples: inout Samples) throws {
    let stop = bench_seconds() + seconds
    var taken = 0
    repeat {
      let before = bench_preemptions()
      let begin = bench_seconds()
      for _ in 0..<repeats { try body() }
      let time = (bench_seconds() - begin) / Double(repeats)
      samples.append(time, clean: bench_preemptions() == before)
      taken += 1
    } while taken < 3 || bench_seconds() < stop
  }
}
