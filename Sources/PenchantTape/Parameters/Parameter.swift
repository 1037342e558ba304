/// One named array of a layout: a handle that layers keep.
public struct Parameter: Sendable, Equatable, Hashable {
  /// Its name in files, as `"blocks.0.attention.qkv.weight"`.
  public let name: String
  public let shape: Shape
  /// First float in the buffer; slots start at 64 bytes.
  public let offset: Int

  public var count: Int { shape.count }
}
