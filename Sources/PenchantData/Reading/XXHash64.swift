/// XXH64 (Yann Collet's specification), the checksum of files in a checkpoint and the name of a recorded request: it finds
/// torn and flipped bytes, it is no protection against an attacker. `xxhsum -H1 FILE` prints the same number.
public enum XXHash64 {
  private static let p1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let p2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let p3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let p4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let p5: UInt64 = 0x27D4_EB2F_1656_67C5

  /// The checksum of `bytes`.
  public static func hash(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
    bytes.withUnsafeBytes { hash($0, seed: seed) }
  }

  /// The checksum of `bytes` as 16 hexadecimal digits.
  public static func hex(_ bytes: [UInt8], seed: UInt64 = 0) -> String {
    let digits = String(hash(bytes, seed: seed), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func round(_ accumulator: UInt64, _ input: UInt64) -> UInt64 {
    rotate(accumulator &+ input &* p2, 31) &* p1
  }

  private static func merge(_ accumulator: UInt64, _ value: UInt64) -> UInt64 {
    (accumulator ^ round(0, value)) &* p1 &+ p4
  }

  private static func rotate(_ x: UInt64, _ by: UInt64) -> UInt64 { (x << by) | (x >> (64 &- by)) }

  private static func hash(_ data: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
    func word(_ at: Int) -> UInt64 {
      UInt64(littleEndian: data.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    }
    func half(_ at: Int) -> UInt64 {
      UInt64(UInt32(littleEndian: data.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
    }
    let count = data.count
    var at = 0
    var h: UInt64
    if count >= 32 {
      var a = seed &+ p1 &+ p2
      var b = seed &+ p2
      var c = seed
      var d = seed &- p1
      while at &+ 32 <= count {
        a = round(a, word(at))
        b = round(b, word(at &+ 8))
        c = round(c, word(at &+ 16))
        d = round(d, word(at &+ 24))
        at &+= 32
      }
      h = rotate(a, 1) &+ rotate(b, 7) &+ rotate(c, 12) &+ rotate(d, 18)
      h = merge(merge(merge(merge(h, a), b), c), d)
    } else {
      h = seed &+ p5
    }
    h = h &+ UInt64(count)
    while at &+ 8 <= count {
      h = rotate(h ^ round(0, word(at)), 27) &* p1 &+ p4
      at &+= 8
    }
    if at &+ 4 <= count {
      h = rotate(h ^ (half(at) &* p1), 23) &* p2 &+ p3
      at &+= 4
    }
    while at < count {
      h = rotate(h ^ (UInt64(data[at]) &* p5), 11) &* p1
      at &+= 1
    }
    h = (h ^ (h >> 33)) &* p2
    h = (h ^ (h >> 29)) &* p3
    return h ^ (h >> 32)
  }
}
