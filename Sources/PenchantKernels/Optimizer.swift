import CPenchant

/// Part of a parameter buffer with its own learning rate factor and weight decay. Parameters in no range stand still.
public struct ParameterRange: Sendable, Equatable {
  public var elements: Range<Int>
  /// Multiplies the learning rate.
  public var rate: Float
  public var decay: Float

  public init(_ elements: Range<Int>, rate: Float = 1, decay: Float = 0) {
    self.elements = elements
    self.rate = rate
    self.decay = decay
  }

  static func c(_ ranges: [ParameterRange]?, _ call: StaticString) throws(KernelError)
    -> [pn_parameter_range]?
  {
    guard let ranges else { return nil }
    var result: [pn_parameter_range] = []
    for range in ranges {
      guard range.elements.lowerBound >= 0 else { throw .shape("\(call)", "range \(range.elements)") }
      result.append(
        pn_parameter_range(
          first: range.elements.lowerBound, count: range.elements.count, rate: range.rate, decay: range.decay)
      )
    }
    // An empty list covers nothing; NULL would cover everything.
    return result.isEmpty ? [pn_parameter_range(first: 0, count: 0, rate: 1, decay: 0)] : result
  }
}

/// Adam (Kingma and Ba 2015); AdamW (Loshchilov and Hutter 2019) when decoupled.
public struct Adam: Sendable, Equatable {
  public var rate: Double
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  public var decay: Double
  public var isDecoupled: Bool

  public init(
    rate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    decay: Double = 0,
    isDecoupled: Bool = true
  ) {
    self.rate = rate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.decay = decay
    self.isDecoupled = isDecoupled
  }

  private func c(_ step: Int, _ call: StaticString) throws(KernelError) -> pn_adam {
    guard step >= 1 else { throw .value("\(call)", "step \(step); steps count from 1") }
    return pn_adam(
      rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay, step: UInt64(step),
      decoupled: isDecoupled)
  }

  /// One step over a buffer, in one pass.
  ///
  /// - Parameters:
  ///   - number: Counts from 1.
  ///   - gradientScale: Multiplies every gradient (clip factor, loss scale).
  ///   - ranges: Parts with their own rate and decay; the whole buffer when nil.
  /// - Throws: `KernelError.shape` when counts do not fit, `.value` for settings outside their range, `.status` naming
  ///   the first gradient that is not finite; such elements keep their values.
  public func step(
    _ number: Int, gradientScale: Double = 1, ranges: [ParameterRange]? = nil, gradient: Span<Float>,
    parameters: inout MutableSpan<Float>, first: inout MutableSpan<Float>, second: inout MutableSpan<Float>
  ) throws(KernelError) {
    var settings = try c(number, "Adam.step")
    let count = parameters.count
    try require(gradient.count, "gradient", is: count, "Adam.step")
    try require(first.count, "first", is: count, "Adam.step")
    try require(second.count, "second", is: count, "Adam.step")
    let parts = try ParameterRange.c(ranges, "Adam.step")
    var bad = 0
    let status = pn_adam_f32(
      count, &settings, gradientScale, 0, parts?.count ?? 0, parts, address(gradient), address(&parameters),
      address(&first), address(&second), nil, &bad)
    try checkFinite(status, bad, "Adam.step")
  }

