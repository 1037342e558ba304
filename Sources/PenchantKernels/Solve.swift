import CPenchant

/// Whether `count` values are a `[rows, columns]` matrix.
private func holds(_ count: Int, _ rows: Int, _ columns: Int) -> Bool {
  let (product, overflow) = rows.multipliedReportingOverflow(by: columns)
  return rows >= 0 && columns >= 0 && !overflow && count == product
}

/// The factor `L` of a symmetric positive definite matrix `A = L Lᵀ`, in Double.
public struct Cholesky: Sendable {
  public let order: Int
  /// Row-major `[order, order]`; the lower triangle is `L`.
  public let factor: [Double]

  /// Factors the lower triangle of `matrix`, row-major `[order, order]`.
  ///
  /// - Throws: `KernelError.shape` when the count is wrong; `.value` naming the first leading minor that is not positive
  ///   (1-based) when the matrix is not positive definite; `.status` with `PN_ENONFINITE` for NaN or infinity.
  public init(_ matrix: [Double], order: Int) throws(KernelError) {
    guard holds(matrix.count, order, order) else {
      throw .shape("Cholesky", "\(matrix.count) values for [\(order), \(order)]")
    }
    var factor = matrix
    var pivot = 0
    let status = pn_cholesky_f64(order, &factor, order, &pivot)
    if status == PN_ESINGULAR {
      throw .value(
        "Cholesky",
        "not positive definite: the leading minor of order \(pivot) of \(order) is not positive; add a ridge")
    }
    try check(status, "Cholesky")
    self.order = order
    self.factor = factor
  }

  /// `A⁻¹ B`, row-major `[order, columns]`.
  public func solve(_ b: [Double], columns: Int = 1) throws(KernelError) -> [Double] {
    guard holds(b.count, order, columns) else {
      throw .shape("Cholesky.solve", "\(b.count) values for [\(order), \(columns)]")
    }
    var x = b
    try check(pn_cholesky_solve_f64(order, columns, factor, order, &x, columns), "Cholesky.solve")
    return x
  }

  /// `A⁻¹`, row-major, both triangles: the covariance of estimates when `A` is their information.
  public func inverse() throws(KernelError) -> [Double] {
    var inverse = factor
    try check(pn_cholesky_inverse_f64(order, &inverse, order), "Cholesky.inverse")
    return inverse
  }

  /// `log det A`.
  public func logDeterminant() throws(KernelError) -> Double {
    var value = 0.0
    try check(pn_cholesky_log_determinant_f64(order, factor, order, &value), "Cholesky.logDeterminant")
    return value
  }
}

/// Eigenvalues in ascending order; row `i` of `vectors`, `[order, order]`, belongs to `values[i]`.
public struct SymmetricEigen: Sendable {
  public let values: [Double]
  /// Empty when they were not asked for.
  public let vectors: [Double]

  /// Decomposes the symmetric matrix whose lower triangle is in `matrix`, row-major `[order, order]`.
  ///
  /// - Throws: `KernelError.shape`, `.memory`, `.status` with `PN_ENONFINITE` or `PN_ECONVERGE`.
  public init(_ matrix: [Double], order: Int, vectors wanted: Bool = true) throws(KernelError) {
    guard holds(matrix.count, order, order) else {
      throw .shape("SymmetricEigen", "\(matrix.count) values for [\(order), \(order)]")
    }
    var values = [Double](repeating: 0, count: order)
    var vectors = [Double](repeating: 0, count: wanted ? order * order : 0)
    let scratch = try Scratch(pn_symmetric_eigen_workspace(order, wanted), "SymmetricEigen")
    let status =
      wanted
      ? pn_symmetric_eigen_f64(order, matrix, order, &values, &vectors, scratch.start, scratch.bytes)
      : pn_symmetric_eigen_f64(order, matrix, order, &values, nil, scratch.start, scratch.bytes)
    try check(status, "SymmetricEigen")
    self.values = values
    self.vectors = vectors
  }
}

/// `A = U diag(values) Vᵀ` with `r = min(rows, columns)`: `u` is `[rows, r]`, `vt` `[r, columns]`, values descend.
public struct SingularValues: Sendable {
  public let values: [Double]
  /// Empty, like `vt`, when the vectors were not asked for.
  public let u: [Double]
  public let vt: [Double]

  /// - Parameter matrix: row-major `[rows, columns]`.
  /// - Throws: `KernelError.shape`, `.memory`, `.status` with `PN_ENONFINITE` or `PN_ECONVERGE`.
  public init(_ matrix: [Double], rows: Int, columns: Int, vectors wanted: Bool = true) throws(KernelError) {
    guard holds(matrix.count, rows, columns) else {
      throw .shape("SingularValues", "\(matrix.count) values for [\(rows), \(columns)]")
    }
    let rank = min(rows, columns)
    var values = [Double](repeating: 0, count: rank)
    var u = [Double](repeating: 0, count: wanted ? rows * rank : 0)
    var vt = [Double](repeating: 0, count: wanted ? rank * columns : 0)
    let scratch = try Scratch(pn_svd_workspace(rows, columns, wanted), "SingularValues")
    let status =
      wanted
      ? pn_svd_f64(rows, columns, matrix, columns, &u, &values, &vt, scratch.start, scratch.bytes)
      : pn_svd_f64(rows, columns, matrix, columns, nil, &values, nil, scratch.start, scratch.bytes)
    try check(status, "SingularValues")
    self.values = values
    self.u = u
    self.vt = vt
  }
}

/// The `X`, `[unknowns, columns]`, of least norm that minimises `|A X - B|`, and the rank of `A`.
///
/// - Parameters:
///   - a: row-major `[equations, unknowns]`.
///   - b: row-major `[equations, columns]`.
///   - rcond: singular values below this times the largest count as 0; `nil` is rounding level.
/// - Throws: `KernelError.shape`, `.value` for an `rcond` outside 0 ..< 1, `.memory`, `.status`.
public func leastSquares(
  _ a: [Double], equations: Int, unknowns: Int, _ b: [Double], columns: Int = 1, rcond: Double? = nil
) throws(KernelError) -> (x: [Double], rank: Int) {
  guard holds(a.count, equations, unknowns), holds(b.count, equations, columns) else {
    throw .shape(
      "leastSquares",
      "\(a.count) values for A [\(equations), \(unknowns)], \(b.count) for B [\(equations), \(columns)]")
  }
  if let rcond, !(0..<1).contains(rcond) {
    throw .value("leastSquares", "rcond is \(rcond), 0 ..< 1 is possible")
  }
  let (unknownCount, overflow) = unknowns.multipliedReportingOverflow(by: columns)
  guard !overflow else { throw .shape("leastSquares", "X [\(unknowns), \(columns)] is too large") }
  var x = [Double](repeating: 0, count: unknownCount)
  var rank = 0
  let scratch = try Scratch(pn_least_squares_workspace(equations, unknowns, columns), "leastSquares")
  try check(
    pn_least_squares_f64(
      equations, unknowns, columns, rcond ?? -1, a, unknowns, b, columns, &x, columns, &rank, scratch.start,
      scratch.bytes), "leastSquares")
  return (x, rank)
}
