import PenchantData
import PenchantKernels

extension FittedTextPalette {
  /// R(chosen) − R(rejected) of pairs, each under its community, in log-odds.
  public struct Margins: Sendable {
    public var withAttributes: [Double]
    /// The attribute branch left out.
    public var without: [Double]
    /// The content-only model that the content starts from.
    public var contentOnly: [Double]
  }

  /// Margins of pairs; a community that the model does not know counts as the mean of those that it does.
  public func margins(_ pairs: [PreferencePair]) throws -> Margins {
    let table = PaletteTable(pairs, configuration.features)
    let rows = Array(pairs.indices)
    let grown = try knowing(table.communities(rows)).model
    let texts = try tensors(table.table.texts, contexts: table.contexts)
    let data = try table.data(
      rows, texts, attributes: model.attributes,
      communities: grown.communities.isEmpty ? table.communities(rows) : grown.communities)
    let scores = try content.reward.score(table.table.texts)
    let contentOnly = rows.map { scores[table.table.chosen[$0]] - scores[table.table.rejected[$0]] }
    return Margins(
      withAttributes: try grown.margins(data), without: try grown.margins(data, use: false),
      contentOnly: contentOnly)
  }
}
