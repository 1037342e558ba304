import Foundation
import PenchantData

/// The pairs of a file and their samples, each sample once.
struct PairCollector {
  /// Where a sample comes from; two of one source are the same sample.
  private enum Source: Hashable {
    case picture(String)
    case row(Int)
    case numbers([Float])
  }
  private struct Key: Hashable {
    var source: Source
    var condition: String?
  }

  private static let fields = ["winner", "loser", "cond", "weight", "blob"]

  let folder: String
  let layout: SampleLayout
  private var blob: SampleSet?
  private var rows: [Key: Int] = [:]
  private var pictures: [String: Bitmap] = [:]
  private var samples: [(values: [Float], shape: SampleShape)] = []
  private var labels: [String?] = []
  private var winners: [Int] = []
  private var losers: [Int] = []
  private var weights: [Float] = []
  private var isWeighted = false
  /// The first line with a condition and the first without.
  private var lineWith: Int?
  private var lineWithout: (file: String, line: Int)?

  init(folder: String, layout: SampleLayout, blob: SampleSet? = nil) {
    self.folder = folder
    self.layout = layout
    self.blob = blob
  }

  var isEmpty: Bool { winners.isEmpty }

  /// Reads the samples that row numbers mean.
  mutating func open(blob path: String) throws {
    blob = try SampleReader.read(path, size: layout.size, range: layout.range)
  }

  /// The same, for a path that stands in a record.
  mutating func open(blob path: String, relativeTo record: JSONRecord) throws {
    let place = place(of: path)
    guard FileManager.default.fileExists(atPath: place) else {
      throw DataError(
        file: record.file, line: record.line, field: "blob", "\"blob\" names no file",
        found: "found \"\(clipped(place))\"",
        repair: "paths are relative to the folder of \(record.file)")
    }
    try open(blob: place)
  }

  private func place(of path: String) -> String {
    path.hasPrefix("/") || folder.isEmpty ? path : "\(folder)/\(path)"
  }

  mutating func add(_ record: JSONRecord) throws(DataError) {
    for key in record.object.keys where !Self.fields.contains(key) {
      let free = Self.fields.filter { record.object[$0] == nil && $0 != "blob" }
      guard let near = nearestName(to: key, among: free) else { continue }
      throw DataError(
        file: record.file, line: record.line, field: key, "\"\(clipped(key, 40))\" is not a field of a pair",
        expected: "a pair has \"winner\", \"loser\" and perhaps \"cond\" and \"weight\"",
        found: "found \(quotedList(record.object.keys))", repair: "did you mean \"\(near)\"?")
    }
    let condition = try record.name("cond")
    let winner = try row("winner", of: record, condition)
    let loser = try row("loser", of: record, condition)
    guard winner != loser else {
      throw DataError(
        file: record.file, line: record.line, field: "loser", "winner and loser are the same sample",
        expected: "two samples", found: "found \(clipped(record.object["loser"]?.description ?? "")) twice",
        repair: "leave this pair out")
    }
    let weight = try record.number("weight")
    if let weight {
      guard weight >= 0, Float(weight).isFinite else {
        throw record.wrong("weight", .number(weight), expected: "0 or more")
      }
      isWeighted = true
    }
    winners.append(winner)
    losers.append(loser)
    weights.append(Float(weight ?? 1))
  }

  /// The place of a sample in `samples`, where it is put when it is new.
  private mutating func row(
    _ field: String, of record: JSONRecord, _ condition: String?
  ) throws(DataError) -> Int {
    guard let value = record.field(field)?.value else {
      throw record.missing(field, needs: "\"winner\" and \"loser\"", known: Self.fields)
    }
    let source = try source(value, field, record)
    let key = Key(source: source, condition: condition)
    if let known = rows[key] { return known }
    let sample = try sample(source, field, record)
    if let first = samples.first?.shape, !Self.mayStandTogether(first, sample.shape) {
      throw DataError(
        file: record.file, line: record.line, field: field, "\"\(field)\" has another size",
        expected: "\(first) as the first sample", found: "found \(sample.shape)",
        repair: "bring all pictures to one size first")
    }
    var label = condition
    if label == nil, case .row(let row) = source, let blob, !blob.classes.isEmpty {
      label = blob.classNames[blob.classes[row]]
    }
    if label == nil {
      lineWithout = lineWithout ?? (record.file, record.line)
    } else {
      lineWith = lineWith ?? record.line
    }
    rows[key] = samples.count
    samples.append(sample)
    labels.append(label)
    return samples.count - 1
  }

