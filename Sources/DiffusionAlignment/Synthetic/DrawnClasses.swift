import PenchantKernels

/// A class and two normal numbers for each of `count` points, by index.
func drawClassesAndNormals(
  _ count: Int, below classes: Int, seed: UInt64, streams: (classes: UInt64, normals: UInt64), _ call: String
) throws(KernelError) -> (classes: [Int], normals: [Float]) {
  guard 0...(1 << 28) ~= count else { throw .value(call, "\(count) samples") }
  var drawn = [UInt32](repeating: 0, count: count)
  var stream = RandomStream(seed: seed, stream: streams.classes)
  var span = drawn.mutableSpan
  try stream.integers(below: UInt32(classes), into: &span)
  var normals = RandomStream(seed: seed, stream: streams.normals)
  return (drawn.map(Int.init), try normals.normals(2 * count))
}
