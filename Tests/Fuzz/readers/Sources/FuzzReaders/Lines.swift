import PenchantData

/// Plain or packed lines: bounded, numbered, and at their end sooner or later.
@_cdecl("fuzz_lines")
public func lines(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  var reader = LineReader(bytes: input(bytes, count), lineLimit: 4096)
  var last = 0
  while reader.bytesRead < 1 << 24 {
    do {
      guard let line = try reader.next() else { return 0 }
      guard line.utf8.count <= 4096 else { broken("a line of \(line.utf8.count) bytes") }
      guard reader.number == last + 1 else { broken("line \(reader.number) after \(last)") }
    } catch {
      guard reader.number >= last else { broken("line \(reader.number) after \(last)") }
      // An error that does not move on would be reported for ever.
      if reader.number == last { return 0 }
    }
    last = reader.number
  }
  return 0
}

@_cdecl("fuzz_pairs")
public func pairs(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  var reader = PairReader(bytes: input(bytes, count), keepExtra: true)
  for _ in 0..<10_000 {
    do {
      guard try reader.next() != nil else { break }
    } catch {
      guard !"\(error)".isEmpty else { broken("an error without words") }
    }
  }
  _ = try? PairSummary(PairReader(bytes: input(bytes, count)))
  return 0
}

@_cdecl("fuzz_rankings")
public func rankings(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  _ = try? RankingReader(bytes: input(bytes, count)).rankings()
  return 0
}

/// What was accepted and printed is accepted again, as the same value.
@_cdecl("fuzz_json")
public func json(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  guard let value = try? JSONValue(parsing: input(bytes, count).span) else { return 0 }
  guard let again = try? JSONValue(parsing: value.description) else { broken("does not read \(value)") }
  guard again.description == value.description else { broken("\(again) is not \(value)") }
  return 0
}

/// Features of any text are finite.
@_cdecl("fuzz_features")
public func features(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let text = String(decoding: input(bytes, count), as: UTF8.self)
  let values = StyleFeatures.of(text)
  guard values.count == StyleFeatures.names.count, values.allSatisfy(\.isFinite) else { broken("\(values)") }
  return 0
}
