import DiffusionAlignment

/// A picture that is accepted has as many bytes as it says, and is written and read back as it is.
@_cdecl("fuzz_png")
public func png(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  do {
    let picture = try Bitmap(png: input(bytes, count))
    guard picture.bytes.count == picture.shape.count else {
      broken("\(picture.bytes.count) for \(picture.shape)")
    }
    // Writing a large picture takes longer than a target has.
    guard picture.bytes.count < 1 << 16 else { return 0 }
    guard try Bitmap(png: picture.png()) == picture else { broken("the picture changed") }
  } catch {
    guard !"\(error)".isEmpty else { broken("an error without words") }
  }
  return 0
}

/// Samples that are accepted are whole, finite and have classes that are named.
@_cdecl("fuzz_samples")
public func samples(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = input(bytes, count)
  for size in [nil, SampleShape(height: 2, width: 2, channels: 1)] {
    do {
      check(try SampleReader.read(bytes: bytes, size: size, range: size == nil ? nil : 0...16))
    } catch {
      guard !"\(error)".isEmpty else { broken("an error without words") }
    }
  }
  return 0
}

/// The same for pairs. Paths in the input would open files of this machine, so inputs with pictures are
/// passed over.
@_cdecl("fuzz_samplepairs")
public func samplePairs(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let bytes = input(bytes, count)
  guard !bytes.contains(UInt8(ascii: "/")), !bytes.contains(UInt8(ascii: "\\")) else { return 0 }
  do {
    let table = "1,2,a\n3,4,b\n5,6,a\n"
    let blob = try SampleReader.read(bytes: Array(table.utf8), labelled: true)
    let pairs = try PairFile.read(bytes: bytes, blob: blob)
    check(pairs.samples)
    guard pairs.winners.count == pairs.losers.count,
      pairs.weights.isEmpty || pairs.weights.count == pairs.count
    else { broken("\(pairs.winners.count) winners, \(pairs.losers.count) losers") }
    for row in pairs.winners + pairs.losers where !(0..<pairs.samples.count ~= row) { broken("row \(row)") }
  } catch {
    guard !"\(error)".isEmpty else { broken("an error without words") }
  }
  return 0
}

private func check(_ set: SampleSet) {
  guard set.count > 0, set.values.count == set.count * set.shape.count else {
    broken("\(set.values.count) values of \(set.shape)")
  }
  guard set.values.allSatisfy(\.isFinite) else { broken("a value is not finite") }
  guard set.classes.isEmpty || set.classes.count == set.count,
    set.classes.allSatisfy({ set.classNames.indices.contains($0) })
  else { broken("\(set.classes.count) classes of \(set.count) samples") }
}
