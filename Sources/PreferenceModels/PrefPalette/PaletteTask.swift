import Foundation
import PenchantData
import PenchantKernels
import PenchantTape
import PenchantTrain

/// Training of the preference model: a batch of pairs a step, one fused kernel for loss and gradient, clip, AdamW.
struct PaletteTask: TrustedTask {
  private let data: PaletteData
  private let validation: PaletteData?
  private let configuration: PrefPaletteConfiguration
  private let seed: UInt64
  private let shape: PaletteShape
  private let objective: PaletteObjective
  private let schedule: Schedule
  private let margins: [Float]
  private var batcher: Batcher
  /// The step the batcher stands at.
  private var position = 0
  private var drawn: (number: Int, pairs: [Int])?
  private(set) var parameters: [Float]
  /// Where the shared reward and direction started.
  private let start: [Float]
  private var gradient: [Float]
  private var first: [Float]
  private var second: [Float]
  /// Steps of the optimiser that were applied.
  private var applied = 0

  init(
    _ data: PaletteData, validation: PaletteData?, _ configuration: PrefPaletteConfiguration,
    start linear: PaletteStart? = nil, seed: UInt64
  ) throws {
    guard data.count > 0 else { throw ConfigurationError("there are no pairs to train on") }
    self.data = data
    self.validation = validation
    self.configuration = configuration
    self.seed = seed
    shape = configuration.shape(data)
    guard configuration.model.form == .signed || data.texts.contentWidth == data.texts.width else {
      throw ConfigurationError(
        "model.form paper adds attributes to the content: widths must be equal, found \(data.texts.width) and "
          + "\(data.texts.contentWidth); use signed or project the content")
    }
    if let linear, linear.content.count != shape.content || linear.attributes.count != shape.attributes {
      throw ConfigurationError(
        "a start of \(linear.content.count) and \(linear.attributes.count) weights for content of "
          + "\(shape.content) and \(shape.attributes) attributes")
    }
    let settings = configuration.optimizer
    batcher = try Batcher(count: data.count, batchSize: min(settings.batchSize, data.count), seed: seed)
    let run = configuration.run
    let total = run.total(stepsPerEpoch: batcher.batchesPerEpoch)
    objective = PaletteObjective(configuration: configuration.objective, seed: seed, steps: total)
    schedule = .cosine(
      peak: settings.learningRate, warmup: Int(Double(total) * settings.warmup), steps: total,
      floor: settings.learningRate * settings.floor)
    margins = try PaletteObjective.margins(data, configuration.objective)
    parameters = try PrefPalette.initial(shape, configuration.model, start: linear, seed: seed)
    start = Array(parameters[Self.penalised(shape)])
    gradient = [Float](repeating: 0, count: shape.count)
    first = gradient
    second = gradient
  }

  var stepsPerEpoch: Int { batcher.batchesPerEpoch }

  var pairCount: Int { data.count }

  mutating func pairs(at number: Int) throws -> [Int] {
    if let drawn, drawn.number == number { return drawn.pairs }
    if number != position {
      let cursor = Batcher.Cursor(
        epoch: number / stepsPerEpoch, position: number % stepsPerEpoch * batcher.batchSize)
      batcher = try Batcher(count: data.count, batchSize: batcher.batchSize, seed: seed, from: cursor)
    }
    let batch = try batcher.next()
    position = number + 1
    let pairs = Array(batch.indices[..<batch.filled])
    drawn = (number, pairs)
    return pairs
  }

  func margins(of pairs: [Int]) throws -> [Float] { try fitted.margins(data.subset(pairs)).map(Float.init) }

  mutating func step(_ number: Int, trust: PairTrust?) throws -> StepOutcome {
    let pairs = try pairs(at: number)
    let rate = schedule.rate(at: UInt64(number + 1))
    let own = pairs.map { data.weight[$0] }
    let weights = trust.map { zip(own, $0.weight).map { $0 * $1 } } ?? own
    let (counted, total) = (weights.map(Double.init).sum(), own.map(Double.init).sum())
    guard counted > 0 else { return StepOutcome(loss: 0, learningRate: rate) }
    let loss = try lossAndGradient(
      pairs, weights, isSwapped: trust?.isSwapped, share: counted / total,
      use: objective.usesAttributes(at: number))
    guard loss.isFinite else { return StepOutcome(loss: loss, learningRate: rate, nonFinite: "loss") }
    let norm: Double
    do throws(KernelError) { norm = try gradientNorm(gradient.span) } catch {
      guard case .status(_, "PN_ENONFINITE", _, _) = error else { throw error }
      return StepOutcome(loss: loss, learningRate: rate, nonFinite: "gradient")
    }
    let settings = configuration.optimizer
    let adam = Adam(
      rate: rate, beta1: settings.beta1, beta2: settings.beta2, decay: settings.weightDecay)
    applied += 1
    try Self.move(
      &parameters, &first, &second, by: adam, applied, gradient,
      scale: settings.clip > 0 ? clipFactor(norm: norm, limit: settings.clip) : 1)
    return StepOutcome(loss: loss, learningRate: rate, gradientNorm: norm)
  }

