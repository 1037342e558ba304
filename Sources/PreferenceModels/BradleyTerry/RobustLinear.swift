import PenchantData
import PenchantKernels
import PenchantTrain

extension BradleyTerry {
  /// Soft labels of the training pairs for the linear head; nil when every label is trusted.
  ///
  /// LCPO's EM with one change. The E-step takes the margin of a pair from a fit to the other folds: a model with as many
  /// features as pairs repeats every label it has seen, and a label that is repeated looks right (docs/lcpo.md). Those
  /// margins are too small by as much as the fold lacks, so κ is fitted with η.
  func softLabels(
    _ table: PairTable, _ train: [Int], _ space: LinearSpace, ridge: Double
  ) throws -> (right: [Double], report: LabelReport?)? {
    let robust = configuration.robust
    guard robust.method != .none else { return nil }
    if robust.method == .cdpo {
      return ([Double](repeating: 1 - robust.smoothing, count: train.count), nil)
    }
    let folds = configuration.objective.folds
    guard train.count >= 2 * folds else {
      throw ConfigurationError(
        "robust.method lcpo needs \(2 * folds) training pairs for \(folds) folds, found \(train.count)\n"
          + "  give more pairs or set objective.folds lower")
    }
    let fold = try LinearSpace.folds(table, train, folds, seed: seed)
    let annotators = robust.perAnnotator ? train.map { UInt32(table.user[$0]) } : nil
    let weights = train.map { Double(table.weight[$0]) }
    var right = [Double](repeating: 1, count: train.count)
    var reliabilities = Reliabilities(
      annotators: annotators == nil ? 1 : table.users.count, start: robust.reliability, slope: robust.slope)
    var crossFitted = [Double](repeating: 0, count: train.count)
    var start: [[Double]?] = [[Double]?](repeating: nil, count: folds)
    for _ in 0..<Self.rounds {
      var margins = [Double](repeating: 0, count: train.count)
      for k in 0..<folds {
        let held = train.indices.filter { fold[$0] == k }
        let inside = train.indices.filter { fold[$0] != k }
        guard !held.isEmpty, !inside.isEmpty else { continue }
        let pairs = PairSelection(table, inside.map { train[$0] }, right: inside.map { right[$0] })
        let fit = try space.fit(pairs, ridge: ridge, tolerance: 1e-4, from: start[k])
        start[k] = fit.coefficients
        let outside = PairSelection(table, held.map { train[$0] })
        for (pair, margin) in zip(held, outside.margins(fit.scores)) { margins[pair] = margin }
      }
      let likelihood = try NoisyLikelihood(
        GivenMargins(margins), annotators: annotators, annotatorCount: reliabilities.eta.count,
        weights: weights, pseudo: (robust.pseudoRight, robust.pseudoWrong))
      var fit = likelihood.start(reliabilities)
      var moves = NoisyLikelihood.Moves()
      moves.slope = true
      moves.reliabilities = robust.update != .fixed
      moves.tolerance = 1e-6
      try likelihood.maximise(&fit, iterations: 300, moves)
      reliabilities = fit.reliabilities
      let next = try reliabilities.expect(margins, annotators: annotators, weights: weights)
      let change = zip(next.posterior, right).map { abs($0 - $1) }.sum() / Double(train.count)
      right = next.posterior
      crossFitted = margins
      if change < 1e-3 { break }
    }
    let report = try LabelReport(
      pairs: train, margins: crossFitted, reliabilities, annotators: annotators, weights: weights,
      names: table.users, pseudo: (robust.pseudoRight, robust.pseudoWrong), fitsSlope: true)
    return (right, report)
  }

  /// Of E-steps and fits; confidences mostly stand still after five.
  private static let rounds = 12
}
