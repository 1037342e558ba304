import Foundation

/// The uncased or cased WordPiece tokenizer of BERT models, with the vocabulary of a `vocab.txt` file.
///
/// Text is cleaned (control characters dropped, white space made blanks), blanks are put around CJK characters, accents
/// are stripped after canonical decomposition and letters lower-cased (if the model is uncased), words are split at
/// white space and around punctuation, and each word is cut into the longest pieces of the vocabulary. Special tokens
/// that stand in the text, as `[SEP]`, are read as plain text.
public struct WordPieceTokenizer: Sendable {
  /// Words with more characters become `[UNK]`.
  static let longestWord = 100

  public let vocabularySize: Int
  public let lowercases: Bool
  public let unknown: UInt32
  public let start: UInt32
  public let end: UInt32

  /// Bytes of all pieces, one behind the other, without `##`.
  private let bytes: [UInt8]
  private let places: [Range<Int>]
  /// Hash of a piece's bytes to its number; a continuation (`##…`) hashes from another start.
  private let pieces: [UInt64: UInt32]
  private let longestPiece: Int

  private static let continuation: UInt64 = 0x9E37_79B9_7F4A_7C15
  private static let beginning: UInt64 = 0xCBF2_9CE4_8422_2325

  /// Reads a `vocab.txt`: one piece a line, numbered from 0.
  ///
  /// - Throws: `DataError` when it cannot be read, a special token is missing, or a piece stands twice.
  public init(vocabulary path: String, lowercases: Bool = true) throws(DataError) {
    var reader = try LineReader(path, lineLimit: 4096)
    var list: [String] = []
    while let line = try reader.next() { list.append(line) }
    try self.init(pieces: list, lowercases: lowercases, file: path)
  }

  /// - Parameter pieces: the vocabulary; a piece's place is its number.
  public init(pieces list: [String], lowercases: Bool = true, file: String = "vocabulary") throws(DataError) {
    var bytes: [UInt8] = []
    var places: [Range<Int>] = []
    var pieces: [UInt64: UInt32] = [:]
    pieces.reserveCapacity(list.count)
    var longest = 0
    for (number, piece) in list.enumerated() {
      let isContinuation = piece.utf8.count > 2 && piece.utf8.starts(with: "##".utf8)
      let first = bytes.count
      bytes.append(contentsOf: piece.utf8.dropFirst(isContinuation ? 2 : 0))
      places.append(first..<bytes.count)
      longest = max(longest, bytes.count - first)
      var hash = isContinuation ? Self.continuation : Self.beginning
      for byte in bytes[first...] { hash = Self.step(hash, byte) }
      guard pieces.updateValue(UInt32(number), forKey: hash) == nil else {
        throw DataError(
          file: file, line: number + 1, "the piece \"\(clipped(piece))\" stands twice",
          repair: "use the vocab.txt of the model")
      }
    }
    func special(_ name: String) throws(DataError) -> UInt32 {
      guard let place = list.firstIndex(of: name) else {
        throw DataError(
          file: file, field: name, "the piece \"\(name)\" is missing",
          expected: "a BERT vocabulary, one piece a line",
          found: "found \(list.count) lines", repair: "use the vocab.txt of the model")
      }
      return UInt32(place)
    }
    unknown = try special("[UNK]")
    start = try special("[CLS]")
    end = try special("[SEP]")
    vocabularySize = list.count
    self.lowercases = lowercases
    self.bytes = bytes
    self.places = places
    self.pieces = pieces
    longestPiece = longest
  }

  private static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
    (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
  }

  /// `[CLS]`, the pieces of the text cut to fit, `[SEP]`; at most `limit` numbers (2 or more).
  public func encode(_ text: String, limit: Int = 256) -> [UInt32] {
    let room = max(limit, 2) - 2
    var ids: [UInt32] = [start]
    for word in words(text) {
      guard ids.count - 1 < room else { break }
      append(word, to: &ids)
    }
    if ids.count - 1 > room { ids.removeLast(ids.count - 1 - room) }
    ids.append(end)
    return ids
  }

  /// The pieces of one word: at each place the longest one that the vocabulary has.
  private func append(_ word: [UInt8], to ids: inout [UInt32]) {
    let before = ids.count
    guard word.count <= Self.longestWord || word.count(where: { $0 & 0xC0 != 0x80 }) <= Self.longestWord
    else {
      ids.append(unknown)
      return
    }
    var first = 0
    while first < word.count {
      var hash = first == 0 ? Self.beginning : Self.continuation
      var found: (id: UInt32, end: Int)?
      for place in first..<min(word.count, first + longestPiece) {
        hash = Self.step(hash, word[place])
        if let id = pieces[hash], bytes[places[Int(id)]].elementsEqual(word[first...place]) {
          found = (id, place + 1)
        }
      }
      guard let found else {
        ids.removeLast(ids.count - before)
        ids.append(unknown)
        return
      }
      ids.append(found.id)
      first = found.end
    }
  }

  /// Words and punctuation marks after cleaning, as UTF-8.
  func words(_ text: String) -> [[UInt8]] {
    var words: [[UInt8]] = []
    var word: [UInt8] = []
    func finish() {
      guard !word.isEmpty else { return }
      words.append(word)
      word.removeAll(keepingCapacity: true)
    }
    func add(_ scalar: Unicode.Scalar) {
      if scalar.value < 0x80 {
        word.append(UInt8(scalar.value))
      } else {
        word.append(contentsOf: UTF8.encode(scalar) ?? .init())
      }
    }
    // Decomposition changes nothing in ASCII.
    let isASCII = text.utf8.allSatisfy { $0 < 0x80 }
    let decomposed = isASCII || !lowercases ? text : text.decomposedStringWithCanonicalMapping
    for scalar in decomposed.unicodeScalars {
      switch Kind(scalar) {
      case .dropped: continue
      case .space: finish()
      case .mark:
        if !lowercases { add(scalar) }
      case .alone:
        finish()
        add(scalar)
        finish()
      case .letter:
        if !lowercases {
          add(scalar)
        } else if scalar.value < 0x80 {
          word.append(UInt8(scalar.value) | ((0x41...0x5A).contains(scalar.value) ? 0x20 : 0))
        } else {
          for lower in scalar.properties.lowercaseMapping.unicodeScalars { add(lower) }
        }
      }
    }
    finish()
    return words
  }

  private enum Kind {
    case dropped, space, mark, alone, letter

    init(_ scalar: Unicode.Scalar) {
      switch scalar.value {
      case 0x09, 0x0A, 0x0D, 0x20: self = .space
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: self = .letter
      case 0x21...0x7E: self = .alone
      case 0..<0x80, 0xFFFD: self = .dropped
      case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
        0x2B920...0x2CEAF,
        0xF900...0xFAFF, 0x2F800...0x2FA1F:
        self = .alone
      default:
        switch scalar.properties.generalCategory {
        case .control, .format, .privateUse: self = .dropped
        case .nonspacingMark: self = .mark
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
          .initialPunctuation,
          .finalPunctuation, .otherPunctuation:
          self = .alone
        default: self = scalar.properties.isWhitespace ? .space : .letter
        }
      }
    }
  }
}
