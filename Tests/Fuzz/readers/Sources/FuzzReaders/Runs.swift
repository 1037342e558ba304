import PenchantTrain

/// A configuration file of a user.
@_cdecl("fuzz_configuration")
public func configuration(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  do {
    var layers = try ConfigurationLayers(defaults: TrainerConfiguration())
    try layers.apply(yaml: String(decoding: input(bytes, count), as: UTF8.self), file: "memory")
    let value = try layers.resolve()
    try value.validate()
    // What a run directory would record leads to the same configuration.
    var again = try ConfigurationLayers(defaults: TrainerConfiguration())
    try again.apply(yaml: ConfigurationLayers.text(value), file: "memory")
    guard try again.resolve() == value else { broken("\(value) does not survive its file") }
  } catch {}
  return 0
}

/// A folder of checkpoints whose every file is made of the input: loading finds a whole one or none.
@_cdecl("fuzz_checkpoint")
public func checkpoint(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let store = CheckpointStore(folder: "run", files: HostileFiles(input(bytes, count)))
  if let found = store.loadLast() {
    guard found.state.step >= 0 || found.files.isEmpty else { broken("step \(found.state.step)") }
  }
  _ = store.loadBest()
  return 0
}

/// Files whose names and contents come from the input: "name NUL content NUL name NUL …".
private struct HostileFiles: FileLayer {
  private var contents: [String: [UInt8]] = [:]

  init(_ bytes: [UInt8]) {
    let parts = bytes.split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
    for i in stride(from: 0, to: parts.count - 1, by: 2) {
      contents["run/step-000007/" + String(decoding: parts[i], as: UTF8.self)] = parts[i + 1]
    }
    if let first = parts.first, parts.count == 1 { contents["run/step-000007/state.json"] = first }
  }

  func createDirectory(_ path: String) throws {}
  func write(_ bytes: [UInt8], to path: String) throws {}
  func syncFile(_ path: String) throws {}
  func syncDirectory(_ path: String) throws {}
  func rename(_ source: String, to destination: String) throws {}
  func link(_ path: String, to target: String) throws {}
  func remove(_ path: String) throws {}
  func target(of path: String) -> String? {
    contents["run/step-000007/best"].map { String(decoding: $0, as: UTF8.self) }
  }
  func names(in path: String) -> [String] { path == "run" ? ["step-000007"] : [] }
  func read(_ path: String) throws -> [UInt8] {
    guard let bytes = contents[path] else { throw CheckpointError("no file \(path)") }
    return bytes
  }
}
