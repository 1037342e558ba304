import CPenchant

/// Sum of all elements, accumulated in double. 0 for none.
///
/// The bits do not depend on the number of threads.
public func sum(_ x: Span<Float>) -> Double {
  var result = 0.0
  _ = pn_sum_f32(x.count, address(x), &result)
  return result
}

/// Mean of all elements, accumulated in double. 0 for none.
public func mean(_ x: Span<Float>) -> Double {
  var result = 0.0
  _ = pn_mean_f32(x.count, address(x), &result)
  return result
}

/// Sum of squares, accumulated in double.
public func sumOfSquares(_ x: Span<Float>) -> Double {
  var result = 0.0
  _ = pn_sum_squares_f32(x.count, address(x), &result)
  return result
}

/// Inner product, accumulated in double.
///
/// - Throws: `KernelError.shape` when the lengths differ.
public func dot(_ x: Span<Float>, _ y: Span<Float>) throws(KernelError) -> Double {
  guard x.count == y.count else { throw .shape("dot", "x has \(x.count) elements, y has \(y.count)") }
  var result = 0.0
  _ = pn_dot_f32(x.count, address(x), address(y), &result)
  return result
}

/// Largest element; NaN when one is NaN, -infinity for none.
public func maximum(_ x: Span<Float>) -> Float {
  var result: Float = 0
  _ = pn_max_f32(x.count, address(x), &result)
  return result
}

/// Smallest element; NaN when one is NaN, +infinity for none.
public func minimum(_ x: Span<Float>) -> Float {
  var result: Float = 0
  _ = pn_min_f32(x.count, address(x), &result)
  return result
}

/// How many elements are NaN or infinite.
public func countNonfinite(_ x: Span<Float>) -> Int {
  var result = 0
  _ = pn_count_nonfinite_f32(x.count, address(x), &result)
  return result
}
