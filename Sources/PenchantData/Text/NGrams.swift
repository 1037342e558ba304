extension ScannedText {
  /// Hashes of the word n-grams of the given orders, folded to `bits` bits.
  func wordGrams(orders: ClosedRange<Int>, bits: Int, into grams: inout [UInt32]) {
    let shift = UInt64(64 - bits)
    for first in words.indices {
      var hash = ScalarHash()
      for order in 1...orders.upperBound {
        let place = first + order - 1
        guard place < words.count else { break }
        if order > 1 { hash.add(0x20) }
        for at in words[place] { hash.add(scalars[at]) }
        if order >= orders.lowerBound { grams.append(UInt32(truncatingIfNeeded: hash.value >> shift)) }
      }
    }
  }

  /// Hashes of the character n-grams within tokens, a blank added on both sides; a token that is shorter than an order
  /// counts whole, once.
  func characterGrams(orders: ClosedRange<Int>, bits: Int, into grams: inout [UInt32]) {
    let shift = UInt64(64 - bits)
    let scalars = scalars.span
    for token in tokens {
      let count = token.count + 2
      func at(_ place: Int) -> UInt32 {
        place == 0 || place == count - 1 ? 0x20 : scalars[token.lowerBound + place - 1]
      }
      if count < orders.lowerBound {
        var hash = ScalarHash()
        for place in 0..<count { hash.add(at(place)) }
        grams.append(UInt32(truncatingIfNeeded: hash.value >> shift))
        continue
      }
      for first in 0...(count - orders.lowerBound) {
        var hash = ScalarHash()
        for place in first..<min(first + orders.upperBound, count) {
          hash.add(at(place))
          if place - first + 1 >= orders.lowerBound {
            grams.append(UInt32(truncatingIfNeeded: hash.value >> shift))
          }
        }
      }
    }
  }
}

/// Terms and their counts, a row a text.
struct TermCounts: Sendable {
  private(set) var rowStarts = [0]
  /// Ascending within a row.
  private(set) var terms: [UInt32] = []
  private(set) var counts: [UInt32] = []

  /// Adds a row; sorts `grams`.
  mutating func append(_ grams: inout [UInt32]) {
    grams.sort()
    var place = 0
    while place < grams.count {
      var end = place + 1
      while end < grams.count, grams[end] == grams[place] { end += 1 }
      terms.append(grams[place])
      counts.append(UInt32(end - place))
      place = end
    }
    rowStarts.append(terms.count)
  }
}
