import Foundation
import PenchantData
import PenchantKernels

/// Pairs of samples as JSON lines: `{"winner": …, "loser": …, "cond"?: …, "weight"?: …}`.
///
/// A sample is the path of a PNG picture relative to the file, the number of a row of a blob counted from 0,
/// or a list of numbers. The blob is whatever `SampleReader` reads; its name stands in the first line,
/// `{"blob": "pictures.npy"}`, or is given by the caller. `cond` is the condition, a name or a number;
/// without it the blob's classes hold. `weight` says how much a pair counts.
public enum PairFile {
  /// Reads all pairs of a file, plain or packed. A sample that stands in several pairs is kept once.
  ///
  /// - Parameters:
  ///   - blob: the file of the rows, whatever the first line says.
  ///   - size: the shape of a sample, where a list of numbers or an `[n, d]` blob does not say it.
  ///   - range: numbers of lists and of the blob that become -1 and 1, as for `SampleReader`.
  /// - Throws: `DataError` naming file, line and field.
  public static func read(
    _ path: String, blob: String? = nil, size: SampleShape? = nil, range: ClosedRange<Float>? = nil
  ) throws -> SamplePairs {
    let layout = try SampleLayout(size: size, range: range)
    let folder = path == "-" ? "" : (path as NSString).deletingLastPathComponent
    var collector = PairCollector(folder: folder, layout: layout)
    if let blob { try collector.open(blob: blob) }
    return try read(LineReader(path), into: &collector, mayNameBlob: blob == nil)
  }

  /// Reads a file in memory, plain or packed; paths are relative to the working folder.
  public static func read(
    bytes: [UInt8], name: String = "memory", blob: SampleSet? = nil, size: SampleShape? = nil,
    range: ClosedRange<Float>? = nil
  ) throws -> SamplePairs {
    let layout = try SampleLayout(size: size, range: range)
    var collector = PairCollector(folder: "", layout: layout, blob: blob)
    return try read(LineReader(bytes: bytes, name: name), into: &collector, mayNameBlob: blob == nil)
  }

  private static func read(
    _ lines: consuming LineReader, into collector: inout PairCollector, mayNameBlob: Bool
  ) throws -> SamplePairs {
    var isFirst = true
    while try lines.advance() {
      guard !lines.withLine(isBlank) else { continue }
      let record = try lines.withLine { (line) throws(DataError) in
        try JSONRecord(line, file: lines.name, line: lines.number)
      }
      if isFirst, record.object["winner"] == nil, let name = try record.name("blob") {
        if mayNameBlob { try collector.open(blob: name, relativeTo: record) }
      } else {
        try collector.add(record)
      }
      isFirst = false
    }
    guard !collector.isEmpty else {
      throw noRecords(
        lines.name, bytes: lines.bytesRead, needs: "{\"winner\": …, \"loser\": …} in each line")
    }
    return try collector.pairs()
  }

  /// Writes the pairs as lines at `path` and their samples as a safetensors blob beside it, whole or not at
  /// all each. Reading gives the same pairs; samples that stand in no pair are not read back.
  ///
  /// - Throws: `KernelError.shape` for pairs that do not fit their samples, `DataError` when a file cannot be
  ///   written.
  public static func write(_ pairs: SamplePairs, to path: String) throws {
    let set = pairs.samples
    guard pairs.winners.count == pairs.losers.count,
      pairs.weights.isEmpty || pairs.weights.count == pairs.count,
      (pairs.winners + pairs.losers).allSatisfy({ 0..<set.count ~= $0 })
    else {
      throw KernelError.shape(
        "PairFile.write",
        "\(pairs.winners.count) winners, \(pairs.losers.count) losers and \(pairs.weights.count) weights of "
          + "\(set.count) samples")
    }
    if let ending = [".gz", ".zst", ".bz2"].first(where: path.hasSuffix) {
      throw DataError(
        file: path, "lines are written plain", repair: "leave out \(ending), and pack the file afterwards")
    }
    let blob = (path.hasSuffix(".jsonl") ? String(path.dropLast(6)) : path) + ".safetensors"
    try set.write(to: blob)
    var text =
      JSONValue.object(JSONObject(["blob": .string((blob as NSString).lastPathComponent)])).description + "\n"
    for place in 0..<pairs.count {
      let (winner, loser) = (pairs.winners[place], pairs.losers[place])
      var record = JSONObject(["winner": .integer(winner), "loser": .integer(loser)])
      if !set.classes.isEmpty, set.classes[winner] == set.classes[loser] {
        record["cond"] = .string(set.classNames[set.classes[winner]])
      }
      if !pairs.weights.isEmpty { record["weight"] = .number(Double(pairs.weights[place])) }
      text += JSONValue.object(record).description + "\n"
    }
    try AtomicFile.write(Array(text.utf8), to: path)
  }
}
