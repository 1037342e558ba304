/// A model that scores every item of a catalogue as the next one of a history.
public protocol SequenceScorer {
  /// Items of the catalogue, without padding.
  var itemCount: Int { get }

  /// Writes the scores of all items, row-major `[histories.count, itemCount]`; the score of item j stands in column j - 1.
  /// Higher is better; -infinity means never. `scores` has exactly that many floats.
  ///
  /// - Parameter histories: item ids (from 1), oldest first; possibly empty.
  func score(histories: [ArraySlice<Int32>], into scores: inout [Float]) throws
}
