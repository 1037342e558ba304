import PenchantData
import PenchantKernels
import PenchantTrain

/// The pairs a model is fitted to: places of texts, and a weight each.
struct PairSelection: Sendable {
  var chosen: [UInt32]
  var rejected: [UInt32]
  var weight: [Double]?

  /// - Parameter factors: what the weight of each pair of the table is multiplied by; empty for 1.
  init(_ table: PairTable, _ indices: [Int], factors: [Float] = []) {
    chosen = indices.map { UInt32(table.chosen[$0]) }
    rejected = indices.map { UInt32(table.rejected[$0]) }
    let weights = indices.map { Double(table.weight[$0]) * (factors.isEmpty ? 1 : Double(factors[$0])) }
    weight = weights.allSatisfy { $0 == 1 } ? nil : weights
  }

  /// Pairs with soft labels: each in the order observed, with weight · `right`, and in the other, with weight · (1 − `right`).
  /// nil: the pairs as they are.
  init(_ table: PairTable, _ indices: [Int], right: [Double]?) {
    self.init(table, indices)
    guard let right else { return }
    let weights = weight ?? [Double](repeating: 1, count: indices.count)
    let (first, second) = (chosen, rejected)
    chosen += second
    rejected += first
    weight = zip(weights, right).map { $0 * $1 } + zip(weights, right).map { $0 * (1 - $1) }
  }

  func graph(texts: Int) throws(KernelError) -> ComparisonGraph {
    try ComparisonGraph(items: texts, chosen: chosen, rejected: rejected, weight: weight)
  }

  func margins(_ scores: [Double]) -> [Double] {
    zip(chosen, rejected).map { scores[Int($0)] - scores[Int($1)] }
  }
}

/// Features prepared for many fits of linear Bradley–Terry models over the same texts.
///
/// Few texts are fitted on the matrix of their inner products, many on the features themselves; both reach the same
/// optimum, and the one that reads less memory a product is taken.
struct LinearSpace: Sendable {
  let features: FeatureProducts
  let space: ScoreSpace
  let texts: Int

  init(_ matrix: FeatureMatrix) throws(KernelError) {
    texts = matrix.rows
    features = try FeatureProducts(matrix)
    // Bytes of a product: 4 a cell of the matrix; 8 an entry, twice, and a cache line missed now and then.
    let entries = features.rows.values.count
    guard texts <= 16_384, texts * texts <= 6 * entries else {
      space = .features(features)
      return
    }
    let sparse = try SparseRows(
      rows: texts, width: matrix.sparseWidth, starts: matrix.rowStarts, columns: matrix.columns,
      values: matrix.values)
    space = .gram(try Gram(sparse: sparse, dense: matrix.dense, denseWidth: matrix.denseWidth))
  }

  /// The optimum for one ridge.
  func fit(
    _ pairs: PairSelection, ridge: Double, tolerance: Double = 1e-7, from start: [Double]? = nil
  ) throws(KernelError) -> NewtonSolver.Solution {
    var likelihood = ComparisonLikelihood(try pairs.graph(texts: texts))
    return try NewtonSolver(ridge: ridge, tolerance: tolerance).solve(&likelihood, in: space, from: start)
  }

  /// Standard errors of the weights: roots of the diagonal of (Xᵀ H X + ridge)⁻¹, the curvature of the penalised
  /// likelihood at its optimum (Laplace's approximation). nil for more than `standardErrorLimit` columns.
  func standardErrors(
    _ pairs: PairSelection, ridge: Double, at scores: [Double]
  ) throws(KernelError) -> [Double]? {
    let p = features.rows.width
    guard p > 0, p <= Self.standardErrorLimit else { return nil }
    var likelihood = ComparisonLikelihood(try pairs.graph(texts: texts))
    var out = [Double](repeating: 0, count: texts)
    _ = try likelihood.evaluate(scores, gradient: &out)
    var information = [Double](repeating: 0, count: p * p)
    var unit = [Double](repeating: 0, count: p)
    for j in 0..<p {
      unit[j] = 1
      try likelihood.hessianProduct(features.scores(weights: unit), into: &out)
      unit[j] = 0
      let column = try features.weights(coefficients: out)
      for i in 0..<p { information[i * p + j] = column[i] }
      information[j * p + j] += ridge
    }
    let inverse = try Cholesky(information, order: p).inverse()
    return (0..<p).map { max(0, inverse[$0 * p + $0]).squareRoot() }
  }

