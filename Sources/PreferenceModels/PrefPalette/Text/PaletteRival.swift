import PenchantTrain

/// A model's margins on test pairs, ours or one that it stands beside.
struct PaletteRival: Sendable {
  var model: String
  var meaning: String
  var isOurs = false
  /// Whether sigmoid(margin) is a chance.
  var statesChances = true
  /// R(chosen) − R(rejected) of the test pairs, NaN where it says nothing.
  var margins: [Double]
}
