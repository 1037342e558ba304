import Foundation
import PenchantData

/// The folder `checkpoints/` of a run: `step-000200/{model.safetensors, optimizer.safetensors, state.json}` and the links
/// `last` and `best`.
///
/// A checkpoint is written under a temporary name, every file is synced, then the folder, then it is renamed and the parent
/// is synced. So a name `step-…` that survives a power cut has all its bytes; sizes and checksums are verified all the same,
/// and a checkpoint that fails is passed over with a warning.
public struct CheckpointStore: Sendable {
  public let folder: String
  let files: any FileLayer
  /// Newest checkpoints that stay; the best one stays besides.
  public let keep: Int

  public init(folder: String, keep: Int = 2, files: any FileLayer = SystemFiles()) {
    self.folder = folder
    self.keep = max(1, keep)
    self.files = files
  }

  /// Saves `checkpoint`, points `last` (and `best`) at it, then removes old ones.
  ///
  /// - Throws: `FileError`; earlier checkpoints and links are untouched then, and the temporary folder is removed if possible.
  public func save(_ checkpoint: Checkpoint, isBest: Bool = false) throws {
    let name = Self.name(step: checkpoint.state.step)
    let path = "\(folder)/\(name)"
    let temporary = "\(path).tmp-\(getpid())"
    try files.createDirectory(folder)
    // A resumed run reaches the step of a checkpoint again with the same bits: nothing to write then.
    if let present = try? load(name), present == checkpoint {
      try point("last", at: name)
      if isBest { try point("best", at: name) }
      return
    }
    do {
      try files.remove(temporary)
      try files.createDirectory(temporary)
      let record = try CheckpointRecord(checkpoint)
      for (file, bytes) in checkpoint.files.sorted(by: { $0.key < $1.key }) {
        try files.write(bytes, to: "\(temporary)/\(file)")
        try files.syncFile("\(temporary)/\(file)")
      }
      try files.write(record.encoded(), to: "\(temporary)/state.json")
      try files.syncFile("\(temporary)/state.json")
      try files.syncDirectory(temporary)
      // A folder cannot be renamed over a full one; what stands here is broken or of another run.
      if files.names(in: folder).contains(name) { try files.rename(path, to: "\(path).old-\(getpid())") }
      try files.rename(temporary, to: path)
      try files.syncDirectory(folder)
    } catch {
      try? files.remove(temporary)
      throw error
    }
    try point("last", at: name)
    if isBest { try point("best", at: name) }
    removeOld()
  }

  /// The newest checkpoint that is whole, or nil when there is none. `warn` hears about each one passed over.
  public func loadLast(warn: (String) -> Void = { _ in }) -> Checkpoint? {
    firstWhole(stepNames().reversed(), warn)
  }

  /// The checkpoint `best` points at, else the newest whole one.
  public func loadBest(warn: (String) -> Void = { _ in }) -> Checkpoint? {
    if let best = files.target(of: "\(folder)/best"), let checkpoint = firstWhole([best], warn) {
      return checkpoint
    }
    return loadLast(warn: warn)
  }

  private func firstWhole(_ names: [String], _ warn: (String) -> Void) -> Checkpoint? {
    for name in names {
      do {
        return try load(name)
      } catch {
        warn("checkpoint \(name) is passed over: \(error)")
      }
    }
    return nil
  }

  /// The checkpoint with this folder name, sizes and checksums verified.
  func load(_ name: String) throws -> Checkpoint {
    let path = "\(folder)/\(name)"
    let record = try CheckpointRecord(parsing: files.read("\(path)/state.json"))
    var contents: [String: [UInt8]] = [:]
    if let file = record.files.keys.first(where: { $0.contains("/") || $0 == ".." || $0 == "." }) {
      throw CheckpointError("state.json names the file \"\(file)\" outside its folder")
    }
    for (file, expected) in record.files {
      let bytes = try files.read("\(path)/\(file)")
      guard bytes.count == expected.bytes else {
        throw CheckpointError("\(file) has \(bytes.count) bytes, state.json says \(expected.bytes)")
      }
      guard XXHash64.hex(bytes) == expected.xxh64 else {
        throw CheckpointError("\(file) has a wrong checksum")
      }
      contents[file] = bytes
    }
    return Checkpoint(state: record.state, files: contents)
  }

  static func name(step: Int) -> String {
    let digits = String(step)
    return "step-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }

  /// Finished checkpoints, oldest first.
  public func stepNames() -> [String] {
    files.names(in: folder)
      .compactMap { name -> (Int, String)? in
        guard name.hasPrefix("step-"), let step = Int(name.dropFirst(5)), step >= 0 else { return nil }
        return (step, name)
      }
      .sorted { $0.0 < $1.0 }.map(\.1)
  }

  private func point(_ link: String, at name: String) throws {
    let temporary = "\(folder)/\(link).tmp-\(getpid())"
    try files.remove(temporary)
    try files.link(temporary, to: name)
    try files.rename(temporary, to: "\(folder)/\(link)")
    try files.syncDirectory(folder)
  }

  /// Old checkpoints and what interrupted processes left. A failure here costs disk space, nothing else.
  private func removeOld() {
    let names = stepNames()
    let linked = Set(["last", "best"].compactMap { files.target(of: "\(folder)/\($0)") })
    for name in names.dropLast(keep) where !linked.contains(name) { try? files.remove("\(folder)/\(name)") }
    for name in files.names(in: folder) where name.contains(".tmp-") || name.contains(".old-") {
      try? files.remove("\(folder)/\(name)")
    }
  }
}
