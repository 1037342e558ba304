import PenchantKernels

/// Inversions by a network that does not change: the whole grid of a sample once, from which every time is one hop away.
///
/// The bits are those of ``Inverter`` with the same addresses.
final class StoredInversions {
  private let inverter: Inverter
  private let samples: SampleSet
  private let seed: UInt64
  /// Sweeps that fit into the memory allowed.
  private let room: Int
  private var places: [Key: Int] = [:]
  /// Of each stored sweep: the latents at the sources and the noise found there, `[hops, values]`.
  private var latents: [[Float]] = []
  private var noises: [[Float]] = []

  private struct Key: Hashable {
    var row: Int
    var label: Int
  }

  /// - Parameter bytes: memory that may be used.
  init(_ inverter: Inverter, samples: SampleSet, seed: UInt64, bytes: Int = 512 << 20) {
    self.inverter = inverter
    self.samples = samples
    self.seed = seed
    room = bytes / max(1, 8 * samples.shape.count * (inverter.configuration.grid + 1))
  }

  /// Whether sweeps can be used again: every hop asks at its source, once.
  private var stores: Bool {
    inverter.configuration.renoise == 0 && inverter.configuration.asked == .source
      && inverter.configuration.landing == .exact
  }

  /// The latents of samples `rows` at `times` under `classes`, `[rows, values]`, and the network calls that were made.
  func latents(rows: [Int], times: [Int], classes: [Int]) throws -> Inverter.Latents {
    let keys = zip(rows, classes).map { Key(row: $0, label: $1) }
    var missing: [Key] = []
    var known = Set(places.keys)
    for key in keys where known.insert(key).inserted { missing.append(key) }
    guard stores, places.count + missing.count <= room else {
      return try inverter.invert(
        rows.flatMap { samples[$0] }, times: times, classes: classes, seed: seed, rows: rows.map(UInt64.init))
    }
    let calls = try sweep(missing)
    return Inverter.Latents(values: try land(keys, times), calls: calls)
  }

  /// Stores the sweeps of `keys`.
  private func sweep(_ keys: [Key]) throws -> Int {
    if keys.isEmpty { return 0 }
    let values = samples.shape.count
    let sweep = try inverter.sweep(
      keys.flatMap { samples[$0.row] }, classes: keys.map(\.label), seed: seed,
      rows: keys.map { UInt64($0.row) })
    for (place, key) in keys.enumerated() {
      places[key] = latents.count
      let range = place * values..<(place + 1) * values
      latents.append(sweep.latents.flatMap { $0[range] })
      noises.append(sweep.noises.flatMap { $0[range] })
    }
    return sweep.noises.count * keys.count
  }

  /// One hop from the last source before each time.
  private func land(_ keys: [Key], _ times: [Int]) throws -> [Float] {
    let values = samples.shape.count
    var x: [Float] = []
    var eps: [Float] = []
    var hops: [Int] = []
    for (key, time) in zip(keys, times) {
      let hop = inverter.lastHop(to: time)
      let place = places[key] ?? 0
      x += latents[place][hop * values..<(hop + 1) * values]
      eps += noises[place][hop * values..<(hop + 1) * values]
      hops.append(hop)
    }
    return try inverter.land(
      x, eps: eps, hops: hops, times: times, seed: seed, rows: keys.map { UInt64($0.row) })
  }
}
