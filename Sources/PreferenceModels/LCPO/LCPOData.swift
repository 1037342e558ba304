import Foundation
import PenchantKernels
import PenchantTrain

/// Labels and what a model says of them: arrays of one value a pair.
public struct LCPOData: Sendable {
  /// Sequence log-probabilities, sums over the tokens of a response.
  public struct LogProbabilities: Sendable, Equatable {
    public var chosen: [Float]
    public var rejected: [Float]
    /// Of the reference; both or neither.
    public var chosenReference: [Float]?
    public var rejectedReference: [Float]?
    /// Tokens of the responses; both or neither.
    public var chosenLength: [UInt32]?
    public var rejectedLength: [UInt32]?

    public init(
      chosen: [Float], rejected: [Float], chosenReference: [Float]? = nil, rejectedReference: [Float]? = nil,
      chosenLength: [UInt32]? = nil, rejectedLength: [UInt32]? = nil
    ) {
      self.chosen = chosen
      self.rejected = rejected
      self.chosenReference = chosenReference
      self.rejectedReference = rejectedReference
      self.chosenLength = chosenLength
      self.rejectedLength = rejectedLength
    }
  }
  public enum Evidence: Sendable, Equatable {
    case logProbabilities(LogProbabilities)
    /// Differences of rewards, chosen minus rejected.
    case margins([Double])
    /// Places in `names`.
    case items(names: [String], chosen: [UInt32], rejected: [UInt32])
  }
  public var evidence: Evidence
  /// Names of annotators, and the place of each pair's.
  public var annotators: [String]
  public var annotator: [UInt32]
  public var weight: [Double]
  /// Whether each label is known to be right; nil where nobody knows. For evaluation alone.
  public var gold: [Bool?]
  /// Length of the chosen response over that of the rejected: the usual suspect. nil where lengths are not known.
  public var lengthDifference: [Double]?

  public init(
    _ evidence: Evidence, annotators: [String] = [""], annotator: [UInt32]? = nil, weight: [Double]? = nil,
    gold: [Bool?]? = nil, lengthDifference: [Double]? = nil
  ) throws(ConfigurationError) {
    self.evidence = evidence
    let n =
      switch evidence {
      case .logProbabilities(let p): p.chosen.count
      case .margins(let margins): margins.count
      case .items(_, let chosen, _): chosen.count
      }
    self.annotators = annotators.isEmpty ? [""] : annotators
    self.annotator = annotator ?? [UInt32](repeating: 0, count: n)
    self.weight = weight ?? [Double](repeating: 1, count: n)
    self.gold = gold ?? [Bool?](repeating: nil, count: n)
    self.lengthDifference = lengthDifference
    if case .logProbabilities(let p) = evidence, let a = p.chosenLength, let b = p.rejectedLength {
      self.lengthDifference = zip(a, b).map { Double($0) - Double($1) }
    }
    try check()
  }

  public var count: Int { weight.count }

  private func check() throws(ConfigurationError) {
    let n = annotator.count
    func length(_ name: String, _ count: Int?) throws(ConfigurationError) {
      if let count, count != n { throw ConfigurationError("\(name) has \(count) values for \(n) pairs") }
    }
    func finite(_ name: String, _ values: [Float]?) throws(ConfigurationError) {
      try length(name, values?.count)
      if let place = values?.firstIndex(where: { !$0.isFinite }) {
        throw ConfigurationError(
          "\(name) of pair \(place) is \(values?[place] ?? 0); a log-probability is finite\n"
            + "  leave the pair out, or compute it again in a wider type")
      }
    }
    try length("weight", weight.count)
    try length("gold", gold.count)
    try length("lengthDifference", lengthDifference?.count)
    if let far = annotator.max(), far >= annotators.count {
      throw ConfigurationError("a pair names annotator \(far); there are \(annotators.count)")
    }
    if let place = weight.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
      throw ConfigurationError("weight of pair \(place) is \(weight[place]); it must be 0 or more")
    }
    switch evidence {
    case .margins(let margins):
      if let place = margins.firstIndex(where: { !$0.isFinite }) {
        throw ConfigurationError("the margin of pair \(place) is \(margins[place]); it must be finite")
      }
    case .items(let names, let chosen, let rejected):
      try length("rejected", rejected.count)
      if let far = (chosen + rejected).max(), far >= names.count {
        throw ConfigurationError("a pair names item \(far); there are \(names.count)")
      }
    case .logProbabilities(let p):
      guard (p.chosenReference == nil) == (p.rejectedReference == nil),
        (p.chosenLength == nil) == (p.rejectedLength == nil)
      else {
        throw ConfigurationError("references, and lengths, are given for chosen and rejected or for neither")
      }
      try finite("chosen", p.chosen)
      try finite("rejected", p.rejected)
      try finite("chosenReference", p.chosenReference)
      try finite("rejectedReference", p.rejectedReference)
      try length("chosenLength", p.chosenLength?.count)
      try length("rejectedLength", p.rejectedLength?.count)
    }
  }

  /// The induced logits of the observed order; nil where worths have to be fitted first.
  public func logits(_ objective: LCPOConfiguration.Objective) throws -> [Double]? {
    var logits: [Double]
    switch evidence {
    case .items: return nil
    case .margins(let margins): logits = margins.map { Double(objective.beta) * $0 }
    case .logProbabilities(var p):
      let divides = objective.perToken || objective.loss == .simpo
      if objective.perToken, p.chosenLength == nil {
        throw ConfigurationError(
          "objective.per_token is true, and the pairs have no lengths\n  add chosen_len and rejected_len")
      }
      if objective.loss == .cpo, objective.perToken, let a = p.chosenLength, let b = p.rejectedLength {
        // CPO's own difference is of whole sequences; per token it is one of means.
        p.chosen = zip(p.chosen, a).map { $0 / Float(max(1, $1)) }
        p.rejected = zip(p.rejected, b).map { $0 / Float(max(1, $1)) }
      }
      if objective.loss.isReferenceFree { (p.chosenReference, p.rejectedReference) = (nil, nil) }
      let usesLengths = divides != (objective.loss == .cpo)
      if !usesLengths { (p.chosenLength, p.rejectedLength) = (nil, nil) }
      let noisy = NoisyObjective(
        objective.loss.kind, beta: objective.beta, gamma: objective.gamma, likelihood: objective.likelihood)
      var out = [Float](repeating: 0, count: p.chosen.count)
      var span = out.mutableSpan
      try noisy.logits(
        chosen: p.chosen.span, rejected: p.rejected.span, chosenReference: p.chosenReference?.span,
        rejectedReference: p.rejectedReference?.span,
        chosenLengths: p.chosenLength?.span, rejectedLengths: p.rejectedLength?.span, into: &span)
      logits = out.map(Double.init)
    }
    if objective.centre, !logits.isEmpty {
      let mean = logits.sum() / Double(logits.count)
      logits = logits.map { $0 - mean }
    }
    return logits
  }

  /// Whether margins come without a reference to be measured from.
  func isReferenceFree(_ objective: LCPOConfiguration.Objective) -> Bool {
    guard case .logProbabilities(let p) = evidence else { return false }
    return objective.loss.isReferenceFree || p.chosenReference == nil
  }
}
