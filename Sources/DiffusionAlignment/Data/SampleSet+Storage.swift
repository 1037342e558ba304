import PenchantData

extension SampleSet {
  /// A safetensors file that ``SampleReader`` reads back: `x` `[count, height, width, channels]` and, where there are classes,
  /// integers `classes`.
  public func bytes() throws(DataError) -> [UInt8] {
    var file = SafeTensorsWriter()
    try file.add("x", shape: [count, shape.height, shape.width, shape.channels], values)
    if !classes.isEmpty { try file.add("classes", shape: [count], classes) }
    return file.bytes()
  }

  public func write(to path: String) throws { try AtomicFile.write(bytes(), to: path) }
}
