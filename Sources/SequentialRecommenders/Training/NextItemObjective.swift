import PenchantKernels
import PenchantTape
import PenchantTrain

/// What a state of the history is trained for: to rank the next item above the others.
public struct NextItemObjective: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// Cross-entropy of a softmax over the whole catalogue.
    case full
    /// Cross-entropy over the target and sampled items, corrected by the log of the chance of being sampled
    /// (Bengio & Senécal 2008).
    case sampled
    /// Binary cross-entropy of the target and items drawn for every position (Kang & McAuley 2018).
    case bce
    /// Binary cross-entropy whose positive term is raised to a power that undoes the overconfidence of sampling
    /// (gSASRec: Petrov & Macdonald 2023).
    case gbce
  }
  /// Where sampled items come from.
  public enum Sampling: String, Codable, Sendable, CaseIterable {
    case uniform
    /// As often as in the training sequences.
    case popularity
  }

  public var kind = Kind.full
  /// Sampled items: of a step for `sampled` and `gbce`, of a position for `bce`.
  public var negatives = 256
  public var sampling = Sampling.uniform
  /// gSASRec's t: 0 is plain binary cross-entropy, 1 is fully calibrated.
  public var calibration = 0.75

  public init(_ kind: Kind = .full) {
    self.kind = kind
    if kind == .bce { negatives = 1 }
  }

  func validate() throws(ConfigurationError) {
    guard (1...65_536).contains(negatives) else {
      throw ConfigurationError("objective.negatives must be 1 to 65536, found \(negatives)")
    }
    guard (0...1).contains(calibration) else {
      throw ConfigurationError("objective.calibration must be 0 to 1, found \(calibration)")
    }
  }

  /// gSASRec's exponent β of the positive term for sampling rate α: α(t(1 − 1/α) + 1/α).
  func exponent(items: Int) -> Float {
    guard kind == .gbce else { return 1 }
    let rate = min(1, Double(negatives) / Double(max(1, items - 1)))
    return Float(rate * (calibration * (1 - 1 / rate) + 1 / rate))
  }
}

/// A loss recorded on a tape, with the inputs that its steps set.
protocol RecordedLoss {
  var loss: Tensor { get }
  /// Sets the inputs of one step. What is drawn is a function of (seed, step).
  func set(
    _ block: PackedHistories, on step: TrainingStep, popularity: ItemPopularity, seed: UInt64, number: Int)
    throws
}

/// A network that is trained by a loss of its own instead of `SequenceTraining.objective`.
protocol LossRecording: SequenceNetwork {
  /// - Parameter rows: of a block.
  func record(_ inputs: PackedInputs, rows: Int, on tape: Tape) -> any RecordedLoss
}

/// The objective recorded on a tape, with the inputs that its steps set.
struct RecordedObjective: RecordedLoss {
  let objective: NextItemObjective
  let loss: Tensor
  private let targets: Ids
  private let candidates: Ids?
  private let weights: Tensor?
  private let logChance: (target: Tensor, candidates: Tensor)?
  private let kept: Mask?

  /// - Parameters:
  ///   - states: `[rows, width]`.
  ///   - table: `[items, width]`.
  ///   - bias: `[items]`; the full softmax alone reads it.
  init(_ objective: NextItemObjective, states: Tensor, table: Tensor, bias: Tensor? = nil) {
    self.objective = objective
    let tape = states.tape
    let rows = states.shape.extents[0]
    let width = states.shape.extents[1]
    targets = tape.ids("targets", [rows])
    guard objective.kind != .full else {
      loss = Loss.catalogueCrossEntropy(hidden: states, items: table, ids: targets, bias: bias)
      (candidates, weights, logChance, kept) = (nil, nil, nil, nil)
      return
    }
    let count = objective.negatives
    let weights = tape.input("weights", [rows])
    let positive = (states * table.embedding(targets)).sumAlongRows()
    switch objective.kind {
    case .full, .sampled:
      let candidates = tape.ids("candidates", [count])
      let target = tape.input("log chance of targets", [rows])
      let others = tape.input("log chance of candidates", [count])
      let kept = tape.mask("kept candidates", [rows, 1 + count])
      let negative = states.linear(table.embedding(candidates)) - others
      let logits = (positive - target).reshaped([rows, 1]).joined(with: [negative])
      let chosen = logits.logSoftmax(mask: kept).slice(axis: 1, from: 0, count: 1).reshaped([rows])
      loss = -(chosen * weights).sum()
      self.candidates = candidates
      logChance = (target, others)
      self.kept = kept
    case .bce, .gbce:
      let negative: Tensor
      if objective.kind == .bce {
        let candidates = tape.ids("candidates", [rows, count])
        negative = states.reshaped([rows, 1, width])
          .matmul(table.embedding(candidates), transposingOther: true).reshaped([rows, count])
        self.candidates = candidates
      } else {
        let candidates = tape.ids("candidates", [count])
        negative = states.linear(table.embedding(candidates))
        self.candidates = candidates
      }
      let exponent = objective.exponent(items: table.shape.extents[0])
      let terms = (-positive).softplus() * exponent + negative.softplus().sumAlongRows()
      loss = (terms * weights).sum() / Float(1 + count)
      (logChance, kept) = (nil, nil)
    }
    self.weights = weights
  }

  /// Sets the inputs of one step. What is sampled is a function of (seed, step).
  ///
  /// - Parameter popularity: the training items, one an event, and the log of the chance of each item in them.
  func set(
    _ block: PackedHistories, on step: TrainingStep, popularity: ItemPopularity, seed: UInt64, number: Int
  ) throws {
    try step.set(targets, to: block.targets)
    guard let candidates, let weights else { return }
    let rows = block.rows
    let counted = block.targets.count { $0 != catalogueIgnore }
    let weight = 1 / Float(max(1, counted))
    try step.set(weights, to: block.targets.map { $0 == catalogueIgnore ? 0 : weight })
    var stream = RandomStream(seed: seed, stream: SequenceStream.negatives &+ UInt64(number))
    var drawn = try popularity.draw(candidates.shape.count, objective.sampling, &stream)
    if objective.kind == .bce {
      let count = objective.negatives
      for row in 0..<rows {
        for place in row * count..<(row + 1) * count where drawn[place] == block.targets[row] {
          // The neighbour: drawing again would make the draws of a step depend on each other.
          drawn[place] = (drawn[place] + 1) % UInt32(popularity.itemCount)
        }
      }
    }
    try step.set(candidates, to: drawn)
    if let logChance {
      try step.set(logChance.candidates, to: drawn.map { popularity.logChance($0, objective.sampling) })
      try step.set(
        logChance.target,
        to: block.targets.map { $0 == catalogueIgnore ? 0 : popularity.logChance($0, objective.sampling) })
    }
    if let kept { try step.set(kept, to: Self.kept(drawn, targets: block.targets)) }
  }

  /// `[rows, 1 + candidates]`: 0 where a candidate is the target of the row.
  private static func kept(_ candidates: [UInt32], targets: [UInt32]) -> [UInt8] {
    let width = candidates.count + 1
    var kept = [UInt8](repeating: 1, count: targets.count * width)
    var places: [UInt32: [Int]] = [:]
    for (place, item) in candidates.enumerated() { places[item, default: []].append(place) }
    for (row, target) in targets.enumerated() {
      for place in places[target] ?? [] { kept[row * width + 1 + place] = 0 }
    }
    return kept
  }
}
