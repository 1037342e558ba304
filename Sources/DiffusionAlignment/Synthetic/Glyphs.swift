import PenchantKernels

/// Pictures of simple shapes at drawn places, sizes and hues; the form is the class. What can be preferred in
/// them (`PictureReward`) is known exactly from the `Glyph`.
public struct Glyphs: Sendable, Hashable {
  public let side: Int
  /// 1 (white on black) or 3 (a pure hue on black).
  public let channels: Int

  private enum Stream {
    static let form: UInt64 = 0x474C_5950_0000_0000
    static let place: UInt64 = 0x474C_5950_0000_0001
  }
  /// Radii are drawn between these parts of the side.
  static let radii = 0.18...0.34
  private static let drawsEach = 4

  /// - Throws: `KernelError.value` unless the side is 8 to 256 pixels and the channels are 1 or 3.
  public init(side: Int = 24, channels: Int = 1) throws(KernelError) {
    guard 8...256 ~= side, channels == 1 || channels == 3 else {
      throw .value(
        "Glyphs",
        "a side of \(side) pixels and \(channels) channels; 8 to 256 pixels and 1 or 3 channels are possible")
    }
    self.side = side
    self.channels = channels
  }

  /// `count` glyphs that lie whole in the picture; glyph i is a function of the seed and i.
  ///
  /// - Throws: `KernelError.value` for a negative count or above 2^24.
  public func glyphs(_ count: Int, seed: UInt64) throws(KernelError) -> [Glyph] {
    guard 0...(1 << 24) ~= count else { throw .value("Glyphs", "\(count) glyphs") }
    var forms = [UInt32](repeating: 0, count: count)
    var stream = RandomStream(seed: seed, stream: Stream.form)
    var span = forms.mutableSpan
    try stream.integers(below: UInt32(Glyph.Form.allCases.count), into: &span)
    var places = RandomStream(seed: seed, stream: Stream.place)
    let u = try places.uniforms(Self.drawsEach * count)
    return (0..<count).map { index in
      let draws = u[(Self.drawsEach * index)..<(Self.drawsEach * (index + 1))].map(Double.init)
      let side = Double(side)
      let radius = side * (Self.radii.lowerBound + (Self.radii.upperBound - Self.radii.lowerBound) * draws[0])
      let room = side - 2 * radius
      return Glyph(
        form: Glyph.Form.allCases[Int(forms[index])], x: radius + room * draws[1],
        y: radius + room * draws[2],
        radius: radius, hue: draws[3])
    }
  }

  /// Glyphs as pictures with their forms as classes.
  ///
  /// - Throws: `KernelError.value` for more than 2^30 values.
  public func pictures(_ glyphs: [Glyph]) throws(KernelError) -> SampleSet {
    let shape = SampleShape(height: side, width: side, channels: channels)
    guard glyphs.count <= (1 << 30) / shape.count else {
      throw .value(
        "Glyphs", "\(glyphs.count) pictures of \(shape); at most \((1 << 30) / shape.count) are drawn")
    }
    var values: [Float] = []
    values.reserveCapacity(glyphs.count * shape.count)
    for glyph in glyphs { values += glyph.draw(side: side, channels: channels) }
    return SampleSet(
      shape: shape, values: values, classes: glyphs.map { Glyph.Form.allCases.firstIndex(of: $0.form) ?? 0 },
      classNames: Glyph.Form.allCases.map(\.rawValue))
  }

  /// `count` pictures; picture i is a function of the seed and i.
  public func samples(_ count: Int, seed: UInt64) throws(KernelError) -> SampleSet {
    try pictures(glyphs(count, seed: seed))
  }
}
