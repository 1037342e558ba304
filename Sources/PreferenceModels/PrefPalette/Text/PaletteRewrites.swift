/// Rewrites at five levels as texts in a row, for response curves.
struct PaletteRewrites {
  var texts: [String] = []
  var contexts: [String] = []
  var attribute: [Int] = []
  var level: [Int] = []
  /// The record.
  var source: [Int] = []

  /// nil without any.
  init?(_ records: [CounterfactualRecord], _ attributes: [Attribute]) {
    for (number, record) in records.enumerated() {
      for (place, name) in attributes.map(\.name).enumerated() {
        for level in Attribute.levelRange {
          guard let text = record[name, level] else { continue }
          texts.append(text)
          contexts.append(record.context)
          attribute.append(place)
          self.level.append(level)
          source.append(number)
        }
      }
    }
    if texts.isEmpty { return nil }
  }
}
