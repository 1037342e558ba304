import PenchantData

/// A file that is accepted can be read whole, and what is written back reads the same.
@_cdecl("fuzz_safetensors")
public func safetensors(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  do {
    let file = try SafeTensors(bytes: input(bytes, count))
    guard file.entries.reduce(0, { $0 + $1.bytes.count }) <= count else {
      broken("tensors are larger than the file")
    }
    var writer = SafeTensorsWriter(metadata: file.metadata)
    for entry in file.entries {
      guard file.entry(entry.name) == entry else { broken("\(entry.name) is not found by its name") }
      guard let values = try? file.floats(entry.name) else { continue }
      guard values.count == entry.count else { broken("\(entry.name) has \(values.count) values") }
      try writer.add(entry.name, shape: entry.shape, values)
    }
    let again = try SafeTensors(bytes: writer.bytes())
    for entry in again.entries {
      let mine = try file.floats(entry.name).map(\.bitPattern)
      guard try again.floats(entry.name).map(\.bitPattern) == mine else { broken("\(entry.name) changed") }
    }
  } catch {}
  return 0
}

@_cdecl("fuzz_npy")
public func npy(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  do {
    let file = try NumPyFile(bytes: input(bytes, count))
    let values = try file.floats()
    guard values.count == file.shape.reduce(1, *) else { broken("\(values.count) values for \(file.shape)") }
    let again = try NumPyFile(bytes: NumPyFile.bytes(shape: file.shape, values))
    guard try again.floats().map(\.bitPattern) == values.map(\.bitPattern) else { broken("values changed") }
  } catch {}
  return 0
}
