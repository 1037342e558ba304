import DiffusionAlignment
import PenchantTrain
import Testing

@Suite struct NoiseScheduleTests {
  /// InPO section 3: time, ᾱ, √ᾱ, σ̂ of the schedule of Stable Diffusion.
  private static let table: [(time: Int, level: Double, root: Double, ratio: Double)] = [
    (0, 0.99915000, 0.999575, 0.029167), (1, 0.99829603, 0.999148, 0.041314),
    (101, 0.89298054, 0.944976, 0.346187), (201, 0.75214340, 0.867262, 0.574050),
    (301, 0.58881870, 0.767345, 0.835653), (401, 0.42288152, 0.650293, 1.168216),
    (501, 0.27499907, 0.524404, 1.623692), (601, 0.15981644, 0.399770, 2.292854),
    (701, 0.08191671, 0.286211, 3.347764), (801, 0.03654652, 0.191171, 5.134431),
    (901, 0.01400490, 0.118342, 8.390685), (999, 0.00466010, 0.068265, 14.614641),
  ]

  @Test func levelsAreThoseOfTheTable() throws {
    let schedule = try NoiseSchedule()
    for row in Self.table {
      #expect(abs(schedule.level(row.time) - row.level) < 6e-9, "\(row.time)")
      #expect(abs(schedule.level(row.time).squareRoot() - row.root) < 6e-7)
      #expect(abs(schedule.noiseToSignal(row.time) - row.ratio) < 6e-7 * max(1, row.ratio))
    }
    #expect(schedule.level(-99) == schedule.level(0) && schedule.level(5000) == schedule.level(999))
  }

  @Test func linearAndCosineFollowTheirFormulas() throws {
    var configuration = ScheduleConfiguration()
    configuration.kind = .linear
    (configuration.first, configuration.last) = (1e-4, 0.02)
    let linear = try NoiseSchedule(configuration)
    // Ho et al. 2020: what is left after a thousand times.
    #expect(abs(linear.level(0) - 0.9999) < 1e-12)
    #expect(abs(linear.level(999) - 4.0358e-5) < 1e-8, "\(linear.level(999))")
    configuration.kind = .cosine
    let cosine = try NoiseSchedule(configuration)
    // Half of the way by Nichol & Dhariwal's formula: cos²(0.508 / 1.008 · π/2) / cos²(0.008 / 1.008 · π/2).
    #expect(abs(cosine.level(499) - 0.49384) < 1e-4, "\(cosine.level(499))")
    #expect(zip(cosine.levels, cosine.levels.dropFirst()).allSatisfy { $0 > $1 })
    configuration.kind = .scaledLinear
    configuration.zeroTerminal = true
    let terminal = try NoiseSchedule(configuration)
    #expect(terminal.level(999) == 1e-8 && abs(terminal.level(0) - (1 - configuration.first)) < 1e-12)
  }

  @Test func wrongSettingsAreNamed() {
    var configuration = ScheduleConfiguration()
    configuration.last = 2
    let error = #expect(throws: ConfigurationError.self) { try NoiseSchedule(configuration) }
    #expect(error?.description.contains("schedule.last") == true)
  }
}
