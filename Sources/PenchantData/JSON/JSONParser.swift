/// What is not JSON, and where.
public struct JSONError: Error, Sendable, Equatable {
  /// Offset from the start of the bytes.
  public let byte: Int
  public let problem: String
}

extension JSONValue {
  /// Reads one document.
  ///
  /// Strict: no duplicate keys in an object, no lone surrogates, no NaN or Infinity, no numbers that overflow, no
  /// comments or trailing commas, nothing behind the document, at most `depthLimit` levels. Time is linear in the
  /// bytes.
  ///
  /// - Parameter bytes: UTF-8 that has been checked, as lines of a `LineReader` are. Otherwise ill-formed parts of
  ///   strings are replaced by U+FFFD.
  public init(parsing bytes: Span<UInt8>, depthLimit: Int = 64) throws(JSONError) {
    var parser = JSONParser(depthLimit: depthLimit)
    self = try parser.document(bytes)
  }

  /// Reads one document from a string.
  public init(parsing text: String, depthLimit: Int = 64) throws(JSONError) {
    try self.init(parsing: Array(text.utf8).span, depthLimit: depthLimit)
  }
}

/// The steps of the grammar, each on the bytes at `at`. The header of a safetensors file is read with the same steps, so
/// that it is never held as a document.
struct JSONParser {
  let depthLimit: Int
  var at = 0

  init(depthLimit: Int) { self.depthLimit = depthLimit }

  mutating func document(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
    skipSpace(bytes)
    guard at < bytes.count else { throw JSONError(byte: at, problem: "there is nothing to read") }
    let value = try value(bytes, depth: 0)
    skipSpace(bytes)
    guard at == bytes.count else {
      throw JSONError(byte: at, problem: "there is more text after the end of the document")
    }
    return value
  }

  func failure(_ problem: String) -> JSONError { JSONError(byte: at, problem: problem) }

  mutating func skipSpace(_ bytes: Span<UInt8>) {
    while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09 {
      at += 1
    }
  }

  private mutating func value(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) -> JSONValue {
    guard at < bytes.count else { throw failure("the text ends where a value should stand") }
    switch bytes[at] {
    case UInt8(ascii: "\""): return .string(try string(bytes))
    case UInt8(ascii: "{"): return .object(try object(bytes, depth: depth + 1))
    case UInt8(ascii: "["): return .array(try array(bytes, depth: depth + 1))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number(bytes)
    case UInt8(ascii: "t") where word("true", bytes): return .bool(true)
    case UInt8(ascii: "f") where word("false", bytes): return .bool(false)
    case UInt8(ascii: "n") where word("null", bytes): return .null
    case UInt8(ascii: "N"), UInt8(ascii: "I"):
      throw failure("NaN and Infinity are not JSON; write null or leave the field out")
    case UInt8(ascii: "'"): throw failure("strings stand in double quotes")
    default: throw failure("a value cannot start here")
    }
  }

  private mutating func word(_ text: StaticString, _ bytes: Span<UInt8>) -> Bool {
    guard at + text.utf8CodeUnitCount <= bytes.count else { return false }
    let matches = text.withUTF8Buffer { letters in
      for k in letters.indices where bytes[at + k] != letters[k] { return false }
      return true
    }
    if matches { at += text.utf8CodeUnitCount }
    return matches
  }

  private mutating func array(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) -> [JSONValue] {
    guard depth <= depthLimit else {
      throw failure("lists and objects are nested deeper than \(depthLimit) levels")
    }
    at += 1
    var values: [JSONValue] = []
    skipSpace(bytes)
    if at < bytes.count, bytes[at] == UInt8(ascii: "]") {
      at += 1
      return values
    }
    while true {
      skipSpace(bytes)
      values.append(try value(bytes, depth: depth))
      skipSpace(bytes)
      guard at < bytes.count else { throw failure("the text ends inside a list") }
      if bytes[at] == UInt8(ascii: "]") {
        at += 1
        return values
      }
      guard bytes[at] == UInt8(ascii: ",") else { throw failure("a comma or ] should stand here") }
      at += 1
    }
  }

