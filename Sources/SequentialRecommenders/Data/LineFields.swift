/// Ranges of the fields of a line.
func split(_ line: [UInt8], at separator: UInt8) -> [Range<Int>] {
  var fields: [Range<Int>] = []
  var start = 0
  for place in line.indices where line[place] == separator {
    fields.append(start..<place)
    start = place + 1
  }
  fields.append(start..<line.count)
  return fields
}

/// The same for `::`.
func splitAtDoubleColons(_ line: [UInt8]) -> [Range<Int>] {
  var fields: [Range<Int>] = []
  var start = 0
  var place = 0
  while place + 1 < line.count {
    guard line[place] == UInt8(ascii: ":"), line[place + 1] == UInt8(ascii: ":") else {
      place += 1
      continue
    }
    fields.append(start..<place)
    place += 2
    start = place
  }
  fields.append(start..<line.count)
  return fields
}

/// A part of a line without blanks around it.
func field(_ line: [UInt8], _ range: Range<Int>) -> String {
  var (start, end) = (range.lowerBound, range.upperBound)
  while start < end, line[start] == 0x20 || line[start] == 0x09 { start += 1 }
  while end > start, line[end - 1] == 0x20 || line[end - 1] == 0x09 { end -= 1 }
  return String(decoding: line[start..<end], as: UTF8.self)
}

/// What stands between blanks and tabs.
func words(_ line: [UInt8]) -> [String] {
  line.split { $0 == 0x20 || $0 == 0x09 }.map { String(decoding: $0, as: UTF8.self) }
}

/// A finite number.
func parseNumber(_ text: String) -> Double? {
  if let whole = Int(text) { return Double(whole) }
  guard let value = Double(text), value.isFinite else { return nil }
  return value
}
