import PenchantData
import PenchantKernels
import PenchantTape
import PenchantTrain

/// Training of a model with linear margins on batches, by Adam: the paper's Algorithm 1 where the policy is small.
public struct MarginTask: TrustedTask {
  public let model: any MarginModel
  private let weights: [Double]?
  private let schedule: Schedule
  private var batcher: Batcher
  /// The step the batcher stands at, and its pairs.
  private var drawn: (number: Int, pairs: [Int])?
  public private(set) var parameters: [Float]
  private var first: [Float]
  private var second: [Float]
  private var applied = 0

  /// - Parameters:
  ///   - rate: of Adam at the start; it falls to 0 along a cosine.
  ///   - steps: of the whole training.
  public init(
    _ model: any MarginModel, weights: [Double]? = nil, batchSize: Int, rate: Double, epochs: Int,
    seed: UInt64 = 0
  ) throws {
    self.model = model
    self.weights = weights
    batcher = try Batcher(
      count: model.pairCount, batchSize: min(max(1, batchSize), max(1, model.pairCount)), seed: seed)
    schedule = .cosine(peak: rate, warmup: 0, steps: max(1, epochs * batcher.batchesPerEpoch))
    parameters = [Float](repeating: 0, count: model.parameterCount)
    first = parameters
    second = parameters
  }

  public var pairCount: Int { model.pairCount }
  public var stepsPerEpoch: Int { batcher.batchesPerEpoch }

  public mutating func pairs(at number: Int) throws -> [Int] {
    if let drawn, drawn.number == number { return drawn.pairs }
    let batch = try batcher.batch(number)
    let pairs = Array(batch.indices[..<batch.filled])
    drawn = (number, pairs)
    return pairs
  }

  public func margins(of pairs: [Int]) throws -> [Float] {
    try model.margins(parameters.map(Double.init), of: pairs).map(Float.init)
  }

  public mutating func step(_ number: Int, trust: PairTrust?) throws -> StepOutcome {
    let pairs = try pairs(at: number)
    let rate = schedule.rate(at: UInt64(number + 1))
    let margins = try model.margins(parameters.map(Double.init), of: pairs)
    let own = pairs.map { weights?[$0] ?? 1 }
    let total = max(own.sum(), .leastNormalMagnitude)
    let (loss, slopes) = PairTrust.loss(margins, trust: trust, weights: own, total: total)
    guard loss.isFinite else { return StepOutcome(loss: loss, learningRate: rate, nonFinite: "loss") }
    guard model.parameterCount > 0 else { return StepOutcome(loss: loss, learningRate: rate) }
    let gradient = try model.gather(slopes, of: pairs).map(Float.init)
    guard gradient.allSatisfy(\.isFinite) else {
      return StepOutcome(loss: loss, learningRate: rate, nonFinite: "gradient")
    }
    applied += 1
    try Self.move(&parameters, &first, &second, Adam(rate: rate), applied, gradient)
    return StepOutcome(loss: loss, learningRate: rate)
  }

  private static func move(
    _ parameters: inout [Float], _ first: inout [Float], _ second: inout [Float], _ adam: Adam,
    _ number: Int, _ gradient: [Float]
  ) throws(KernelError) {
    var p = parameters.mutableSpan
    var m = first.mutableSpan
    var v = second.mutableSpan
    try adam.step(number, gradientScale: 1, gradient: gradient.span, parameters: &p, first: &m, second: &v)
  }

  public mutating func validate() throws -> [(name: String, value: Double)] { [] }

  public func checkpointFiles() throws -> [String: [UInt8]] {
    var file = SafeTensorsWriter(metadata: ["system": LCPO.system, "step": String(applied)])
    for (name, values) in [("parameters", parameters), ("first", first), ("second", second)] {
      try file.add(name, shape: [values.count], values)
    }
    return ["model.safetensors": file.bytes()]
  }

  public mutating func restore(_ files: [String: [UInt8]]) throws {
    guard let bytes = files["model.safetensors"] else {
      throw CheckpointError("the checkpoint has no model.safetensors")
    }
    let file = try SafeTensors(bytes: bytes, name: "model.safetensors")
    guard let step = file.metadata["step"].flatMap(Int.init), step >= 0 else {
      throw CheckpointError("model.safetensors has no step")
    }
    let shape = [Optional(model.parameterCount)]
    parameters = try file.floats("parameters", shape: shape, finite: true)
    first = try file.floats("first", shape: shape, finite: true)
    second = try file.floats("second", shape: shape, finite: true)
    applied = step
    drawn = nil
  }
}