  /// Equal shapes, or a grey and a colour picture of one size.
  private static func mayStandTogether(_ a: SampleShape, _ b: SampleShape) -> Bool {
    a == b
      || a.height == b.height && a.width == b.width && !a.isPoint
        && [a.channels, b.channels].sorted() == [1, 3]
  }

  private func source(_ value: JSONValue, _ field: String, _ record: JSONRecord) throws(DataError) -> Source {
    switch value {
    case .string(let path): return .picture(place(of: path))
    case .integer(let row):
      guard let blob else {
        throw DataError(
          file: record.file, line: record.line, field: field, "\"\(field)\" is a row, but there is no blob",
          found: "found \(row)",
          repair: "name the file of the rows in the first line: {\"blob\": \"pictures.npy\"}")
      }
      guard 0..<blob.count ~= row else {
        throw DataError(
          file: record.file, line: record.line, field: field, "\"\(field)\" is no row of the blob",
          expected: "0 to \(blob.count - 1)", found: "found \(row)")
      }
      return .row(row)
    case .array(let list):
      let numbers = list.map { $0.number.map { Float($0) } }
      guard !numbers.isEmpty, numbers.allSatisfy({ $0?.isFinite == true }) else {
        throw record.wrong(field, value, expected: "a list of finite numbers")
      }
      return .numbers(numbers.compactMap { $0 })
    default:
      throw record.wrong(field, value, expected: "a path, the number of a row, or a list of numbers")
    }
  }

  private mutating func sample(
    _ source: Source, _ field: String, _ record: JSONRecord
  ) throws(DataError) -> (values: [Float], shape: SampleShape) {
    switch source {
    case .picture(let path):
      let picture = try picture(path, field, record)
      return (picture.values, picture.shape)
    case .row(let row):
      guard let blob else { return ([], .point(0)) }
      return (Array(blob[row]), blob.shape)
    case .numbers(var values):
      let shape = layout.size ?? .point(values.count)
      guard shape.count == values.count else {
        throw DataError(
          file: record.file, line: record.line, field: field, "\"\(field)\" has \(values.count) numbers",
          expected: "\(shape) are \(shape.count) numbers")
      }
      layout.scale(&values)
      return (values, shape)
    }
  }

  /// The picture of a path, decoded once.
  private mutating func picture(
    _ path: String, _ field: String, _ record: JSONRecord
  ) throws(DataError) -> Bitmap {
    if let known = pictures[path] { return known }
    do throws(DataError) {
      let picture = try Bitmap(png: wholeFile(path), name: path)
      pictures[path] = picture
      return picture
    } catch {
      throw DataError(
        file: record.file, line: record.line, field: field, "\"\(field)\" cannot be read",
        expected: "a PNG picture, its path relative to the folder of this file",
        found: error.description.replacingOccurrences(of: "\n", with: " "))
    }
  }

  /// All pairs that were added.
  func pairs() throws -> SamplePairs {
    if let lineWithout, let lineWith {
      throw DataError(
        file: lineWithout.file, line: lineWithout.line, field: "cond", "\"cond\" is missing",
        expected: "a condition in all lines, as in line \(lineWith), or in none")
    }
    // A grey picture among those in colour has its value in all three channels.
    let shape = samples.map(\.shape).max { $0.channels < $1.channels } ?? .point(0)
    var values: [Float] = []
    values.reserveCapacity(samples.count * shape.count)
    for sample in samples {
      if sample.shape == shape {
        values += sample.values
      } else {
        for value in sample.values { values += repeatElement(value, count: shape.channels) }
      }
    }
    let named = labels.compactMap { $0 }
    var set = SampleSet(shape: shape, values: values, labels: named)
    if let blob, Set(named).isSubset(of: blob.classNames), !named.isEmpty {
      set = try set.classes(as: blob.classNames)
    }
    return SamplePairs(samples: set, winners: winners, losers: losers, weights: isWeighted ? weights : [])
  }
}
