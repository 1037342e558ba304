import TestSupport

/// Standard normal numbers of the tests' own source.
func normals(_ count: Int, _ stream: String) -> [Float] {
  var source = TestGenerator(stream: stream)
  return (0..<count).map { _ in Float(source.normal()) }
}
