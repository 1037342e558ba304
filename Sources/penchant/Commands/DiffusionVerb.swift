import ArgumentParser
import DiffusionAlignment
import Foundation
import PenchantData
import PenchantTrain

/// What can be done with a diffusion model besides training it.
struct DiffusionVerb: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diffusion",
    abstract: "Draw from a diffusion model, import one, or ask how much a pair teaches it.",
    subcommands: [DrawSamples.self, ImportDiffusers.self, ProbeGradients.self])
}

struct DrawSamples: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Draw pictures or points.",
    discussion: """
      Examples:
        penchant diffusion sample base --grid 8x8 --out grid.png
        penchant diffusion sample aligned --grid 4x10 --class 3 --guidance 2 --out threes.png
        penchant diffusion sample base --count 1000 --out samples.safetensors
            an array "x" and, with classes, "classes"; points can only be drawn so

      Sample i depends on the model, the seed and i alone: the grids of two models at one seed can be compared place by place.
      """)

  @Argument(help: ArgumentHelp("The run directory, or a model.safetensors.", valueName: "run"))
  var path: String

  @Option(help: "Rows and columns of a picture of pictures.")
  var grid: String?

  @Option(help: "Samples, where no grid says it.")
  var count: Int?

  @Option(name: .customLong("class"), help: "The class to draw; by default all of them, one after the other.")
  var label: String?

  @Option(help: "How much samples are drawn to their class; 1 is not at all.")
  var guidance: Double?

  @Option(help: "Moves from noise to sample.")
  var steps: Int?

  @Option(help: "Noise in each move: 0 is DDIM, 1 is DDPM.")
  var eta: Double?

  @Option(help: "Seed of the samples.")
  var seed: UInt64 = 0

  @Option(help: "A .png or a .safetensors file.")
  var out: String

  @OptionGroup var common: CommonOptions

  private struct Drawn: Encodable {
    var out: String
    var count: Int
    var seed: UInt64
    var fingerprint: String
  }

  func run() throws {
    try common.apply()
    var fitted = try diffusionModel(path)
    if let guidance { fitted.sampling.guidance = guidance }
    if let steps { fitted.sampling.steps = steps }
    if let eta { fitted.sampling.eta = eta }
    try fitted.sampling.validate()
    let (number, columns) = try size()
    let samples = try fitted.samples(classes(number, of: fitted), seed: seed)
    if out.hasSuffix(".png") {
      try AtomicFile.write(PictureGrid(columns: columns).bitmap(samples).png(), to: out)
    } else if out.hasSuffix(".safetensors") {
      try samples.write(to: out)
    } else {
      throw ConfigurationError("--out must end in .png or .safetensors, found \"\(out)\"")
    }
    if common.json {
      let fingerprint = XXHash64.hex(samples.values.map(Double.init))
      try showJSON(Drawn(out: out, count: number, seed: seed, fingerprint: fingerprint))
    } else {
      try show(out)
    }
  }

  /// Samples, and columns of a grid.
  private func size() throws -> (count: Int, columns: Int) {
    if let grid {
      let parts = grid.split(separator: "x").map { Int($0) }
      guard parts.count == 2, let rows = parts[0], let columns = parts[1], (1...1000).contains(rows),
        (1...1000).contains(columns)
      else { throw ConfigurationError("--grid wants rows and columns, as 8x8, found \"\(grid)\"") }
      return (rows * columns, columns)
    }
    let number = count ?? 64
    guard (1...1_000_000).contains(number) else {
      throw ConfigurationError("--count must be 1 to 1000000, found \(number)")
    }
    return (number, max(1, Int(Double(number).squareRoot().rounded(.up))))
  }

  private func classes(_ number: Int, of fitted: FittedDiffusion) throws -> [Int] {
    guard let label else { return fitted.classes(number) }
    let names = fitted.model.classNames
    guard let place = names.firstIndex(of: label) else {
      throw ConfigurationError(
        "\"\(clipped(label, 40))\" is no class of the model\n  "
          + (names.isEmpty ? "it has none" : "classes: \(names.prefix(40).joined(separator: ", "))"))
    }
    return [Int](repeating: place, count: number)
  }
}

struct ProbeGradients: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe", abstract: "How much a single pair teaches a model, by method.",
    discussion: """
      Draws pairs and times, and compares the squared length of the mean gradient with its variance: where the ratio is larger,
      fewer pairs are needed for the first steps. It says nothing about where a training ends.

      Examples:
        penchant diffusion probe base --data pairs.jsonl --draws 1200
      """)

  @Argument(help: ArgumentHelp("The run directory, or a model.safetensors.", valueName: "run"))
  var path: String

  @Option(help: "Pairs of pictures or points, JSON lines.")
  var data: String

  @Option(help: "Pairs that are drawn.")
  var draws = 1200

  @Option(help: "Seed of the draws.")
  var seed: UInt64 = 0

  @OptionGroup(title: "Pictures and points") var pictures: SampleOptions

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if !(2...1_000_000).contains(draws) {
      throw ValidationError("--draws must be 2 to 1000000, found \(draws)")
    }
  }

  func run() throws {
    try common.apply()
    let start = try diffusionModel(path)
    let pairs = try (pictures.form ?? SampleForm()).pairs(data)
    try Alignment().check(pairs, from: start, file: data)
    let rows = try GradientProbe(start, pairs: pairs, seed: seed).rows(draws: draws)
    if common.json { return try showJSON(rows) }
    try show(
      aligned(
        [["", "squared mean", "variance", "ratio"]]
          + rows.map { [$0.method, decimal($0.signal, 4), decimal($0.variance, 2), decimal($0.ratio, 4)] }))
  }
}
