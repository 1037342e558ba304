import DiffusionAlignment
import PenchantData
import PenchantTrain
import PreferenceModels
import SequentialRecommenders

/// The finished model of a run, of whichever system.
enum TrainedModel {
  case bradleyTerry(FittedBradleyTerry)
  case prefPalette(FittedTextPalette)
  case lcpo(FittedLCPO)
  case diffusion(FittedDiffusion, run: RunDirectory)
  case par(FittedPAR)
  case recommender(TrainedRecommender, seed: UInt64)

  init(_ folder: String) throws {
    let run = try RunDirectory.open(folder)
    let name = "model.safetensors"
    guard run.contains(name) else {
      throw DataError(
        file: folder, "the run has no model yet",
        repair: "finish it: penchant train \(Self.system(of: run)) --out \(folder) --resume")
    }
    switch try SafeTensors(run.file(name)).metadata["system"] {
    case System.prefPalette.name:
      self = .prefPalette(try FittedTextPalette(reading: folder, encoder: openEncoder))
    case System.diffusion.name: self = .diffusion(try FittedDiffusion(reading: run.file(name)), run: run)
    case System.lcpo.name: self = .lcpo(try FittedLCPO(reading: run.file(name)))
    case System.par.name: self = .par(try FittedPAR(reading: run.file(name)))
    case let name? where Recommenders.named(name) != nil:
      self = .recommender(
        try TrainedRecommender(run.file("model.safetensors")),
        seed: try JSON.decode(RunRecord.self, from: run.read("run.json")).seed)
    default: self = .bradleyTerry(try FittedBradleyTerry(reading: run.file(name), encoder: openEncoder))
    }
  }

  var system: String {
    switch self {
    case .bradleyTerry: System.bradleyTerry.name
    case .prefPalette: System.prefPalette.name
    case .lcpo: System.lcpo.name
    case .diffusion(_, let run): Self.system(of: run)
    case .par: System.par.name
    case .recommender(let model, _): model.system
    }
  }

  var seed: UInt64 {
    switch self {
    case .bradleyTerry(let model): model.seed
    case .prefPalette(let model): model.model.seed
    case .lcpo(let model): model.seed
    case .diffusion(let model, _): model.seed
    case .par(let model): model.seed
    case .recommender(_, let seed): seed
    }
  }

  /// What a run was started with; the first system when it does not say.
  static func system(of run: RunDirectory) -> String {
    (try? JSON.decode(RunRecord.self, from: run.read("run.json")).system) ?? System.bradleyTerry.name
  }

  /// The model that also knows the communities of a file of pairs.
  func adapted(to file: String?) throws -> TrainedModel {
    guard let file else { return self }
    guard case .prefPalette(var model) = self else {
      throw ConfigurationError("--adapt means nothing for a run of \(system): it has no communities")
    }
    let members = Dictionary(grouping: try readPairs(file)) { $0.community ?? "" }
    for name in members.keys.sorted() { model = try model.adding(community: name, from: members[name] ?? []) }
    return .prefPalette(model)
  }
}
