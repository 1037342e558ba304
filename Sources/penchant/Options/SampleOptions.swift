import ArgumentParser
import DiffusionAlignment
import PenchantKernels
import PenchantTrain

/// Options of systems that learn from pictures or points.
struct SampleOptions: ParsableArguments {
  @Option(help: "Height and width of a picture in a table of numbers, as 8x8 or 28x28x3.")
  var size: String?

  @Option(help: "Numbers that mean black and white, as 0,16; pictures in bytes have 0,255.")
  var range: String?

  @Flag(help: "The last column of a table without names is the class.")
  var labelled = false

  @Option(help: "inpo: the file whose rows the pairs name.")
  var blob: String?

  @Option(help: "inpo: the model to align: a run of diffusion or inpo, or its model.safetensors.")
  var model: String?

  @Option(
    help: ArgumentHelp(
      "inpo: how (objective.method): \(AlignmentMethod.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "method"))
  var method: String?

  /// Those of pairs that were used.
  var ofPairs: [String] {
    [blob.map { _ in "--blob" }, model.map { _ in "--model" }, method.map { _ in "--method" }].compactMap(
      \.self)
  }

  /// Those that were used.
  var given: [String] {
    [
      size.map { _ in "--size" }, range.map { _ in "--range" }, labelled ? "--labelled" : nil,
    ].compactMap(\.self) + ofPairs
  }

  /// - Throws: `ConfigurationError` when one is given for a system that has no pictures.
  func refuse(for system: String) throws(ConfigurationError) {
    if let option = given.first { throw ConfigurationError("\(option) means nothing for a run of \(system)") }
  }

  /// How a run reads its samples: what a resumed one must do again.
  var form: SampleForm? {
    let form = SampleForm(size: size, range: range, labelled: labelled, blob: blob)
    return form == SampleForm() ? nil : form
  }
}

/// How samples of a run are read.
struct SampleForm: Codable, Equatable {
  var size: String?
  var range: String?
  var labelled = false
  var blob: String?

  func samples(_ path: String) throws -> SampleSet {
    try SampleReader.read(path, size: size.map { try SampleShape($0) }, range: bounds(), labelled: labelled)
  }

  func pairs(_ path: String) throws -> SamplePairs {
    try PairFile.read(path, blob: blob, size: size.map { try SampleShape($0) }, range: bounds())
  }

  private func bounds() throws -> ClosedRange<Float>? {
    guard let range else { return nil }
    let parts = range.split(separator: ",").map { Float($0.trimmingPrefix { $0 == " " }) }
    guard parts.count == 2, let low = parts[0], let high = parts[1], low < high else {
      throw ConfigurationError("--range wants two numbers, the lower one first, as 0,16; found \"\(range)\"")
    }
    return low...high
  }
}
