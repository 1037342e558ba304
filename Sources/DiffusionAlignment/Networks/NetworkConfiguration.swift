import PenchantTrain

/// Which network, and how large.
public struct NetworkConfiguration: Sendable, Equatable, Codable {
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// Layers for points, a UNet for pictures.
    case automatic
    /// ``PointNetwork``.
    case layers
    /// ``UNet``.
    case unet
  }

  public var kind = Kind.automatic
  /// Time features.
  public var timeWidth = 64
  /// Layers: width and number of the hidden ones, width of a class.
  public var width = 128
  public var layers = 3
  public var classWidth = 16
  /// UNet: channels of each level, the finest first; a level halves height and width. Empty: levels and attention
  /// by the pictures' size, down to seven pixels or fewer.
  public var channels: [Int] = []
  /// UNet: residual blocks of a level and side.
  public var blocks = 1
  /// UNet: levels with attention over all pixels, 0 is the finest.
  public var attention: [Int] = []
  public var heads = 2
  /// UNet: groups of a norm; the channels of every level are a multiple.
  public var groups = 8
  /// UNet: width of what time and class are turned into.
  public var embedding = 64

  public init() {}

  /// - Throws: `ConfigurationError` naming the setting.
  public func validate() throws(ConfigurationError) {
    try checkSetting(timeWidth >= 2, "network.time_width", "at least 2", timeWidth)
    try checkSetting(width >= 1, "network.width", "at least 1", width)
    try checkSetting(layers >= 1, "network.layers", "at least 1", layers)
    try checkSetting(classWidth >= 1, "network.class_width", "at least 1", classWidth)
    try checkSetting(
      channels.allSatisfy { $0 >= 1 }, "network.channels", "a list of positive numbers", channels)
    try checkSetting(blocks >= 1, "network.blocks", "at least 1", blocks)
    try checkSetting(
      attention.allSatisfy(channels.indices.contains), "network.attention",
      channels.isEmpty
        ? "empty as network.channels is: levels follow from the pictures" : "levels below \(channels.count)",
      attention)
    try checkSetting(embedding >= 1, "network.embedding", "at least 1", embedding)
    try checkSetting(heads >= 1, "network.heads", "at least 1", heads)
    try checkSetting(groups >= 1, "network.groups", "at least 1", groups)
  }

  private func known(for shape: SampleShape) -> Kind {
    kind == .automatic ? (shape.isPoint ? .layers : .unet) : kind
  }

  /// The same with levels and attention for samples of a shape, where they were left open.
  func sized(for shape: SampleShape) -> NetworkConfiguration {
    guard channels.isEmpty, known(for: shape) == .unet else { return self }
    var sized = self
    var side = shape.height
    sized.channels = [16]
    while side > 7, side % 2 == 0, let width = sized.channels.last {
      side /= 2
      sized.channels.append(min(2 * width, 64))
    }
    // Attention compares all pixels with all others.
    sized.attention = side <= 16 ? [sized.channels.count - 1] : []
    return sized
  }

  /// The kind for samples of a shape.
  ///
  /// - Throws: `ConfigurationError` when pictures cannot be halved as often as there are levels.
  func resolved(for shape: SampleShape) throws(ConfigurationError) -> Kind {
    let kind = known(for: shape)
    guard kind == .unet else { return kind }
    let halvings = 1 << min(max(channels.count, 1) - 1, 16)
    if shape.height != shape.width || shape.height % halvings != 0 {
      throw ConfigurationError(
        "network.channels has \(channels.count) levels: pictures must be square, with sides that are multiples of \(halvings); found \(shape)"
      )
    }
    if let width = channels.first(where: { $0 % groups != 0 || $0 % heads != 0 }) {
      throw ConfigurationError(
        "network.channels must be multiples of network.groups (\(groups)) and network.heads (\(heads)), found \(width)"
      )
    }
    return kind
  }
}
