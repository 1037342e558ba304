import ArgumentParser
import DiffusionAlignment
import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PreferenceModels
import SequentialRecommenders

/// Options that every verb with a computation has.
struct CommonOptions: ParsableArguments {
  @Option(help: "Threads; results have the same bits for every number of them.")
  var threads: Int?

  @Flag(help: "Print one JSON object on standard output and nothing else there.")
  var json = false

  @Flag(help: "No progress on standard error.")
  var quiet = false

  func validate() throws {
    if let threads, !(1...256).contains(threads) {
      throw ValidationError("--threads must be 1 to 256, found \(threads)")
    }
  }

  func apply() throws { try Team.setSize(threads) }
  var progress: ProgressLine { ProgressLine(style: quiet ? .silent : nil) }
}

/// Systems by the name they have on the command line.
enum System {
  case bradleyTerry
  case prefPalette
  case lcpo
  case diffusion
  case inpo
  case par
  case recommender(any RecommenderConfiguration.Type)

  static let all =
    [System.bradleyTerry, .prefPalette, .lcpo, .par, .diffusion, .inpo]
    + Recommenders.all.map { .recommender($0) }
  static var names: [String] { all.map(\.name) }

  static func isRecommender(_ name: String) -> Bool { Recommenders.named(name) != nil }

  var name: String {
    switch self {
    case .bradleyTerry: "bradley-terry"
    case .prefPalette: "prefpalette"
    case .lcpo: LCPO.system
    case .diffusion: FittedDiffusion.system
    case .inpo: AlignmentResult.system
    case .par: PAR.system
    case .recommender(let type): type.system
    }
  }

  init(named name: String) throws {
    if let system = System.all.first(where: { $0.name == name }) {
      self = system
      return
    }
    let names = System.names
    let hint =
      nearestName(to: name, among: names).map { "did you mean \"\($0)\"?" }
      ?? "systems: \(names.joined(separator: ", "))"
    throw ConfigurationError("\"\(name)\" is not a system\n  \(hint)")
  }
}

/// Opens what `features.encoder` names.
func openEncoder(_ folder: String) throws -> any TextEncoder { try SentenceEncoder(folder: folder) }

/// Reads all pairs of a file.
func readPairs(_ path: String) throws -> [PreferencePair] {
  let reader = try PairReader(path)
  return try reader.pairs()
}

/// Checksum of what a model is trained on.
func checksum(_ table: PairTable) -> String {
  var bytes: [UInt8] = []
  for text in table.texts {
    bytes += Array(text.utf8)
    bytes.append(0)
  }
  for pair in 0..<table.count {
    for value in [
      UInt64(table.chosen[pair]), UInt64(table.rejected[pair]), UInt64(table.weight[pair].bitPattern),
    ] {
      withUnsafeBytes(of: value.littleEndian) { bytes += Array($0) }
    }
    bytes += Array(table.communities[table.community[pair]].utf8)
  }
  return XXHash64.hex(bytes)
}

/// Rows of `--embeddings` (two a pair) in the order of the table's texts.
func embeddingRows(_ path: String, for table: PairTable) throws -> FeatureMatrix {
  let all = try FeatureMatrix(embeddings: path)
  guard all.rows == 2 * table.count else {
    throw DataError(
      file: path, "the number of rows does not fit the pairs",
      expected:
        "expected \(2 * table.count) rows: the chosen and the rejected answer of \(table.count) pairs",
      found: "found \(all.rows)", repair: "see: penchant help data")
  }
  var dense = [Float](repeating: 0, count: table.texts.count * all.denseWidth)
  for pair in (0..<table.count).reversed() {
    for (row, text) in [(2 * pair, table.chosen[pair]), (2 * pair + 1, table.rejected[pair])] {
      for column in 0..<all.denseWidth {
        dense[text * all.denseWidth + column] = all.dense[row * all.denseWidth + column]
      }
    }
  }
  return try FeatureMatrix(rows: table.texts.count, width: all.denseWidth, dense: dense)
}
