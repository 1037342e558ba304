import CPenchant

/// What the preference model reads of N texts: content, K attribute representations, K standardised scores.
public struct PaletteTexts: Sendable, Equatable {
  /// Representations as they are stored; bfloat16 halves the memory (0.1 of a typical noise in error).
  public enum Representations: Sendable, Equatable {
    case float([Float])
    case bfloat16([UInt16])

    public var count: Int {
      switch self {
      case .float(let values): values.count
      case .bfloat16(let values): values.count
      }
    }
  }

  public let count: Int
  /// d, K and m.
  public let contentWidth, attributes, width: Int
  /// `[N, d]`
  public let content: [Float]
  /// `[N, K, m]`
  public let representations: Representations
  /// `[N, K]`
  public let scores: [Float]
  /// `[N, K]`, 1 = the attribute is known; nil: all are.
  public let mask: [UInt8]?

  /// - Throws: `KernelError.shape` when a count does not fit the others.
  public init(
    contentWidth: Int, attributes: Int, width: Int, content: [Float], representations: Representations,
    scores: [Float], mask: [UInt8]? = nil
  ) throws(KernelError) {
    guard contentWidth > 0, attributes > 0, width > 0, content.count % contentWidth == 0 else {
      throw .shape(
        "PaletteTexts",
        "\(content.count) values of content \(contentWidth), \(attributes) attributes of \(width)")
    }
    count = content.count / contentWidth
    try require(representations.count, "representations", is: count * attributes * width, "PaletteTexts")
    try require(scores.count, "scores", is: count * attributes, "PaletteTexts")
    if let mask { try require(mask.count, "mask", is: count * attributes, "PaletteTexts") }
    self.contentWidth = contentWidth
    self.attributes = attributes
    self.width = width
    self.content = content
    self.representations = representations
    self.scores = scores
    self.mask = mask
  }

  /// Representation i of text n as float, `[m]`.
  public func representation(_ n: Int, _ i: Int) -> [Float] {
    let range = (n * attributes + i) * width..<(n * attributes + i + 1) * width
    return switch representations {
    case .float(let values): Array(values[range])
    case .bfloat16(let values): values[range].map { Float(bitPattern: UInt32($0) << 16) }
    }
  }

  /// The same texts with representations rounded to bfloat16 (to nearest, ties to even).
  public func halved() throws(KernelError) -> PaletteTexts {
    guard case .float(let values) = representations else { return self }
    let half = values.map { value -> UInt16 in
      let bits = value.bitPattern
      return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }
    return try PaletteTexts(
      contentWidth: contentWidth, attributes: attributes, width: width, content: content,
      representations: .bfloat16(half), scores: scores, mask: mask)
  }

  func withC(
    _ body: (UnsafePointer<pn_palette_texts>) throws(KernelError) -> Void
  ) throws(KernelError) {
    let (floats, halves): ([Float], [UInt16]) =
      switch representations {
      case .float(let values): (values, [])
      case .bfloat16(let values): ([], values)
      }
    let (content, floatSpan, halfSpan, scores) = (
      address(content.span), address(floats.span), address(halves.span), address(self.scores.span)
    )
    var texts = pn_palette_texts(count: count, h: content, E: floatSpan, E16: halfSpan, s: scores, mask: nil)
    if let mask {
      texts.mask = address(mask.span)
      try withExtendedLifetime(mask) { () throws(KernelError) in try body(&texts) }
    } else {
      try body(&texts)
    }
    withExtendedLifetime((self.content, floats, halves, self.scores)) {}
  }
}

extension PaletteTexts {
  /// Texts `rows`, one after the other.
  ///
  /// - Throws: `KernelError.value` for a row that is not there.
  public func gather(_ rows: [Int]) throws(KernelError) -> PaletteTexts {
    if let far = rows.first(where: { !(0..<count).contains($0) }) {
      throw .value("PaletteTexts.gather", "row \(far) of \(count)")
    }
    func take<Element>(_ values: [Element], _ length: Int) -> [Element] {
      var result: [Element] = []
      result.reserveCapacity(rows.count * length)
      for row in rows { result.append(contentsOf: values[row * length..<(row + 1) * length]) }
      return result
    }
    let cells = attributes * width
    let taken: Representations =
      switch representations {
      case .float(let values): .float(take(values, cells))
      case .bfloat16(let values): .bfloat16(take(values, cells))
      }
    return try PaletteTexts(
      contentWidth: contentWidth, attributes: attributes, width: width, content: take(content, contentWidth),
      representations: taken, scores: take(scores, attributes), mask: mask.map { take($0, attributes) })
  }
}
