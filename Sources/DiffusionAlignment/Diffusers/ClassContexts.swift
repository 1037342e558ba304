import PenchantData
import PenchantKernels
import PenchantNN

/// What a network is told of each class: the rows of its context and the vector that is added to the time.
/// The last class stands for "no class".
///
/// In a file, the tensor `NAME` holds the context of class NAME, `[places, width]`, as a text encoder makes
/// it of a prompt; `none` that of no class, zeros where it is missing. For a network of SDXL's form
/// `NAME.pooled` and `none.pooled` hold the pooled vector, and `time_ids` the numbers behind it: height and
/// width of the picture, top and left of the part, height and width that are wanted.
struct ClassContexts {
  let names: [String]
  let places: Int
  /// `[classes + 1, places, width]`.
  let tokens: [Float]
  /// `[classes + 1, added]`.
  let added: [Float]

  private static let none = "none"
  private static let pooled = ".pooled"
  private static let numbers = "time_ids"
  /// Pixels of a picture for one of the latents, along a side.
  private static let pixelsPerLatent = 8

  /// Zeros for every class of a network that has them, and for none.
  init(without network: PublishedUNet) throws {
    let c = network.configuration
    names = (0..<c.classes).map(String.init)
    places = 1
    tokens = [Float](repeating: 0, count: (c.classes + 1) * c.context)
    let vector = c.added == 0 ? [] : try Self.vector(nil, nil, network, file: network.file)
    added = (0...c.classes).flatMap { _ in vector }
  }

  init(_ path: String, for network: PublishedUNet) throws {
    let c = network.configuration
    guard c.context > 0 else {
      throw DataError(file: path, "the network reads no context", found: "\(network.file) has none")
    }
    let file = try SafeTensors(path)
    let all = Set(file.entries.map(\.name))
    let classes = all.filter { $0 != Self.none && $0 != Self.numbers && !$0.hasSuffix(Self.pooled) }
    names = SampleSet.ordered(classes)
    guard let first = names.first else {
      throw DataError(
        file: path, "there is no class", expected: "a tensor [places, \(c.context)] for each, named like it",
        found: "found \(quotedList(all.sorted(), limit: 6))")
    }
    let labels = (0..<c.classes).map(String.init)
    if c.hasLabels, names != labels {
      throw DataError(
        file: path, "the classes are not those of the network",
        expected: "expected \"0\" to \"\(c.classes - 1)\"", found: "found \(quotedList(names, limit: 6))")
    }
    let rank = try file.require(first).shape.count
    let places = rank > 1 ? try file.require(first).shape[rank - 2] : 0
    guard 1...4096 ~= places else {
      throw DataError(
        file: path, field: first, "the context \"\(clipped(first))\" cannot be used",
        expected: "expected [places, \(c.context)] with 1 to 4096 places",
        found: "found \(try file.require(first).shape)")
    }
    var tokens: [Float] = []
    for name in names { tokens += try Self.floats(file, name, [places, c.context]) }
    tokens +=
      all.contains(Self.none)
      ? try Self.floats(file, Self.none, [places, c.context])
      : [Float](repeating: 0, count: places * c.context)

    var added: [Float] = []
    if c.added > 0 {
      let numbers =
        all.contains(Self.numbers) ? try Self.floats(file, Self.numbers, [nil]).map(Double.init) : nil
      for name in names + [Self.none] {
        let isGiven = name != Self.none || all.contains(name + Self.pooled)
        let pooled = isGiven ? try Self.floats(file, name + Self.pooled, [nil]) : nil
        added += try Self.vector(pooled, numbers, network, file: path)
      }
    } else if let name = all.first(where: { $0.hasSuffix(Self.pooled) || $0 == Self.numbers }) {
      throw DataError(
        file: path, field: name, "the network has no use for \"\(clipped(name))\"",
        found: "\(network.file) has no \"addition_embed_type\"")
    }
    (self.places, self.tokens, self.added) = (places, tokens, added)
  }

  /// A tensor that may have a batch of one around it.
  private static func floats(_ file: SafeTensors, _ name: String, _ shape: [Int?]) throws(DataError)
    -> [Float]
  {
    let found = try file.require(name).shape
    let isBatch = found.count == shape.count + 1 && found[0] == 1
    return try file.floats(name, shape: isBatch ? [1] + shape : shape, finite: true)
  }

  /// The pooled vector, zeros without one, and the waves of the numbers behind it.
  private static func vector(
    _ pooled: [Float]?, _ numbers: [Double]?, _ network: PublishedUNet, file: String
  ) throws -> [Float] {
    let c = network.configuration
    let (height, width) = (Double(pixelsPerLatent * c.height), Double(pixelsPerLatent * c.width))
    let numbers = numbers ?? [height, width, 0, 0, height, width]
    let rest = c.added - numbers.count * network.addedWaves
    guard rest >= 0, pooled.map({ $0.count == rest }) ?? true else {
      throw DataError(
        file: file, field: pooled == nil ? Self.numbers : Self.pooled,
        "the added vector does not have \(c.added) numbers",
        expected:
          "a pooled vector of \(max(rest, 0)) and \(network.addedWaves) waves each of \(numbers.count) numbers",
        found: pooled.map { "found a pooled vector of \($0.count)" },
        repair: "\"\(Self.numbers)\" says which numbers, where there are not six")
    }
    var waves = [Float](repeating: 0, count: numbers.count * network.addedWaves)
    var span = waves.mutableSpan
    try timeEmbedding(
      numbers.span, width: network.addedWaves, shift: c.timeShift, cosineFirst: c.cosineFirst, into: &span)
    return (pooled ?? [Float](repeating: 0, count: rest)) + waves
  }
}
