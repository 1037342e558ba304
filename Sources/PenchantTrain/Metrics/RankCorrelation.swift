/// Pearson's correlation; NaN when one list does not vary or their lengths differ.
public func pearsonCorrelation(_ x: [Double], _ y: [Double]) -> Double {
  guard x.count == y.count else { return .nan }
  let n = Double(x.count)
  let (mx, my) = (x.sum() / n, y.sum() / n)
  var (xy, xx, yy) = (0.0, 0.0, 0.0)
  for (a, b) in zip(x, y) {
    xy += (a - mx) * (b - my)
    xx += (a - mx) * (a - mx)
    yy += (b - my) * (b - my)
  }
  return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : .nan
}

/// Kendall's tau-b of two score lists: concordant minus discordant pairs, over the geometric mean of the pairs untied in
/// each. O(n log n) (Knight 1966). NaN when one list is constant, shorter than two, or has a NaN.
public func kendallTau(_ a: [Double], _ b: [Double]) -> Double {
  let n = min(a.count, b.count)
  guard n > 1, a.count == b.count, !a.contains(where: \.isNaN), !b.contains(where: \.isNaN) else {
    return .nan
  }
  let order = (0..<n).sorted { (a[$0], b[$0], $0) < (a[$1], b[$1], $1) }
  func choose(_ k: Int) -> Int { k * (k - 1) / 2 }
  func ties(_ same: (Int, Int) -> Bool, _ order: [Int]) -> Int {
    var total = 0
    var run = 1
    for i in 1..<n {
      if same(order[i - 1], order[i]) {
        run += 1
      } else {
        total += choose(run)
        run = 1
      }
    }
    return total + choose(run)
  }
  let tiedA = ties({ a[$0] == a[$1] }, order)
  let tiedBoth = ties({ a[$0] == a[$1] && b[$0] == b[$1] }, order)
  var values = order.map { b[$0] }
  let swaps = mergeSort(&values)
  let sortedB = (0..<n).sorted { (b[$0], $0) < (b[$1], $1) }
  let tiedB = ties({ b[$0] == b[$1] }, sortedB)
  let pairs = choose(n)
  let numerator = pairs - tiedA - tiedB + tiedBoth - 2 * swaps
  let denominator = (Double(pairs - tiedA) * Double(pairs - tiedB)).squareRoot()
  return denominator > 0 ? Double(numerator) / denominator : .nan
}

/// Sorts, and returns how many pairs stood in the wrong order.
private func mergeSort(_ values: inout [Double]) -> Int {
  var swaps = 0
  var other = values
  var width = 1
  while width < values.count {
    var start = 0
    while start < values.count {
      let middle = min(start + width, values.count)
      let end = min(start + 2 * width, values.count)
      var left = start
      var right = middle
      for out in start..<end {
        if left < middle, right >= end || values[left] <= values[right] {
          other[out] = values[left]
          left += 1
        } else {
          other[out] = values[right]
          swaps += middle - left
          right += 1
        }
      }
      start = end
    }
    swap(&values, &other)
    width *= 2
  }
  return swaps
}
