import Foundation

/// One line of `metrics.jsonl`.
public struct MetricsLine: Codable, Sendable, Equatable {
  public var step: Int
  public var epoch: Double
  /// Seconds since the run started, over all resumptions.
  public var wall: Double
  /// `train`, `validation` or `test`.
  public var split: String
  /// Names as TRL and RecBole write them.
  public var metrics: [String: Double]

  public init(step: Int, epoch: Double, wall: Double, split: String, metrics: [String: Double]) {
    self.step = step
    self.epoch = epoch
    self.wall = wall
    self.split = split
    self.metrics = metrics
  }
}

/// `metrics.jsonl`: one object a line, appended and flushed; the last line may be torn by a crash.
public struct MetricsLog: Sendable {
  public let path: String
  public init(path: String) { self.path = path }

  /// Appends one line. JSON has no infinities, so values that are not finite are written as strings.
  public func append(_ line: MetricsLine) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = Self.encoding
    var bytes = try encoder.encode(line)
    bytes.append(UInt8(ascii: "\n"))
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw FileError("open", path, code: errno) }
    defer { close(file) }
    // One write, so that a line is whole or torn at its end, never mixed with another.
    let count = bytes.withUnsafeBytes { write(file, $0.baseAddress!, $0.count) }
    guard count == bytes.count else { throw FileError("append", path, code: count < 0 ? errno : ENOSPC) }
  }

  /// Lines in the order they were written; a torn line is left out.
  public func read() -> [MetricsLine] {
    guard let bytes = try? SystemFiles().read(path) else { return [] }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return bytes.split(separator: UInt8(ascii: "\n"))
      .compactMap { try? decoder.decode(MetricsLine.self, from: Data($0)) }
  }

  /// Keeps the lines up to `step`: a resumed run writes the later ones again. A torn last line goes too.
  public func rewind(to step: Int) throws {
    let kept = read().filter { $0.step <= step }
    guard FileManager.default.fileExists(atPath: path) else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = Self.encoding
    let bytes = try kept.flatMap { [UInt8](try encoder.encode($0)) + [UInt8(ascii: "\n")] }
    try SystemFiles().replace(path, with: bytes)
  }

  private static let encoding = JSONEncoder.NonConformingFloatEncodingStrategy.convertToString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
}

extension FileLayer {
  /// Writes beside, syncs, renames, syncs the parent: the file has the old or the new content, never a part.
  public func replace(_ path: String, with bytes: [UInt8]) throws {
    let temporary = "\(path).tmp-\(getpid())"
    do {
      try write(bytes, to: temporary)
      try syncFile(temporary)
      try rename(temporary, to: path)
      let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
      try syncDirectory(parent.isEmpty ? "/" : parent)
    } catch {
      try? remove(temporary)
      throw error
    }
  }
}
