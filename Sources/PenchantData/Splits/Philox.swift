/// Philox 4x32-10 (Salmon and others 2011): the draw at (seed, stream, index), independent of order and thread.
struct Philox {
  let seed: UInt64
  let stream: UInt64

  /// 64 uniform bits.
  func bits(_ index: UInt64) -> UInt64 {
    var counter = (
      UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32),
      UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32)
    )
    var key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    for _ in 0..<10 {
      let a = UInt64(counter.0) &* 0xD251_1F53
      let b = UInt64(counter.2) &* 0xCD9E_8D57
      counter = (
        UInt32(truncatingIfNeeded: b >> 32) ^ counter.1 ^ key.0, UInt32(truncatingIfNeeded: b),
        UInt32(truncatingIfNeeded: a >> 32) ^ counter.3 ^ key.1, UInt32(truncatingIfNeeded: a)
      )
      key = (key.0 &+ 0x9E37_79B9, key.1 &+ 0xBB67_AE85)
    }
    return UInt64(counter.0) | UInt64(counter.1) << 32
  }

  /// A permutation of `0..<count` (Fisher and Yates).
  func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for i in stride(from: count - 1, to: 0, by: -1) {
      // The high word of the product: the bias is below (i + 1) / 2^64.
      order.swapAt(i, Int(bits(UInt64(i)).multipliedFullWidth(by: UInt64(i + 1)).high))
    }
    return order
  }
}
