import Foundation
import Testing

/// The built `penchant`, found beside the test bundle.
enum BuiltCommand {
  struct Result {
    var code: Int32
    var output: String
    var errors: String
    var json: [String: Any]? {
      (try? JSONSerialization.jsonObject(with: Data(output.utf8))) as? [String: Any]
    }
  }

  static let path: String? = {
    var folders = [Bundle.main.bundleURL.deletingLastPathComponent()]
    folders += CommandLine.arguments.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
    if let executable = Bundle.main.executableURL { folders.append(executable.deletingLastPathComponent()) }
    // Some runners live elsewhere; the test's own image says where it was loaded from.
    if let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) {
      folders += maps.split(separator: "\n").compactMap { line in
        line.range(of: "/").map {
          URL(fileURLWithPath: String(line[$0.lowerBound...])).deletingLastPathComponent()
        }
      }
    }
    return folders.map { $0.appendingPathComponent("penchant").path }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }()

  /// - Parameter redirection: of the shell, as `> /dev/full`.
  static func start(
    _ arguments: [String], in folder: String, input: String? = nil, environment: [String: String] = [:],
    redirection: String? = nil
  ) throws -> (Process, Pipe, Pipe) {
    let process = Process()
    let path = try #require(path, "the command is not built beside the tests")
    process.executableURL = URL(fileURLWithPath: redirection == nil ? path : "/bin/sh")
    process.arguments = redirection.map { ["-c", "exec \"$0\" \"$@\" \($0)", path] + arguments } ?? arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    if let input {
      let pipe = Pipe()
      process.standardInput = pipe
      try process.run()
      try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try pipe.fileHandleForWriting.close()
    } else {
      process.standardInput = FileHandle.nullDevice
      try process.run()
    }
    return (process, output, errors)
  }

  /// Starts a training whose `--out` is `out`, and sends it Ctrl-C when its first checkpoint is there.
  static func interruptedAtCheckpoint(
    _ arguments: [String], out: String, in folder: String
  ) throws -> (code: Int32, errors: String) {
    let (process, _, errors) = try start(arguments, in: folder)
    waitForCheckpoint(of: "\(folder)/\(out)", by: process)
    process.interrupt()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  /// Returns when the run has its first checkpoint, or its process has ended.
  static func waitForCheckpoint(of run: String, by process: Process) {
    while !FileManager.default.fileExists(atPath: run + "/checkpoints/last"), process.isRunning {
      usleep(2000)
    }
  }

  static func run(
    _ arguments: [String], in folder: String, input: String? = nil, environment: [String: String] = [:],
    redirection: String? = nil
  ) throws -> Result {
    let (process, output, errors) = try start(
      arguments, in: folder, input: input, environment: environment, redirection: redirection)
    // Standard error is read beside standard output, so that neither fills its pipe.
    let box = ErrorText()
    let reader = Thread {
      box.set(String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
    }
    reader.start()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Result(code: process.terminationStatus, output: text, errors: box.wait())
  }

  private final class ErrorText: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    private var text = ""
    func set(_ value: String) {
      text = value
      done.signal()
    }
    func wait() -> String {
      done.wait()
      return text
    }
  }

  static func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "penchant-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  /// Pairs in which longer and better argued answers mostly win.
  static func pairs(_ count: Int, communities: Int = 3) -> String {
    let words = ["because", "tea", "warm", "cheap", "green", "study", "water", "people", "reason", "however"]
    var state: UInt64 = 12345
    func draw(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(n))
    }
    func text(_ n: Int) -> String { (0..<n).map { _ in words[draw(words.count)] }.joined(separator: " ") }
    return (0..<count).map { i in
      "{\"prompt\": \"q\(i % 5)\", \"chosen\": \"\(text(5 + draw(9)))\", \"rejected\": \"\(text(2 + draw(8)))\", \"community\": \"c\(i % communities)\"}\n"
    }.joined()
  }
}
