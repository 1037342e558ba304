import PenchantKernels

/// What a step of a method looks at: latents, and the noise that is to be found in them.
struct AlignmentSource {
  private let method: AlignmentMethod
  private let schedule: NoiseSchedule
  private let samples: SampleSet
  private let seed: UInt64
  private let policy: Inverter?
  private let stored: StoredInversions?

  /// - Parameters:
  ///   - policy, reference: the networks; which of them inverts is the preset's choice.
  init(
    _ configuration: AlignmentConfiguration, samples: SampleSet, policy: Denoiser, reference: Denoiser,
    seed: UInt64
  ) {
    method = configuration.objective.method
    schedule = policy.schedule
    self.samples = samples
    self.seed = seed
    let isStable = configuration.objective.preset == .stable
    let inversion = configuration.inverting()
    self.policy = method.inverts && !isStable ? Inverter(inversion, with: policy) : nil
    stored =
      method.inverts && isStable
      ? StoredInversions(Inverter(inversion, with: reference), samples: samples, seed: seed) : nil
  }

  struct Latents {
    /// `[rows, values]`.
    var x: [Float]
    /// `[rows, values]`.
    var noise: [Float]
    /// Rows that a network was asked about.
    var calls: Int
  }

  /// - Parameter rows: of the samples, winners first; `times` and `classes` are one a row.
  func latents(rows: [Int], times: [Int], classes: [Int], step: Int) throws -> Latents {
    if let stored {
      return try implied(stored.latents(rows: rows, times: times, classes: classes), rows, times)
    }
    if let policy {
      let addresses = rows.indices.map { UInt64(truncatingIfNeeded: step) << 20 | UInt64($0) }
      return try implied(
        policy.invert(
          rows.flatMap { samples[$0] }, times: times, classes: classes, seed: seed, rows: addresses), rows,
        times)
    }
    // Both of a pair share their noise, except where the method says otherwise (Wallace et al. 2024, section 4).
    let pairs = rows.count / 2
    let addresses = rows.indices.map { UInt64(method == .dpo || method == .mapo ? $0 % max(pairs, 1) : $0) }
    let noised = try Noised(
      samples, rows: rows, times: times, schedule: schedule, seed: seed, step: step, addresses: addresses)
    return Latents(x: noised.x, noise: noised.noise, calls: 0)
  }

  /// τ, the noise that turned the samples into the latents (InPO section 2).
  private func implied(_ latents: Inverter.Latents, _ rows: [Int], _ times: [Int]) throws -> Latents {
    var noise = latents.values
    var span = noise.mutableSpan
    let levels = times.map(schedule.level)
    let clean = rows.flatMap { samples[$0] }
    try impliedNoise(levels: levels.span, latents.values.span, clean: clean.span, into: &span)
    return Latents(x: latents.values, noise: noise, calls: latents.calls)
  }
}
