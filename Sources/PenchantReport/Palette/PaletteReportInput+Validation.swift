extension PaletteReportInput {
  /// Checks that the numbers belong together.
  ///
  /// - Throws: `PaletteReportError` with the place, what was expected and what was found.
  public func validate() throws(PaletteReportError) {
    try validateAccuracy()
    for entry in profiles {
      let place = "profile of \(entry.community), \(entry.attribute)"
      try Self.finite(place, entry.weight, entry.low, entry.high)
      try Self.share(place + ", attention", entry.attentionShare)
    }
    for curve in responses {
      let place = "response of \(curve.community), \(curve.attribute)"
      for level in curve.levels {
        guard (1...5).contains(level.level) else { throw .level(place: place, found: level.level) }
        try Self.finite(place, level.effect, level.low, level.high)
      }
    }
    for (index, pair) in explanations.enumerated() { try Self.validate(pair, number: index + 1) }
    for entry in drift {
      try Self.finite(
        "drift of \(entry.community), \(entry.attribute), \(entry.period)", entry.weight, entry.low,
        entry.high)
    }
    for head in heads {
      for score in head.scores { try Self.share("detector of \(head.attribute)", score.accuracy) }
      try Self.share("people on \(head.attribute)", head.people?.accuracy)
      try Self.finite("people on \(head.attribute)", head.people?.low, head.people?.high)
    }
    if let crossReaction { try Self.validate(crossReaction, "cross reaction") }
    if let correlation {
      try Self.validate(correlation.matrix, "correlation")
      try Self.count("VIF", correlation.matrix.attributes.count, correlation.vif.count)
      for value in correlation.vif { try Self.finite("VIF", value) }
    }
  }

  private func validateAccuracy() throws(PaletteReportError) {
    for row in accuracy?.rows ?? [] {
      try Self.count("accuracy of \(row.model)", accuracy?.testSets.count ?? 0, row.shares.count)
      for share in row.shares {
        try Self.share("accuracy of \(row.model)", share?.value)
        try Self.finite("accuracy of \(row.model)", share?.low, share?.high)
      }
    }
    for entry in calibration {
      try Self.finite("Brier score of \(entry.model)", entry.brier)
      for bin in entry.bins {
        try Self.share("calibration of \(entry.model)", bin.stated)
        try Self.share("calibration of \(entry.model)", bin.right)
      }
    }
  }

  private static func validate(_ pair: Explanation, number: Int) throws(PaletteReportError) {
    let place = "explained pair \(number)"
    try finite(place, pair.content, pair.total)
    for part in pair.parts { try finite("\(place), \(part.attribute)", part.contribution) }
    try share(place + ", probability", pair.probability)
    let sum = pair.parts.reduce(pair.content) { $0 + $1.contribution }
    // float32 sums of K parts: 1e-5 each, with room.
    guard abs(sum - pair.total) <= 1e-4 * (1 + abs(pair.total)) else {
      throw .sum(place: place, parts: sum, total: pair.total)
    }
  }

  private static func validate(_ matrix: Matrix, _ place: String) throws(PaletteReportError) {
    try count(place + ", rows", matrix.attributes.count, matrix.values.count)
    for (name, row) in zip(matrix.attributes, matrix.values) {
      try count("\(place), row \(name)", matrix.attributes.count, row.count)
      for value in row { try finite("\(place), row \(name)", value) }
    }
  }

  private static func count(_ place: String, _ expected: Int, _ found: Int) throws(PaletteReportError) {
    guard expected == found else { throw .count(place: place, expected: expected, found: found) }
  }

  private static func finite(_ place: String, _ values: Double?...) throws(PaletteReportError) {
    for case let value? in values where !value.isFinite { throw .notFinite(place: place) }
  }

  private static func share(_ place: String, _ value: Double?) throws(PaletteReportError) {
    guard let value else { return }
    guard value.isFinite else { throw .notFinite(place: place) }
    guard (0...1).contains(value) else { throw .notAShare(place: place, found: value) }
  }
}
