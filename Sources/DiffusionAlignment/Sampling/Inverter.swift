import PenchantKernels

/// Leads samples back to the noise that a network associates with them: deterministic DDIM run backwards (InPO section 6).
///
/// Rows have times of their own. They are sorted by time, so that those still on their way are the first ones, and a batch
/// costs about two thirds of the network calls of the whole grid.
public struct Inverter {
  public let configuration: InversionConfiguration
  public let predictor: any NoisePredictor

  public init(
    _ configuration: InversionConfiguration = InversionConfiguration(), with predictor: any NoisePredictor
  ) {
    self.configuration = configuration
    self.predictor = predictor
  }

  /// What an inversion found.
  public struct Latents: Sendable {
    /// `[rows, values]`.
    public var values: [Float]
    /// Rows that the network was asked about, over all hops.
    public var calls: Int
  }

  /// - Parameters:
  ///   - x: samples without noise, `[rows, values]`.
  ///   - times: where each row is to land.
  ///   - classes: one a row, or empty.
  ///   - rows: address of each row's extra noise; two rows of one address get the same.
  public func invert(
    _ x: [Float], times: [Int], classes: [Int], seed: UInt64, rows: [UInt64]
  ) throws -> Latents {
    let values = predictor.shape.count
    guard x.count == times.count * values, rows.count == times.count,
      classes.isEmpty || classes.count == times.count
    else {
      throw KernelError.shape(
        "Inverter.invert",
        "\(x.count) values, \(times.count) times, \(classes.count) classes, \(rows.count) addresses")
    }
    let order = times.indices.sorted { (times[$0], $1) > (times[$1], $0) }
    var state = Sorted(
      x: order.flatMap { x[$0 * values..<($0 + 1) * values] }, times: order.map { times[$0] },
      classes: classes.isEmpty ? [] : order.map { classes[$0] }, rows: order.map { rows[$0] }, values: values)
    var calls = 0
    for (number, hop) in hops.enumerated() {
      let active = state.times.firstIndex { $0 <= hop.source } ?? state.times.count
      if active == 0 { break }
      try advance(&state, active, number, seed, &calls)
    }
    var result = [Float](repeating: 0, count: x.count)
    for (place, row) in order.enumerated() {
      for i in 0..<values { result[row * values + i] = state.x[place * values + i] }
    }
    return Latents(values: result, calls: calls)
  }

  // MARK: Hops

  private struct Hop {
    var source: Int
    var target: Int
  }

  private struct Sorted {
    var x: [Float]
    var times: [Int]
    var classes: [Int]
    var rows: [UInt64]
    let values: Int
  }

  /// The hops of the grid, and one more behind its end for exact landing.
  private var hops: [Hop] {
    let steps = predictor.schedule.steps
    let size = max(1, steps / configuration.grid)
    var hops = configuration.sources(steps).map { Hop(source: $0, target: min($0 + size, steps - 1)) }
    if configuration.landing == .exact, let end = hops.last?.target, end < steps - 1 {
      hops.append(Hop(source: end, target: steps - 1))
    }
    return hops
  }

  /// Moves the first `active` rows.
  private func advance(
    _ state: inout Sorted, _ active: Int, _ number: Int, _ seed: UInt64, _ calls: inout Int
  ) throws {
    let hop = hops[number]
    let x = Array(state.x[..<(active * state.values)])
    let times = Array(state.times[..<active])
    let classes = Array(state.classes.prefix(active))
    let targets = times.map { target(hop, $0) }
    let asked = configuration.asked == .source ? [Int](repeating: hop.source, count: active) : targets
    let first = try predictor.noise(in: x, times: asked, classes: classes)
    calls += active
    let numbers = [Int](repeating: number, count: active)
    var next = try moved(x, first, numbers, times)
    for _ in 0..<configuration.renoise {
      var eps = try predictor.noise(in: next, times: targets, classes: classes)
      calls += active
      if configuration.averaged { for i in eps.indices { eps[i] = (eps[i] + first[i]) / 2 } }
      next = try moved(x, eps, numbers, times)
    }
    try addNoise(&next, numbers, times, seed, Array(state.rows[..<active]))
    for i in next.indices { state.x[i] = next[i] }
  }

  /// Where a row of a time goes in a hop.
  private func target(_ hop: Hop, _ time: Int) -> Int {
    configuration.landing == .exact ? min(hop.target, time) : hop.target
  }

  /// The number of the last hop of a row of a time.
  func lastHop(to time: Int) -> Int { hops.lastIndex { $0.source < time } ?? 0 }

  /// Rows at the sources of hops, moved by the noise that was found there.
  func land(
    _ x: [Float], eps: [Float], hops numbers: [Int], times: [Int], seed: UInt64, rows: [UInt64]
  ) throws(KernelError) -> [Float] {
    var next = try moved(x, eps, numbers, times)
    try addNoise(&next, numbers, times, seed, rows)
    return next
  }

  /// The whole grid: what is at the source of each hop, and the noise found there, `[hops][rows, values]`.
  func sweep(
    _ x: [Float], classes: [Int], seed: UInt64, rows: [UInt64]
  ) throws -> (latents: [[Float]], noises: [[Float]]) {
    let last = [Int](repeating: predictor.schedule.steps - 1, count: rows.count)
    var latents = [x]
    var noises: [[Float]] = []
    for (number, hop) in hops.enumerated() {
      let eps = try predictor.noise(
        in: latents[number], times: [Int](repeating: hop.source, count: rows.count), classes: classes)
      noises.append(eps)
      if number + 1 < hops.count {
        let numbers = [Int](repeating: number, count: rows.count)
        latents.append(
          try land(latents[number], eps: eps, hops: numbers, times: last, seed: seed, rows: rows))
      }
    }
    return (latents, noises)
  }

  // MARK: Moves

  private func levels(_ numbers: [Int], _ times: [Int]) -> (from: [Double], to: [Double]) {
    let hops = hops
    return (
      numbers.map { predictor.schedule.level(hops[$0].source) },
      zip(numbers, times).map { predictor.schedule.level(target(hops[$0], $1)) }
    )
  }

  private func moved(
    _ x: [Float], _ eps: [Float], _ numbers: [Int], _ times: [Int]
  ) throws(KernelError) -> [Float] {
    let (from, to) = levels(numbers, times)
    var out = x
    var span = out.mutableSpan
    try ddimMove(from: from.span, to: to.span, x.span, eps: eps.span, into: &span)
    return out
  }

  /// Adds `eta` of DDPM's posterior deviation between the levels of each row's hop.
  private func addNoise(
    _ x: inout [Float], _ numbers: [Int], _ times: [Int], _ seed: UInt64, _ rows: [UInt64]
  ) throws(KernelError) {
    guard configuration.eta > 0 else { return }
    let values = predictor.shape.count
    let (from, to) = levels(numbers, times)
    for hop in Set(numbers) {
      let places = numbers.indices.filter { numbers[$0] == hop && to[$0] < from[$0] }
      let z = try Draws(seed: seed, purpose: .hop(hop)).normals(rows: places.map { rows[$0] }, values)
      for (place, row) in places.enumerated() {
        let posterior = ((1 - from[row]) / (1 - to[row]) * (1 - to[row] / from[row])).squareRoot()
        let spread = Float(configuration.eta * posterior)
        for i in 0..<values { x[row * values + i] += spread * z[place * values + i] }
      }
    }
  }
}
