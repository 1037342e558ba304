import PenchantTrain

/// The section `text` of a configuration: whether items are learnt one by one, or made from what is written of them.
///
/// Items that are made from texts share what is learnt, so that rare items gain from common ones that read alike.
public struct ItemText: Codable, Sendable, Equatable {
  public enum Form: String, Codable, Sendable, CaseIterable {
    /// A row of its own for every item.
    case none
    /// Two layers over the vector of a text, scored by inner products (MoRec: Yuan et al. 2023).
    case morec
    /// A mixture of whitened views of the vector, scored by cosines (UniSRec: Hou et al. 2022).
    case unisrec
  }

  public var form = Form.none
  /// The Hugging Face folder of a sentence encoder; "" for the built-in vectors.
  public var encoder = ""
  /// Numbers of a built-in vector.
  public var width = 256
  /// Views that UniSRec mixes.
  public var experts = 8
  /// What UniSRec divides cosines by.
  public var temperature = 0.07
  public init() {}

  func validate() throws(ConfigurationError) {
    try checkSetting((1...8192).contains(width), "text.width", "1 to 8192", width)
    try checkSetting((1...64).contains(experts), "text.experts", "1 to 64", experts)
    try checkSetting(
      temperature >= 1e-3 && temperature <= 1e3, "text.temperature", "0.001 to 1000", temperature)
    try checkSetting(
      form != .none || encoder.isEmpty, "text.encoder", "empty where text.form is none", encoder)
  }
}
