/// The most probable weights of a Bradley–Terry model on unnamed differences of features, under a normal prior with a
/// precision of its own for every weight; `DampedNewton` finds them.
struct PaletteNewton {
  private let likelihood: PairLikelihood

  /// - Parameters:
  ///   - rows: `[n, width]`, chosen minus rejected.
  ///   - offset: Part of every margin that is not fitted; `[n]` or empty.
  ///   - weight: `[n]`, or empty for 1 each.
  init(rows: [Double], width: Int, offset: [Double] = [], weight: [Double] = []) {
    let count = width > 0 ? rows.count / width : 0
    likelihood = PairLikelihood(
      width: width, differences: rows,
      weight: weight.isEmpty ? [Double](repeating: 1, count: count) : weight, offset: offset)
  }

  func solve(mean: [Double], precision: [Double]) throws -> [Double] {
    try DampedNewton(mean: mean, precision: precision).solve(likelihood).weights
  }

  func margins(_ w: [Double]) -> [Double] { likelihood.margins(at: w) }
}
