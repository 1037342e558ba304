import Foundation

/// The folder of a run:
///
///     config.yaml        every setting, defaults written out
///     metrics.jsonl      one object a line
///     checkpoints/       step-000200/{model.safetensors, optimizer.safetensors, state.json}, last, best
///     environment.json   machine and versions
///     result.json        what `--json` prints
///     report.html        the report, report.json its numbers
///     README.md          model card
///     peers/             metrics and checkpoints of models that were trained for comparison
public struct RunDirectory: Sendable {
  public let path: String
  let files: any FileLayer

  private init(path: String, files: any FileLayer) {
    self.path = path
    self.files = files
  }

  /// A new run. A folder that already holds a run is refused: `--resume` continues it.
  public static func create(_ path: String, files: any FileLayer = SystemFiles()) throws -> RunDirectory {
    guard !files.names(in: path).contains("config.yaml") else { throw RunError.occupied(path) }
    try files.createDirectory(path)
    return RunDirectory(path: path, files: files)
  }

  /// A run that exists.
  public static func open(_ path: String, files: any FileLayer = SystemFiles()) throws -> RunDirectory {
    guard files.names(in: path).contains("config.yaml") else { throw RunError.missing(path) }
    return RunDirectory(path: path, files: files)
  }

  /// The folder `peers/name` of the run, for metrics and checkpoints of a model that is trained beside its own.
  public func peer(_ name: String) throws -> RunDirectory {
    let folder = file("peers/\(name)")
    try files.createDirectory(folder)
    return RunDirectory(path: folder, files: files)
  }

  public func file(_ name: String) -> String { "\(path)/\(name)" }
  public var metrics: MetricsLog { MetricsLog(path: file("metrics.jsonl")) }
  public func checkpoints(keep: Int = 2) -> CheckpointStore {
    CheckpointStore(folder: file("checkpoints"), keep: keep, files: files)
  }

  /// Writes a file of the run: the old or the new content survives a crash, never a part.
  public func write(_ name: String, _ text: String) throws {
    try files.replace(file(name), with: [UInt8](text.utf8))
  }
  public func write(_ name: String, bytes: [UInt8]) throws { try files.replace(file(name), with: bytes) }

  public func write<T: Encodable>(_ name: String, json value: T) throws {
    try write(name, bytes: Array(JSON.encode(value)))
  }

  public func read(_ name: String) throws -> [UInt8] { try files.read(file(name)) }
  public func text(_ name: String) throws -> String { String(decoding: try read(name), as: UTF8.self) }
  public func contains(_ name: String) -> Bool { files.names(in: path).contains(name) }
}

/// Why a run directory cannot be used.
public enum RunError: Error, Sendable, Equatable, CustomStringConvertible {
  case occupied(String)
  case missing(String)

  public var description: String {
    switch self {
    case .occupied(let path):
      "\(path): a run is there already\n  continue it with --resume, or choose another --out"
    case .missing(let path): "\(path): no run is there (config.yaml is missing)"
    }
  }
}

/// JSON as this project writes it: keys sorted, two-space indent, numbers that are not finite as strings.
public enum JSON {
  public static func encode<T: Encodable>(_ value: T, pretty: Bool = true) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
      pretty
      ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(value)
  }

  public static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws -> T {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(type, from: Data(bytes))
  }
}
