/// The offset of the first byte that is not well-formed UTF-8 (Unicode table 3-7), or `nil`.
func firstInvalidUTF8(_ bytes: Span<UInt8>) -> Int? {
  var i = 0
  let count = bytes.count
  while i < count {
    let lead = bytes[i]
    if lead < 0x80 {
      i += 1
      continue
    }
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: length = 4
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return i
    }
    guard i + length <= count, second.contains(bytes[i + 1]) else { return i }
    for k in 2..<max(length, 2) where !(0x80...0xBF).contains(bytes[i + k]) { return i }
    i += length
  }
  return nil
}
