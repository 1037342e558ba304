import PenchantData

/// What the `scheduler_config.json` of diffusers says of the noise: its schedule and what the network
/// predicts. How its sampler moves (spacing and offset of the steps, clipping) is not looked at: ours has
/// ways of its own.
struct PublishedScheduler {
  let schedule: ScheduleConfiguration
  let prediction: ModelConfiguration.Prediction

  init(_ path: String) throws(DataError) {
    var settings = try PublishedSettings(path)
    try settings.only(["trained_betas": []])
    guard settings.value("beta_schedule") != nil else {
      var error = settings.wrong(
        "beta_schedule", expected: "\"linear\", \"scaled_linear\" or \"squaredcos_cap_v2\"")
      error.repair = "networks that were trained without levels of noise, as by flow matching, cannot be used"
      throw error
    }
    var schedule = ScheduleConfiguration()
    schedule.kind = try settings.choice(
      "beta_schedule", ["linear": .linear, "scaled_linear": .scaledLinear, "squaredcos_cap_v2": .cosine])
    schedule.steps = try settings.integer("num_train_timesteps", 2...100_000, default: 1000)
    let first = try settings.number("beta_start", default: 0.0001)
    let last = try settings.number("beta_end", default: 0.02)
    // The cosine has a β of its own; a file may say anything here.
    if schedule.kind != .cosine { (schedule.first, schedule.last) = (first, last) }
    schedule.zeroTerminal = try settings.flag("rescale_betas_zero_snr", default: false)
    prediction = try settings.choice(
      "prediction_type", ["epsilon": .noise, "v_prediction": .velocity], default: .noise)
    do { try schedule.validate() } catch {
      throw DataError(file: path, "the schedule cannot be used: \(error)")
    }
    self.schedule = schedule
  }
}
