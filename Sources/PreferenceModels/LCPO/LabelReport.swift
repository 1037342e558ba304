import Foundation
import PenchantKernels
import PenchantTrain

/// What a robust training found out of its labels.
public struct LabelReport: Sendable, Equatable {
  /// Places of the training pairs in the table they come from.
  public var pairs: [Int]
  /// P(the label of each is right).
  public var confidence: [Double]
  public var annotators: [FittedLCPO.Annotator]
  /// κ of the E-step.
  public var slope: Double

  /// - Parameters:
  ///   - margins: of the pairs, before κ.
  ///   - names: of annotators, by their place; one η has the name "".
  init(
    pairs: [Int], margins: [Double], _ reliabilities: Reliabilities, annotators: [UInt32]?,
    weights: [Double]?, names: [String], pseudo: (right: Double, wrong: Double) = (0, 0),
    fitsSlope: Bool = false
  ) throws {
    let found = try reliabilities.expect(margins, annotators: annotators, weights: weights)
    self.pairs = pairs
    confidence = found.posterior
    slope = reliabilities.slope
    let errors = ReliabilityErrors(
      reliabilities, margins: margins, found, annotators: annotators,
      weights: weights ?? [Double](repeating: 1, count: margins.count), pseudo: pseudo, fitsSlope: fitsSlope)
    var counts = [Int](repeating: 0, count: reliabilities.eta.count)
    if let annotators {
      for k in annotators { counts[Int(k)] += 1 }
    } else {
      counts[0] = pairs.count
    }
    self.annotators = reliabilities.eta.indices.filter { counts[$0] > 0 }.map { k in
      FittedLCPO.Annotator(
        name: annotators == nil || k >= names.count ? "" : names[k], pairs: counts[k],
        reliability: reliabilities.eta[k], standardError: errors.each[k])
    }
  }

  /// Share of labels that are wrong: the mean of 1 − η over labels.
  public var noiseRate: Double {
    let total = annotators.map { Double($0.pairs) }.sum()
    return total > 0 ? annotators.map { (1 - $0.reliability) * Double($0.pairs) }.sum() / total : 0
  }

  /// Writes `annotators.tsv` and `confidence.tsv`; a pair is named by its number in the file, from 1.
  public func write(into run: RunDirectory) throws {
    try run.write("annotators.tsv", AnnotatorTable.text(annotators))
    let rows = zip(pairs, confidence).sorted { $0.0 < $1.0 }.map { pair, weight in
      "\(pair + 1)\t\(AnnotatorTable.digits(weight))\t\(AnnotatorTable.digits(1 - weight))\n"
    }
    try run.write("confidence.tsv", "pair\tweight\tflip_probability\n" + rows.joined())
  }
}

/// Annotators as a table with tabs between columns, the least reliable first.
public enum AnnotatorTable {
  public static func text(_ annotators: [FittedLCPO.Annotator]) -> String {
    let sorted = annotators.sorted { ($0.reliability, $0.name) < ($1.reliability, $1.name) }
    return "annotator\tpairs\treliability\tstandard_error\tlow\thigh\n"
      + sorted.map { annotator in
        let error = annotator.standardError
        let ends = error.map {
          (
            max(0, annotator.reliability - 1.959964 * $0), min(1, annotator.reliability + 1.959964 * $0)
          )
        }
        return [
          field(annotator.name), "\(annotator.pairs)", digits(annotator.reliability),
          error.map(digits) ?? "", ends.map { digits($0.0) } ?? "", ends.map { digits($0.1) } ?? "",
        ].joined(separator: "\t") + "\n"
      }.joined()
  }

  static func digits(_ value: Double) -> String { String(format: "%.6f", value) }

  /// A name without the characters that part fields and lines.
  private static func field(_ name: String) -> String {
    String(name.map { $0 == "\t" || $0.isNewline ? " " : $0 })
  }
}
