import Foundation
import PenchantData
import PenchantTrain

extension LCPOData {
  /// Records as arrays.
  ///
  /// - Parameter kind: what is read of them; `auto` asks the first.
  /// - Throws: `DataError` naming the line of a record that lacks what the others have.
  public init(_ records: [JudgedRecord], kind: LCPOConfiguration.Kind = .auto, file: String = "memory") throws
  {
    let kind = kind == .auto ? records.first.map(Self.kind(of:)) ?? .logps : kind
    func missing(_ record: JudgedRecord, _ field: String, _ what: String) -> DataError {
      DataError(
        file: file, line: record.line, field: field, "\"\(field)\" is missing", expected: what,
        repair: "leave the record out, or say what to read with --set data.kind=logps, margins or items")
    }
    func each<T>(_ value: (JudgedRecord) -> T?, _ field: String, _ what: String) throws -> [T] {
      try records.map { record in
        guard let value = value(record) else { throw missing(record, field, what) }
        return value
      }
    }
    let evidence: Evidence
    var lengths: [Double]?
    switch kind {
    case .auto, .logps:
      let policy = try each(
        \.policy, "policy_chosen_logps", "every record has log-probabilities of the policy")
      let references =
        records.contains { $0.reference != nil }
        ? try each(\.reference, "ref_chosen_logps", "all records have a reference or none") : nil
      let counts =
        records.contains { $0.lengths != nil }
        ? try each(\.lengths, "chosen_len", "all records have lengths or none") : nil
      evidence = .logProbabilities(
        LogProbabilities(
          chosen: policy.map { Float($0.chosen) }, rejected: policy.map { Float($0.rejected) },
          chosenReference: references?.map { Float($0.chosen) },
          rejectedReference: references?.map { Float($0.rejected) },
          chosenLength: counts?.map { UInt32($0.chosen) }, rejectedLength: counts?.map { UInt32($0.rejected) }
        ))
    case .margins:
      evidence = .margins(try each(\.margin, "margin", "every record has a margin"))
      lengths = Self.differences(records)
    case .items:
      for record in records where record.chosen.isEmpty && record.rejected.isEmpty {
        throw missing(record, "chosen", "every record has two texts")
      }
      let names = Array(Set(records.flatMap { [$0.chosen, $0.rejected] })).sorted()
      let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, UInt32($0)) })
      evidence = .items(
        names: names, chosen: records.map { places[$0.chosen] ?? 0 },
        rejected: records.map { places[$0.rejected] ?? 0 })
      lengths = Self.differences(records)
    }
    // Whoever does not say who judged is one reserved annotator.
    let names = Array(Set(records.map { $0.annotator ?? "" })).sorted()
    let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, UInt32($0)) })
    try self.init(
      evidence, annotators: names, annotator: records.map { places[$0.annotator ?? ""] ?? 0 },
      weight: records.map(\.weight), gold: records.map(\.gold), lengthDifference: lengths)
  }

  /// What a record is read as unless told.
  public static func kind(of record: JudgedRecord) -> LCPOConfiguration.Kind {
    record.policy != nil ? .logps : record.margin != nil ? .margins : .items
  }

  private static func differences(_ records: [JudgedRecord]) -> [Double]? {
    let lengths = records.compactMap(\.lengths)
    return lengths.count == records.count && !lengths.isEmpty ? lengths.map { $0.chosen - $0.rejected } : nil
  }
}

extension JudgedRecord {
  /// The record with its confidence: `weight` is the weight it had times w, `flip_probability` is 1 − w.
  public func weighted(_ confidence: Double) -> JSONValue {
    var fields = fields
    fields["weight"] = .number(weight * confidence)
    fields["flip_probability"] = .number(1 - confidence)
    return .object(fields)
  }

  /// The record with its two sides exchanged: fields whose names differ by `chosen` and `rejected`, and the sign of `margin`.
  public var swapped: JSONObject {
    var result = fields
    for key in fields.keys where key.contains("chosen") {
      let other = key.replacingOccurrences(of: "chosen", with: "rejected")
      guard let a = fields[key], let b = fields[other] else { continue }
      result[key] = b
      result[other] = a
    }
    if let margin { result["margin"] = .number(-margin) }
    return result
  }

  /// How the record stands in the cleaned copy: as it is, turned round, or not at all.
  public func cleaned(_ confidence: Double, _ output: LCPOConfiguration.Output) -> JSONValue? {
    guard 1 - confidence > output.threshold else { return .object(fields) }
    return output.cleaning == .swap ? .object(swapped) : nil
  }
}
