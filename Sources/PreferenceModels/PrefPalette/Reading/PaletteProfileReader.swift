import PenchantKernels
import PenchantTrain

extension FittedPrefPalette {
  /// The value profile of every community on the texts that its pairs name, each text once.
  ///
  /// It is what this one model says. How far other pairs would have moved it, `PaletteRefits` finds out.
  public func profile(on data: PaletteData) throws -> PaletteProfile {
    try fits(data)
    let rows = try PaletteRows(data)
    let texts = try rows.texts(of: data)
    let prediction = try predict(texts, community: rows.community)
    var members = [[Int]](repeating: [], count: data.communities.count)
    for (row, community) in rows.community.enumerated() { members[Int(community)].append(row) }
    let communities = zip(data.communities, members).map { name, members in
      PaletteProfile.Community(
        community: name, texts: members.count,
        entries: attributes.indices.map { entry($0, members, texts, prediction) })
    }
    return PaletteProfile(attributes: attributes, communities: communities)
  }

  /// One attribute over the texts of a community.
  private func entry(
    _ i: Int, _ members: [Int], _ texts: PaletteTexts, _ prediction: Prediction
  ) -> PaletteProfile.Entry {
    let (K, n) = (texts.attributes, Double(members.count))
    var (s, squares, kappa, product, alpha, alphas) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for row in members {
      let place = row * K + i
      let (score, share) = (Double(texts.scores[place]), Double(prediction.alpha[place]))
      let contribution = Double(prediction.kappa[place])
      s += score
      squares += score * score
      kappa += contribution
      product += contribution * score
      alpha += share
      alphas += share * share
    }
    // 0 where the score does not vary.
    let variance = squares - s * s / n
    let varies = variance > 1e-9 * max(squares, 1e-300)
    return PaletteProfile.Entry(
      attribute: attributes[i], attention: alpha / n,
      attentionDeviation: max(0, alphas / n - alpha * alpha / (n * n)).squareRoot(),
      weight: members.isEmpty ? .nan : varies ? (product - kappa * s / n) / variance : 0, certainty: nil)
  }
}
