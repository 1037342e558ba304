import Foundation
import PenchantData

/// Where a training stands, written as `state.json` of a checkpoint.
///
/// Batches and masks are functions of (seed, step), so the step is the position of every generator and of the data.
public struct TrainingState: Codable, Sendable, Equatable {
  /// Steps that are done.
  public var step: Int
  public var seed: UInt64
  /// Checksum of the resolved configuration: a resumed run must have the same.
  public var configuration: String
  /// Checksum of the data.
  public var data: String
  /// Best value of the watched metric so far, and its step.
  public var best: Double?
  public var bestStep: Int?
  /// Validations since the best one.
  public var waited: Int
  /// Sum of the losses since the last report, and their number.
  public var lossSum: Double
  public var lossCount: Int

  public init(seed: UInt64, configuration: String = "", data: String = "") {
    step = 0
    self.seed = seed
    self.configuration = configuration
    self.data = data
    best = nil
    bestStep = nil
    waited = 0
    lossSum = 0
    lossCount = 0
  }
}

/// A complete state of a training: named files, and where it stands.
public struct Checkpoint: Sendable, Equatable {
  public var state: TrainingState
  /// File name to content: `model.safetensors`, `optimizer.safetensors`.
  public var files: [String: [UInt8]]

  public init(state: TrainingState, files: [String: [UInt8]]) {
    self.state = state
    self.files = files
  }
}

/// `state.json`: the state, size and checksum of every file beside it, and a checksum of itself.
struct CheckpointRecord: Codable {
  struct File: Codable {
    var bytes: Int
    var xxh64: String
  }
  var format = 1
  var state: TrainingState
  var files: [String: File]
  var xxh64 = ""

  init(_ checkpoint: Checkpoint) throws {
    state = checkpoint.state
    files = checkpoint.files.mapValues { File(bytes: $0.count, xxh64: XXHash64.hex($0)) }
    xxh64 = try XXHash64.hex(encoded())
  }

  init(parsing bytes: [UInt8]) throws {
    self = try JSONDecoder().decode(CheckpointRecord.self, from: Data(bytes))
    var blank = self
    blank.xxh64 = ""
    guard try XXHash64.hex(blank.encoded()) == xxh64 else {
      throw CheckpointError("state.json has a wrong checksum")
    }
  }

  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    return [UInt8](try encoder.encode(self))
  }
}

/// A checkpoint that cannot be used.
public struct CheckpointError: Error, Sendable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