  private static func move(
    _ parameters: inout [Float], _ first: inout [Float], _ second: inout [Float], by adam: Adam,
    _ number: Int, _ gradient: [Float], scale: Double
  ) throws(KernelError) {
    var p = parameters.mutableSpan
    var m = first.mutableSpan
    var v = second.mutableSpan
    try adam.step(
      number, gradientScale: scale, gradient: gradient.span, parameters: &p, first: &m, second: &v)
  }

  private mutating func lossAndGradient(
    _ pairs: [Int], _ weights: [Float], isSwapped: [Bool]?, share: Double, use: Bool
  ) throws(KernelError) -> Double {
    func side(_ first: [UInt32], _ second: [UInt32]) -> [UInt32] {
      pairs.enumerated().map { isSwapped?[$0] ?? false ? second[$1] : first[$1] }
    }
    let (chosen, rejected) = (side(data.chosen, data.rejected), side(data.rejected, data.chosen))
    let community = pairs.map { data.community[$0] }
    let margin = margins.isEmpty ? [] : pairs.map { margins[$0] }
    // The kernel's mean is over the weights it is given. With trust it is to be over those the pairs have without: the
    // share is put back below, on the loss and its gradient but not on the penalty.
    let ridge = share == 1 ? configuration.objective.ridge : configuration.objective.ridge / Float(share)
    let (texts, parameters) = (data.texts, parameters)
    let shape = shape
    var out = gradient.mutableSpan
    let loss = try shape.loss(
      texts, chosen: chosen.span, rejected: rejected.span, community: community.span,
      weight: weights.span, margin: margin.span, use: use, ridge: ridge,
      parameters: parameters.span, gradient: &out)
    if share != 1 { for i in gradient.indices { gradient[i] *= Float(share) } }
    return loss * share + penalty()
  }

  /// Adds the gradient of sharedRidge/2 · |w - start|² and gives its value.
  private mutating func penalty() -> Double {
    let ridge = configuration.objective.sharedRidge
    guard ridge > 0 else { return 0 }
    var sum = 0.0
    for (place, at) in Self.penalised(shape).enumerated() {
      let distance = parameters[at] - start[place]
      gradient[at] += ridge * distance
      sum += Double(distance) * Double(distance)
    }
    return Double(ridge) / 2 * sum
  }

  /// Reward and direction that all communities share.
  private static func penalised(_ shape: PaletteShape) -> Range<Int> {
    shape.reward(at: shape.shared.lowerBound).lowerBound..<shape.shared.upperBound
  }

  mutating func validate() throws -> [(name: String, value: Double)] {
    guard let validation, validation.count > 0 else { return [] }
    return PairMetrics(
      margins: try fitted.margins(validation), weights: validation.weight.map(Double.init)
    ).named
  }

  /// The model with the present parameters.
  var fitted: FittedPrefPalette {
    get throws {
      try FittedPrefPalette(
        configuration: configuration, seed: seed, shape: shape, attributes: data.attributes,
        communities: configuration.model.pooled ? data.communities : [], parameters: parameters,
        state: TrainingState(seed: seed))
    }
  }

  func checkpointFiles() throws -> [String: [UInt8]] {
    var moments = SafeTensorsWriter(metadata: ["step": String(applied), "seed": String(seed)])
    try moments.add("first", shape: [first.count], first)
    try moments.add("second", shape: [second.count], second)
    return ["model.safetensors": try fitted.bytes(), "optimizer.safetensors": moments.bytes()]
  }

  mutating func restore(_ files: [String: [UInt8]]) throws {
    guard let model = files["model.safetensors"], let moments = files["optimizer.safetensors"] else {
      throw CheckpointError("the checkpoint has no model.safetensors or no optimizer.safetensors")
    }
    let saved = try FittedPrefPalette(bytes: model, name: "model.safetensors")
    guard saved.shape == shape, saved.attributes == data.attributes else {
      throw CheckpointError("the checkpoint is of a model with other sizes or attributes")
    }
    let file = try SafeTensors(bytes: moments, name: "optimizer.safetensors")
    guard let step = file.metadata["step"].flatMap(Int.init), step >= 0 else {
      throw CheckpointError("optimizer.safetensors has no step")
    }
    first = try file.floats("first", shape: [shape.count], finite: true)
    second = try file.floats("second", shape: [shape.count], finite: true)
    parameters = saved.parameters
    applied = step
    drawn = nil
  }
}
