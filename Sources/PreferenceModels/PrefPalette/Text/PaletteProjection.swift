import PenchantData
import PenchantKernels

/// Features of texts in few columns: the principal components of their standardised features, the first with standard
/// deviation 1 over the training texts and the others in proportion.
struct PaletteProjection: Sendable, Equatable {
  /// n-grams enter through so many signed sums.
  let hashed: Int
  /// Of the D features: mean, 1 / standard deviation.
  let mean: [Float]
  let scale: [Float]
  /// `[columns, D]`
  let components: [Float]

  var columns: Int { mean.isEmpty ? 0 : components.count / mean.count }

  init(hashed: Int, mean: [Float], scale: [Float], components: [Float]) {
    self.hashed = hashed
    self.mean = mean
    self.scale = scale
    self.components = components
  }

  /// Fits to the rows `inside`; fewer columns when the features have fewer.
  init(_ features: FeatureMatrix, inside: [Int], columns: Int, hashed: Int = 256) throws {
    var rows = DenseRows(features, projection: hashed)
    let (mean, scale) = rows.moments(inside)
    rows.standardise(mean, scale)
    let own = rows.selecting(inside)
    let D = own.width
    var products = [Float](repeating: 0, count: D * D)
    var out = products.mutableSpan
    try multiply(
      ProductShape(rows: D, columns: D, inner: own.count, transposesA: true), own.values.span,
      own.values.span, into: &out)
    let eigen = try SymmetricEigen(products.map { Double($0) / Double(max(1, own.count)) }, order: D)
    let first = max(eigen.values.last ?? 0, .leastNormalMagnitude).squareRoot()
    var components: [Float] = []
    for place in (0..<D).suffix(columns).reversed() {
      let row = eigen.vectors[place * D..<(place + 1) * D]
      // An eigenvector has no sign of its own; its largest element gets the positive one.
      let largest = row.max { abs($0) < abs($1) } ?? 1
      components += row.map { Float($0 / (largest < 0 ? -first : first)) }
    }
    self.init(hashed: hashed, mean: mean, scale: scale, components: components)
  }

  /// `[rows, columns]`
  ///
  /// - Throws: `KernelError.shape` when the features have another width.
  func callAsFunction(_ features: FeatureMatrix) throws -> [Float] {
    var rows = DenseRows(features, projection: hashed)
    guard rows.width == mean.count else {
      throw KernelError.shape("PaletteProjection", "\(rows.width) columns, \(mean.count) were fitted")
    }
    rows.standardise(mean, scale)
    var values = [Float](repeating: 0, count: rows.count * columns)
    guard rows.count > 0, columns > 0 else { return values }
    var out = values.mutableSpan
    try multiply(
      ProductShape(rows: rows.count, columns: columns, inner: mean.count, transposesB: true),
      rows.values.span,
      components.span, into: &out)
    return values
  }
}
