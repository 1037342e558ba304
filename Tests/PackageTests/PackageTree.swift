import Foundation

/// The files of this package and what its manifest says, read once.
struct PackageTree {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  struct Manifest: Decodable {
    struct Target: Decodable {
      let name: String
      let type: String
      let dependencies: [Dependency]
    }
    /// `{"byName": ["X", null]}`, `{"product": ["X", "package", …]}` or `{"target": ["X", null]}`.
    struct Dependency: Decodable {
      let kind: String
      let name: String
      init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer().decode([String: [Ignored?]].self)
        kind = value.keys.first ?? ""
        name = (value.values.first?.first ?? nil)?.text ?? ""
      }
      struct Ignored: Decodable {
        let text: String?
        init(from decoder: any Decoder) { text = try? decoder.singleValueContainer().decode(String.self) }
      }
    }
    let targets: [Target]
  }

  /// The manifest as SwiftPM reads it, as text.
  static func manifestText() throws -> Data {
    let scratch = FileManager.default.temporaryDirectory.appending(path: "penchant-\(UUID())")
    defer { try? FileManager.default.removeItem(at: scratch) }
    // A scratch folder of its own: the one in the tree is locked by the `swift test` that runs this.
    return try run([
      "swift", "package", "--package-path", root.path, "--scratch-path", scratch.path, "dump-package",
    ])
  }

  /// What a program writes to its standard output.
  static func run(_ command: [String]) throws -> Data {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.currentDirectoryURL = root
    process.environment = ProcessInfo.processInfo.environment.filter { $0.key != "PN_UBSAN" }
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return text
  }

  /// Paths below the root of the text files of the project, without what builds leave.
  static func files(below folders: [String], named endings: [String]) -> [String] {
    folders.flatMap { folder -> [String] in
      let start = root.appending(path: folder)
      guard let walk = FileManager.default.enumerator(atPath: start.path) else { return [] }
      return walk.compactMap { $0 as? String }
        .filter { path in
          endings.contains { path.hasSuffix($0) }
            && !path.split(separator: "/").contains { $0.hasPrefix(".build") }
        }
        .map { "\(folder)/\($0)" }
    }.sorted()
  }

  static func lines(_ path: String) throws -> [Substring] {
    String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }
}
