import PenchantKernels

/// Samples with noise added: `x = √ᾱ x0 + √(1−ᾱ) noise`.
struct Noised {
  /// `[rows, values]`.
  var x: [Float]
  var noise: [Float]

  /// - Parameters:
  ///   - times: one a row.
  ///   - addresses: of each row's noise at this step; by default its place, so that every row has its own.
  init(
    _ samples: SampleSet, rows: [Int], times: [Int], schedule: NoiseSchedule, seed: UInt64, step: Int,
    addresses: [UInt64]? = nil
  ) throws(KernelError) {
    let values = samples.shape.count
    noise = try Draws(seed: seed, purpose: .forward(step)).normals(
      rows: addresses ?? rows.indices.map(UInt64.init), values)
    x = noise
    for (place, row) in rows.enumerated() {
      let level = schedule.level(times[place])
      let (signal, spread) = (Float(level.squareRoot()), Float((1 - level).squareRoot()))
      let clean = samples[row]
      for i in 0..<values {
        x[place * values + i] = signal * clean[clean.startIndex + i] + spread * x[place * values + i]
      }
    }
  }
}
