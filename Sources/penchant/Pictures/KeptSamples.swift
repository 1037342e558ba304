import DiffusionAlignment
import Foundation
import PenchantData
import PenchantTrain

/// Samples that a run keeps to show them: `samples-NAME.safetensors`; those of the looks of an alignment are named by step.
struct KeptSamples {
  let run: RunDirectory

  private static let opening = "samples-"
  private static let ending = ".safetensors"

  func keep(_ samples: SampleSet, as name: String) throws {
    try run.write(Self.opening + name + Self.ending, bytes: samples.bytes())
  }

  func keep(_ samples: SampleSet, step: Int) throws {
    let digits = String(step)
    try keep(samples, as: String(repeating: "0", count: max(0, 6 - digits.count)) + digits)
  }

  /// Those of a name, if they were kept.
  func samples(_ name: String) throws -> SampleSet? {
    let file = Self.opening + name + Self.ending
    return run.contains(file) ? try SampleReader.read(run.file(file)) : nil
  }

  /// Those of steps, the first one first.
  func looks() throws -> [(step: Int, samples: SampleSet)] {
    let names = try FileManager.default.contentsOfDirectory(atPath: run.path).sorted()
    return try names.compactMap { name in
      guard name.hasPrefix(Self.opening), name.hasSuffix(Self.ending),
        let step = Int(name.dropFirst(Self.opening.count).dropLast(Self.ending.count))
      else { return nil }
      return (step, try SampleReader.read(run.file(name)))
    }
  }

  /// As many of the samples as a person takes in.
  static func shown(_ samples: SampleSet) -> SampleSet {
    samples.samples(0..<min(samples.count, samples.shape.isPoint ? 1000 : 64))
  }
}