  static let standardErrorLimit = 1024

  struct Search: Sendable {
    var ridge: Double
    var temperature: Double
    var losses: [Double: Double]
  }

  /// The ridge with the smallest log-loss on held-out folds of the training pairs, and the temperature that fits the
  /// held-out margins at that ridge. Folds keep communities together.
  ///
  /// The fits of a fold go from the largest ridge to the smallest, each starting at the one before.
  func search(
    _ table: PairTable, _ train: [Int], ridges: [Double], folds: Int, seed: UInt64, calibrate: Bool
  ) throws -> Search {
    let ridges = Array(Set(ridges)).sorted(by: >)
    guard ridges.count > 1 || calibrate, train.count >= 2 * folds else {
      return Search(ridge: ridges[ridges.count / 2], temperature: 1, losses: [:])
    }
    let fold = try Self.folds(table, train, folds, seed: seed)
    var margins = [[Double]](repeating: [Double](repeating: 0, count: train.count), count: ridges.count)
    for k in 0..<folds {
      let held = train.indices.filter { fold[$0] == k }
      let inside = PairSelection(table, train.indices.filter { fold[$0] != k }.map { train[$0] })
      let outside = PairSelection(table, held.map { train[$0] })
      guard !inside.chosen.isEmpty, !held.isEmpty else { continue }
      var likelihood = ComparisonLikelihood(try inside.graph(texts: texts))
      var start: [Double]?
      for (place, ridge) in ridges.enumerated() {
        // Choosing among ridges that are factors apart needs no more digits than this.
        let fit = try NewtonSolver(ridge: ridge, tolerance: 1e-2).solve(&likelihood, in: space, from: start)
        start = fit.coefficients
        for (pair, margin) in zip(held, outside.margins(fit.scores)) { margins[place][pair] = margin }
      }
    }
    let weights = train.map { Double(table.weight[$0]) }
    let total = max(weights.sum(), .leastNormalMagnitude)
    let losses = margins.map { zip($0, weights).map { $1 * softplus(-$0) }.sum() / total }
    let best = losses.indices.min { losses[$0] < losses[$1] } ?? 0
    return Search(
      ridge: ridges[best],
      temperature: calibrate ? TemperatureScaling(fitting: margins[best], weights: weights).temperature : 1,
      losses: Dictionary(uniqueKeysWithValues: zip(ridges, losses)))
  }

  /// The fold of each training pair: whole communities when there are enough of them, else single pairs.
  static func folds(_ table: PairTable, _ train: [Int], _ folds: Int, seed: UInt64) throws -> [Int] {
    let groups = Set(train.map { table.community[$0] }).sorted()
    if groups.count >= folds {
      // Largest groups first, each into the emptiest fold: folds of like size, the same ones every time.
      var size: [Int: Int] = [:]
      for pair in train { size[table.community[pair], default: 0] += 1 }
      var filled = [Int](repeating: 0, count: folds)
      var fold: [Int: Int] = [:]
      for group in groups.sorted(by: { (-(size[$0] ?? 0), $0) < (-(size[$1] ?? 0), $1) }) {
        let emptiest = filled.indices.min { (filled[$0], $0) < (filled[$1], $1) } ?? 0
        fold[group] = emptiest
        filled[emptiest] += size[group] ?? 0
      }
      return train.map { fold[table.community[$0]] ?? 0 }
    }
    var fold = [Int](repeating: 0, count: train.count)
    for (k, split) in try Split.kFold(count: train.count, folds: min(folds, max(2, train.count)), seed: seed)
      .enumerated()
    {
      for place in split.test { fold[place] = k }
    }
    return fold
  }
}
