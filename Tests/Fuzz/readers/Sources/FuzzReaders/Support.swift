/// The input of a target. libFuzzer passes a null pointer with a count of 0.
func input(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
  Array(UnsafeBufferPointer(start: bytes, count: count))
}

/// Ends the run with the input saved: a promise was broken.
func broken(_ promise: String) -> Never {
  fatalError(promise)
}
