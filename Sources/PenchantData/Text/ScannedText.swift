/// A text as folded scalars with their classes, its words and its tokens: what n-grams and style features are read from.
///
/// A word is a run of letters, digits and apostrophes; a token is what stands between white space.
package struct ScannedText: Sendable {
  package struct Class: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let letter = Class(rawValue: 1)
    package static let digit = Class(rawValue: 2)
    package static let upper = Class(rawValue: 4)
    package static let space = Class(rawValue: 8)
    package static let apostrophe = Class(rawValue: 16)
    package static let word: Class = [.letter, .digit, .apostrophe]
  }

  /// Lower-cased scalars; curly quotes are straightened.
  package private(set) var scalars: [UInt32] = []
  package private(set) var classes: [Class] = []
  package private(set) var words: [Range<Int>] = []
  package private(set) var tokens: [Range<Int>] = []

  package init(_ text: String) {
    scalars.reserveCapacity(text.utf8.count)
    classes.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      let (folded, kind) = scalar.value < 0x80 ? ScannedText.ascii(scalar.value) : ScannedText.other(scalar)
      scalars.append(folded)
      classes.append(kind)
    }
    tokens = runs { !$0.contains(.space) }
    // An apostrophe alone or at the rim of a word is a quotation mark.
    words = runs { !$0.isDisjoint(with: .word) }.compactMap { run in
      var (first, end) = (run.lowerBound, run.upperBound)
      while first < end, classes[first] == .apostrophe { first += 1 }
      while end > first, classes[end - 1] == .apostrophe { end -= 1 }
      return first < end ? first..<end : nil
    }
  }

  private func runs(_ belongs: (Class) -> Bool) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var start: Int?
    for place in classes.indices {
      if belongs(classes[place]) {
        if start == nil { start = place }
      } else if let first = start {
        runs.append(first..<place)
        start = nil
      }
    }
    if let first = start { runs.append(first..<classes.count) }
    return runs
  }

  private static func ascii(_ value: UInt32) -> (UInt32, Class) {
    switch value {
    case 0x61...0x7A: (value, .letter)
    case 0x41...0x5A: (value + 32, [.letter, .upper])
    case 0x30...0x39: (value, .digit)
    case 0x20, 0x09...0x0D: (value, .space)
    case 0x27: (value, .apostrophe)
    default: (value, [])
    }
  }

  private static func other(_ scalar: Unicode.Scalar) -> (UInt32, Class) {
    switch scalar.value {
    case 0x2018, 0x2019, 0x02BC: return (0x27, .apostrophe)
    case 0x201C, 0x201D: return (0x22, [])
    default: break
    }
    let properties = scalar.properties
    if properties.isWhitespace { return (0x20, .space) }
    if properties.isAlphabetic {
      let lower = properties.lowercaseMapping.unicodeScalars.first ?? scalar
      return (lower.value, properties.isUppercase ? [.letter, .upper] : .letter)
    }
    return (scalar.value, properties.numericType == nil ? [] : .digit)
  }
}

/// FNV-1a over scalars, spread by the finaliser of SplitMix64 so that any bits may be taken.
package struct ScalarHash {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  package mutating func add(_ scalar: UInt32) { state = (state ^ UInt64(scalar)) &* 0x0000_0100_0000_01B3 }

  package var value: UInt64 {
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
