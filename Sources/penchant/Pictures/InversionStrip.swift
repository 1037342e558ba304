import DiffusionAlignment
import PenchantData
import PenchantReport

/// A winner and a loser led back to their noise, level by level: x at each level above, what one step makes of it below.
struct InversionStrip {
  /// Times, and rows of pictures: winner's latents, winner's estimates, loser's latents, loser's estimates.
  private let times: [Int]
  private let rows: SampleSet

  /// Of the first pair; nil without pairs.
  init?(_ pairs: SamplePairs, model: FittedDiffusion) throws {
    guard let winner = pairs.winners.first, let loser = pairs.losers.first else { return nil }
    let denoiser = Denoiser(model.model)
    let steps = model.model.schedule.steps
    times = (0..<10).map { $0 * (steps - 1) / 9 }
    var values: [Float] = []
    var configuration = InversionConfiguration()
    configuration.eta = 0
    let inverter = Inverter(configuration, with: denoiser)
    for row in [winner, loser] {
      let clean = times.flatMap { _ in pairs.samples[row] }
      let label = pairs.samples.classes.isEmpty ? DiffusionModel.noClass : pairs.samples.classes[row]
      let classes = times.map { _ in label }
      let latents = try inverter.invert(
        clean, times: times, classes: classes, seed: 0, rows: times.map { _ in 0 }
      ).values
      values += latents
      values += try denoiser.estimates(of: latents, times: times, classes: classes)
    }
    rows = SampleSet(shape: pairs.samples.shape, values: values)
  }

  func bytes() throws -> [UInt8] {
    var file = SafeTensorsWriter()
    try file.add(
      "x", shape: [rows.count, rows.shape.height, rows.shape.width, rows.shape.channels], rows.values)
    try file.add("times", shape: [times.count], times)
    return file.bytes()
  }

  init(reading path: String) throws {
    rows = try SampleReader.read(path)
    times = try SafeTensors(path).integers("times")
  }

  func charts() throws -> [any Chart] {
    guard times.count > 0, rows.count == 4 * times.count else { return [] }
    let caption =
      "Times \(times.map(String.init).joined(separator: ", ")). A preferred sample and what one step of the network makes of it, "
      + "then the same of the other one."
    if rows.shape.isPoint {
      guard rows.shape.channels >= 2 else { return [] }
      let names = ["winner", "winner, one step", "loser", "loser, one step"]
      return [
        ScatterChart(
          title: "Inversion", caption: caption, x: "first coordinate", y: "second coordinate",
          series: names.enumerated().map { part, name in
            PointSeries(
              name,
              times.indices.map { place in
                let first = (part * times.count + place) * rows.shape.count
                return (x: Double(rows.values[first]), y: Double(rows.values[first + 1]))
              })
          })
      ]
    }
    guard rows.shape.isPicture else { return [] }
    let grid = try PictureGrid(columns: times.count).bitmap(rows)
    return [
      Picture(
        title: "Inversion", caption: caption,
        alternative: "Four rows of \(times.count) pictures, from sample to noise",
        png: try grid.png(), width: grid.width, height: grid.height)
    ]
  }
}
