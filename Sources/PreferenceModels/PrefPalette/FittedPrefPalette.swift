import PenchantKernels
import PenchantTrain

/// A preference model with its parameters.
public struct FittedPrefPalette: Sendable {
  public static let system = "prefpalette"

  public let configuration: PrefPaletteConfiguration
  public let seed: UInt64
  public let shape: PaletteShape
  /// Names of the attributes, in the order of the tensors.
  public let attributes: [String]
  /// Empty when nothing belongs to a community.
  public let communities: [String]
  /// One vector; `shape` says where everything lies.
  public let parameters: [Float]
  /// How the training went.
  public var state: TrainingState

  public init(
    configuration: PrefPaletteConfiguration, seed: UInt64, shape: PaletteShape, attributes: [String],
    communities: [String], parameters: [Float], state: TrainingState
  ) throws(ConfigurationError) {
    guard parameters.count == shape.count, attributes.count == shape.attributes,
      communities.count == shape.communities
    else {
      throw ConfigurationError(
        "\(parameters.count) parameters, \(attributes.count) attributes and \(communities.count) communities; "
          + "the shape has \(shape.count), \(shape.attributes) and \(shape.communities)")
    }
    self.configuration = configuration
    self.seed = seed
    self.shape = shape
    self.attributes = attributes
    self.communities = communities
    self.parameters = parameters
    self.state = state
  }

  /// What the model says of texts.
  public struct Prediction: Sendable, Codable, Equatable {
    /// In nats of log-odds; differences between texts of one post count.
    public var utility: [Float]
    /// Attention `[N, K]`; rows sum to 1.
    public var alpha: [Float]
    /// What each attribute adds to the utility, `[N, K]`.
    public var kappa: [Float]
  }

  /// Utilities, attention and contributions of texts, all under one community or each under its own.
  ///
  /// - Parameter community: `[N]`, or one value for all, or empty in a model without communities.
  public func predict(
    _ texts: PaletteTexts, community: [UInt32] = [], use: Bool = true
  ) throws(KernelError) -> Prediction {
    let communities =
      community.count == 1 ? [UInt32](repeating: community[0], count: texts.count) : community
    let cells = texts.count * shape.attributes
    var (u, a) = ([Float](repeating: 0, count: texts.count), [Float](repeating: 0, count: cells))
    var k = a
    var utility = u.mutableSpan
    var alpha = a.mutableSpan
    var kappa = k.mutableSpan
    try shape.utility(
      texts, community: communities.span, use: use, parameters: parameters.span, utility: &utility,
      alpha: &alpha, kappa: &kappa)
    return Prediction(utility: u, alpha: a, kappa: k)
  }

  /// Utilities of every text under every community, `[N, C]`.
  public func utilities(_ texts: PaletteTexts, use: Bool = true) throws(KernelError) -> [Float] {
    var result = [Float](repeating: 0, count: texts.count * shape.communities)
    var span = result.mutableSpan
    try shape.utilities(texts, use: use, parameters: parameters.span, into: &span)
    return result
  }

  /// R(chosen) - R(rejected) of every pair, under its community.
  public func margins(_ data: PaletteData, use: Bool = true) throws -> [Double] {
    try fits(data)
    let pairs = try PaletteRows(data)
    let utility = try predict(pairs.texts(of: data), community: pairs.community, use: use).utility
    return (0..<data.count).map { Double(utility[pairs.chosen[$0]]) - Double(utility[pairs.rejected[$0]]) }
  }

  /// The place of a community by its name.
  public func community(_ name: String) throws(ConfigurationError) -> Int {
    guard let index = communities.firstIndex(of: name) else {
      throw ConfigurationError(
        "no community \"\(name)\" in the model; it has \(communities.prefix(8).joined(separator: ", "))"
          + (communities.count > 8 ? " and \(communities.count - 8) more" : ""))
    }
    return index
  }

  /// - Throws: `ConfigurationError` unless the data have the model's attributes and communities, in its order.
  func fits(_ data: PaletteData) throws(ConfigurationError) {
    guard data.attributes == attributes else {
      throw ConfigurationError(
        "the data have the attributes \(data.attributes.joined(separator: ", ")), the model "
          + attributes.joined(separator: ", "))
    }
    guard shape.communities == 0 || data.communities == communities else {
      throw ConfigurationError(
        "the data have \(data.communities.count) communities, the model \(communities.count), or in another order"
      )
    }
  }
}
