import PenchantTape

/// A network that gives every token of a batch its numbers: logits of what was drawn there, or a value.
///
/// A policy and its critic read the same rows. How rows are made is the business of whoever draws the
/// answers: features of a prefix, or sequences that a transformer reads at once.
public protocol TokenNetwork {
  /// What the rows of a batch are computed from.
  associatedtype Rows
  /// Handles of the inputs that `feed` sets.
  associatedtype Inputs

  /// Numbers a row: classes of a policy, 1 for a critic.
  var outputs: Int { get }

  /// Records the network over `count` rows; the output is `[count, outputs]`.
  func record(_ count: Int, on tape: Tape) -> (output: Tensor, inputs: Inputs)

  /// Sets the inputs. Rows of the batch come first; those up to `count` are padding and hold anything finite.
  func feed(_ rows: Rows, to inputs: Inputs, count: Int, of program: some Executing) throws(TapeError)
}

/// Graphs are recorded for a few sizes, so that batches of every length find one that wastes an eighth at
/// most.
public func paddedRows(_ count: Int) -> Int {
  var power = 64
  while power < count { power *= 2 }
  let unit = max(32, power / 8)
  return (max(count, 1) + unit - 1) / unit * unit
}
