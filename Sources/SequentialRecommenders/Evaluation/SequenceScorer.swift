import PenchantKernels

/// A model that scores every item of a catalogue as the next one of a history.
public protocol SequenceScorer {
  /// Items of the catalogue, without padding.
  var itemCount: Int { get }

  /// Writes the scores of all items, row-major `[histories.count, itemCount]`; the score of item j stands in column j - 1.
  /// Higher is better; -infinity means never. `scores` has exactly that many floats.
  ///
  /// - Parameter histories: item ids (from 1), oldest first; possibly empty.
  func score(histories: [ArraySlice<Int32>], into scores: inout [Float]) throws

  /// The best `count` items for one history; places from 0 in the catalogue, best first.
  ///
  /// - Parameter excluded: places of items that are left out.
  /// - Throws: `KernelError` for a place that is not in the catalogue or a count that cannot be, and what the model throws.
  func top(_ count: Int, after history: ArraySlice<Int32>, excluding excluded: [UInt32]) throws -> RankedItems
}

extension SequenceScorer {
  /// By the scores of all items.
  public func top(
    _ count: Int, after history: ArraySlice<Int32>, excluding excluded: [UInt32]
  ) throws -> RankedItems {
    var scores = [Float](repeating: 0, count: itemCount)
    try score(histories: [history], into: &scores)
    return try topScores(count, of: scores, excluding: excluded)
  }
}

/// The best of one row of scores.
///
/// - Throws: `KernelError.value` for an excluded place that is not one of the scores.
func topScores(_ count: Int, of scores: [Float], excluding excluded: [UInt32]) throws(KernelError)
  -> RankedItems
{
  var mask = [UInt8](repeating: 1, count: scores.count)
  for place in excluded {
    guard Int(place) < scores.count else {
      throw .value("topScores", "an excluded place \(place) of a catalogue of \(scores.count) items")
    }
    mask[Int(place)] = 0
  }
  return try topScores(count, rows: 1, columns: scores.count, scores: scores.span, mask: mask.span)
}
