import PenchantKernels
import PenchantTrain

/// Pairs to show a person: of each community the one that the model is as sure of as of half of those it gets right, and
/// the surest mistake.
struct PaletteExamples {
  let explained: [PaletteResult.Explained]

  /// Communities that are shown at most.
  private static let limit = 8

  /// - Parameter pairs: those to choose from.
  init(_ fitted: TextPalette.Fitted, _ table: PaletteTable, _ pairs: [Int], communities: [String]) throws {
    let model = fitted.model.model
    let known = Set(communities)
    let rows = pairs.filter { known.contains(table.table.communities[table.table.community[$0]]) }
    let data = try table.data(
      rows, fitted.stage.texts, attributes: model.attributes, communities: communities)
    let margins = try model.margins(data)
    var picked: [Int] = []
    for community in communities.indices.prefix(Self.limit) {
      let right = margins.indices.filter { Int(data.community[$0]) == community && margins[$0] > 0 }
        .sorted { (margins[$0], $0) < (margins[$1], $1) }
      if !right.isEmpty { picked.append(right[right.count / 2]) }
    }
    if let wrong = margins.indices.min(by: { margins[$0] < margins[$1] }), margins[wrong] < 0 {
      picked.append(wrong)
    }
    explained = try picked.map { place in
      let pair = table.pairs[rows[place]]
      return PaletteResult.Explained(
        community: communities[Int(data.community[place])], context: pair.prompt, chosen: pair.chosen,
        rejected: pair.rejected,
        explanation: try model.explain(
          fitted.stage.texts, first: Int(data.chosen[place]), second: Int(data.rejected[place]),
          community: Int(data.community[place])))
    }
  }
}
