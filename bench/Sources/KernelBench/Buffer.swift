import CBench

/// Numbers on huge pages, filled once from a fixed sequence; what the kernels of a case read and write.
///
/// Peers get huge pages too (`bench/peers`), so neither side pays for small ones.
final class Buffer<Element: BitwiseCopyable> {
  private let memory: UnsafeMutableBufferPointer<Element>
  private let bytes: Int

  init(_ count: Int, _ value: (Int) -> Element) throws {
    bytes = max(count, 1) * MemoryLayout<Element>.stride
    guard let base = bench_map(bytes) else { throw BenchError.memory(bytes: bytes) }
    memory = UnsafeMutableBufferPointer(
      start: base.bindMemory(to: Element.self, capacity: max(count, 1)), count: count)
    for i in 0..<count { memory[i] = value(i) }
  }

  deinit { bench_unmap(memory.baseAddress, bytes) }

  /// For reading by a kernel; the buffer must outlive the call, which a case's closure ensures by holding it.
  var values: UnsafeBufferPointer<Element> { UnsafeBufferPointer(memory) }
  /// A copy, for what is passed by value.
  var array: [Element] { withExtendedLifetime(self) { Array(memory) } }
  /// For writing by a kernel.
  var storage: UnsafeMutableBufferPointer<Element> { memory }
}

typealias Floats = Buffer<Float>

extension Buffer where Element == Float {
  convenience init(zeros count: Int) throws { try self.init(count) { _ in 0 } }

  /// Standard normal values, the same in every run.
  convenience init(normal count: Int, seed: UInt64 = 1, scale: Float = 1) throws {
    var source = Source(seed: seed)
    try self.init(count) { _ in source.normal() * scale }
  }
}

extension Buffer where Element == UInt32 {
  /// Whole numbers in `0..<bound`, the same in every run.
  convenience init(below bound: Int, count: Int, seed: UInt64 = 1) throws {
    var source = Source(seed: seed)
    try self.init(count) { _ in UInt32(source.below(bound)) }
  }
}

/// The fixed sequence behind the inputs: SplitMix64. Its quality does not matter here, its repeatability does.
struct Source {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  /// A sum of four uniform numbers, scaled to variance 1: near enough to normal, and quick over 10⁸ values.
  mutating func normal() -> Float {
    let bits = next()
    let sum = (0..<4).reduce(Float(0)) { $0 + Float((bits >> ($1 * 16)) & 0xFFFF) }
    return (sum / 65535 - 2) * 1.7320508
  }
}

enum BenchError: Error, CustomStringConvertible {
  case memory(bytes: Int)
  case missing(String)
  case ceiling(Int32)

  var description: String {
    switch self {
    case .memory(let bytes): "\(bytes) bytes of memory were refused"
    case .missing(let what): what
    case .ceiling(let code): "a ceiling could not be measured (error \(code))"
    }
  }
}