  /// One step on some rows of a table only (lazy Adam): moments and decay of other rows stand still, so results differ
  /// from the dense step.
  ///
  /// - Parameters:
  ///   - rows: Distinct and ascending, as ``DistinctRows/ids``.
  ///   - gradient: `[rows.count, width]`.
  public func stepRows(
    _ number: Int, rows: Span<UInt32>, width: Int, gradientScale: Double = 1, gradient: Span<Float>,
    table: inout MutableSpan<Float>, first: inout MutableSpan<Float>, second: inout MutableSpan<Float>
  ) throws(KernelError) {
    var settings = try c(number, "Adam.stepRows")
    let size = rows.count.multipliedReportingOverflow(by: width)
    guard width > 0, !size.overflow, table.count % width == 0 else {
      throw .shape("Adam.stepRows", "a table of \(table.count) floats in rows of \(width)")
    }
    try require(gradient.count, "gradient", is: size.partialValue, "Adam.stepRows")
    try require(first.count, "first", is: table.count, "Adam.stepRows")
    try require(second.count, "second", is: table.count, "Adam.stepRows")
    var bad = 0
    let status = pn_adam_rows_f32(
      rows.count, table.count / width, width, &settings, gradientScale, address(rows), address(gradient),
      address(&table), address(&first), address(&second), &bad)
    try checkFinite(status, bad, "Adam.stepRows")
  }
}

/// Stochastic gradient descent with momentum.
public struct SGD: Sendable, Equatable {
  public var rate: Double
  public var momentum: Double
  public var dampening: Double
  public var decay: Double
  public var isNesterov: Bool

  public init(
    rate: Double, momentum: Double = 0, dampening: Double = 0, decay: Double = 0, isNesterov: Bool = false
  ) {
    self.rate = rate
    self.momentum = momentum
    self.dampening = dampening
    self.decay = decay
    self.isNesterov = isNesterov
  }

  /// One step over a buffer; `buffer` may be empty when `momentum` is 0. Otherwise as
  /// ``Adam/step(_:gradientScale:ranges:gradient:parameters:first:second:)``.
  public func step(
    _ number: Int, gradientScale: Double = 1, ranges: [ParameterRange]? = nil, gradient: Span<Float>,
    parameters: inout MutableSpan<Float>, buffer: inout MutableSpan<Float>
  ) throws(KernelError) {
    guard number >= 1 else { throw .value("SGD.step", "step \(number); steps count from 1") }
    var settings = pn_sgd(
      rate: rate, momentum: momentum, dampening: dampening, decay: decay, step: UInt64(number),
      nesterov: isNesterov)
    try require(gradient.count, "gradient", is: parameters.count, "SGD.step")
    if momentum != 0 { try require(buffer.count, "buffer", is: parameters.count, "SGD.step") }
    let parts = try ParameterRange.c(ranges, "SGD.step")
    var bad = 0
    let status = pn_sgd_f32(
      parameters.count, &settings, gradientScale, parts?.count ?? 0, parts, address(gradient),
      address(&parameters), address(&buffer), &bad)
    try checkFinite(status, bad, "SGD.step")
  }
}

/// The Euclidean norm of a gradient, in double.
///
/// - Throws: `KernelError.status` naming the first element that is not finite.
public func gradientNorm(_ gradient: Span<Float>) throws(KernelError) -> Double {
  var norm = 0.0
  var bad = 0
  let status = pn_gradient_norm_f32(gradient.count, address(gradient), &norm, &bad)
  try checkFinite(status, bad, "gradientNorm")
  return norm
}

/// The factor that brings a norm down to `limit`, at most 1; 0 for a norm that is not finite.
public func clipFactor(norm: Double, limit: Double) -> Double { pn_clip_factor(norm, limit) }

/// average ← decay · average + (1 - decay) · parameters.
public func movingAverage(
  decay: Double, parameters: Span<Float>, average: inout MutableSpan<Float>
) throws(KernelError) {
  try require(average.count, "average", is: parameters.count, "movingAverage")
  try check(pn_average_f32(parameters.count, decay, address(parameters), address(&average)), "movingAverage")
}

private func checkFinite(_ status: pn_status, _ bad: Int, _ call: StaticString) throws(KernelError) {
  guard status == PN_ENONFINITE, bad >= 0 else { return try check(status, call) }
  throw .status(
    "\(call)", name: "PN_ENONFINITE", sentence: "gradient[\(bad)] is not finite",
    repair: "lower the learning rate or clip; look for NaN or infinite input")
}
