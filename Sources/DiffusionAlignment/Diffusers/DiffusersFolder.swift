import Foundation
import PenchantData
import PenchantNN
import PenchantTape

/// A network as the library diffusers saves it: a folder with `config.json` and
/// `diffusion_pytorch_model.safetensors`, alone or as the `unet` of a pipeline, whose `scheduler` says what
/// it was trained for.
///
/// ```swift
/// let model = try DiffusersFolder("stable-diffusion").model(contexts: "context.safetensors")
/// ```
public struct DiffusersFolder {
  /// Of the network.
  public let folder: String
  /// The file that says how noise is added; without one Stable Diffusion's schedule is taken, and a network
  /// that predicts ε.
  public let scheduler: String?

  private static let settings = "config.json"

  /// - Throws: `DataError` when there is no network in the folder.
  public init(_ path: String) throws(DataError) {
    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard let folder = ["\(path)/unet", path].first(where: { exists("\($0)/\(Self.settings)") }) else {
      throw DataError(
        file: path, "there is no network here",
        expected: "expected \(Self.settings), or unet/\(Self.settings), as save_pretrained writes them")
    }
    self.folder = folder
    let name = "scheduler_config.json"
    scheduler = [
      "\(path)/scheduler/\(name)", "\(path)/\(name)", "\(path)/../scheduler/\(name)",
    ].first(where: exists)
  }

  /// The model, with the numbers of the folder.
  ///
  /// - Parameters:
  ///   - size: height and width of a sample; by default that of the file.
  ///   - contexts: a file with the context of each class (docs/inpo.md); without it the network has the
  ///     classes of its own table, if any, and a context of zeros.
  /// - Throws: `DataError` naming the file and the field or tensor; `TapeError.memory`.
  public func model(size: (height: Int, width: Int)? = nil, contexts: String? = nil) throws -> FittedDiffusion
  {
    let network = try PublishedUNet("\(folder)/\(Self.settings)", size: size)
    let told = try contexts.map { try ClassContexts($0, for: network) } ?? ClassContexts(without: network)
    var configuration = ModelConfiguration()
    var c = network.configuration
    c.classes = told.names.count
    c.places = told.places
    configuration.published = c
    if let scheduler {
      let known = try PublishedScheduler(scheduler)
      configuration.schedule = known.schedule
      configuration.prediction = known.prediction
    }
    var layout = ParameterLayout()
    let made = try ConditionedNetwork(c, in: &layout)
    // Sizes are compared before memory is taken.
    let weights = try PublishedWeights(folder: folder)
    try weights.check(layout.entries.map(\.parameter), hasMatrices: network.hasMatrices)
    let store = try ParameterStore(layout)
    for parameter in store.parameters {
      if let values = try weights.values(parameter, hasMatrices: network.hasMatrices) {
        try store.set(parameter, to: values)
      }
    }
    if let tokens = made.unet.tokens { try store.set(tokens, to: told.tokens) }
    if let added = made.unet.added { try store.set(added, to: told.added) }
    let shape = SampleShape(height: c.height, width: c.width, channels: c.channels)
    return FittedDiffusion(
      try DiffusionModel(
        configuration, shape: shape, classNames: told.names, network: made, store: store), seed: 0)
  }
}