  private mutating func object(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) -> JSONObject {
    guard depth <= depthLimit else {
      throw failure("lists and objects are nested deeper than \(depthLimit) levels")
    }
    at += 1
    var object = JSONObject()
    // A scan finds duplicates among few keys, a set among many: a hostile header must not cost quadratic time.
    var seen: Set<String> = []
    skipSpace(bytes)
    if at < bytes.count, bytes[at] == UInt8(ascii: "}") {
      at += 1
      return object
    }
    while true {
      skipSpace(bytes)
      guard at < bytes.count else { throw failure("the text ends inside an object") }
      guard bytes[at] == UInt8(ascii: "\"") else { throw failure("a key in double quotes should stand here") }
      let start = at
      let key = try string(bytes)
      if object.count == 16 { seen = Set(object.keys) }
      let isNew = object.count < 16 ? !object.keys.contains(key) : seen.insert(key).inserted
      guard isNew else {
        throw JSONError(byte: start, problem: "the key \"\(clipped(key, 40))\" stands twice in one object")
      }
      skipSpace(bytes)
      guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else {
        throw failure("a colon should stand after the key")
      }
      at += 1
      skipSpace(bytes)
      object.append(key, try value(bytes, depth: depth))
      skipSpace(bytes)
      guard at < bytes.count else { throw failure("the text ends inside an object") }
      if bytes[at] == UInt8(ascii: "}") {
        at += 1
        return object
      }
      guard bytes[at] == UInt8(ascii: ",") else { throw failure("a comma or } should stand here") }
      at += 1
    }
  }

  mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> String {
    let open = at
    at += 1
    var run = at
    var unescaped: [UInt8] = []
    while at < bytes.count {
      let byte = bytes[at]
      if byte == UInt8(ascii: "\"") {
        let tail = bytes.extracting(run..<at)
        at += 1
        if unescaped.isEmpty { return tail.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) } }
        tail.withUnsafeBufferPointer { unescaped.append(contentsOf: $0) }
        return String(decoding: unescaped, as: UTF8.self)
      }
      if byte == UInt8(ascii: "\\") {
        bytes.extracting(run..<at).withUnsafeBufferPointer { unescaped.append(contentsOf: $0) }
        try escape(bytes, into: &unescaped)
        run = at
        continue
      }
      guard byte >= 0x20 else { throw failure("control characters in a string must be escaped") }
      at += 1
    }
    throw JSONError(byte: open, problem: "this string is not closed")
  }

  private mutating func escape(_ bytes: Span<UInt8>, into text: inout [UInt8]) throws(JSONError) {
    guard at + 1 < bytes.count else { throw failure("the text ends inside an escape") }
    let start = at
    at += 2
    switch bytes[start + 1] {
    case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
    case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
    case UInt8(ascii: "/"): text.append(UInt8(ascii: "/"))
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = try fourDigits(bytes)
      if (0xD800..<0xDC00).contains(code), at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"),
        bytes[at + 1] == UInt8(ascii: "u")
      {
        at += 2
        let low = try fourDigits(bytes)
        guard (0xDC00..<0xE000).contains(low) else {
          throw JSONError(byte: start, problem: "half of a surrogate pair stands alone")
        }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else {
        throw JSONError(byte: start, problem: "half of a surrogate pair stands alone")
      }
      text.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
    default: throw JSONError(byte: start, problem: "there is no such escape")
    }
  }

  private mutating func fourDigits(_ bytes: Span<UInt8>) throws(JSONError) -> UInt32 {
    guard at + 4 <= bytes.count else { throw failure("the text ends inside an escape") }
    var code: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch bytes[at] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[at] - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[at] - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[at] - UInt8(ascii: "A") + 10
      default: throw failure("four hexadecimal digits should stand after \\u")
      }
      code = code << 4 | UInt32(digit)
      at += 1
    }
    return code
  }

  mutating func number(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
    let start = at
    var isInteger = true
    if bytes[at] == UInt8(ascii: "-") { at += 1 }
    guard at < bytes.count, isDigit(bytes[at]) else { throw failure("a digit should stand here") }
    if bytes[at] == UInt8(ascii: "0") {
      at += 1
      if at < bytes.count, isDigit(bytes[at]) { throw failure("numbers do not start with 0") }
    } else {
      skipDigits(bytes)
    }
    if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
      isInteger = false
      at += 1
      guard at < bytes.count, isDigit(bytes[at]) else {
        throw failure("a digit should stand after the point")
      }
      skipDigits(bytes)
    }
    if at < bytes.count, bytes[at] == UInt8(ascii: "e") || bytes[at] == UInt8(ascii: "E") {
      isInteger = false
      at += 1
      if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
      guard at < bytes.count, isDigit(bytes[at]) else {
        throw failure("a digit should stand in the exponent")
      }
      skipDigits(bytes)
    }
    let text = bytes.extracting(start..<at).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw JSONError(byte: start, problem: "the number \(clipped(text, 24)) is too large")
    }
    return .number(value)
  }

  private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private mutating func skipDigits(_ bytes: Span<UInt8>) {
    while at < bytes.count, isDigit(bytes[at]) { at += 1 }
  }
}
