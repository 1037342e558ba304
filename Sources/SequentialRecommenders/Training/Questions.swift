import PenchantTape

/// Histories of a block that are to be continued: what a program reads of them. A sequence asks at most once.
public struct Questions {
  /// `[questions]`, the row of the last item of each; `UInt32.max` where nobody asks.
  public let last: Ids
  /// What each may look back at: its whole sequence.
  public let prefixes: Prefixes

  /// Questions of a block of so many rows; who fills one closes it before there are more. Histories of fewer than four items
  /// are rare enough that a large block may be left with empty rows.
  static func most(_ rows: Int) -> Int { rows <= 64 ? rows : max(64, rows / 4) }

  init(_ tape: Tape, _ inputs: PackedInputs, rows: Int) {
    let count = Self.most(rows)
    last = tape.ids("last rows", [count])
    prefixes = Prefixes(
      offsets: inputs.packing.offsets, first: tape.ids("first questions", [rows + 1]),
      seen: tape.ids("seen items", [count]))
  }

  var count: Int { last.shape.count }

  func set(_ block: PackedHistories, on program: some Executing) throws(TapeError) {
    var (rows, seen) = ([UInt32](repeating: .max, count: count), [UInt32](repeating: 0, count: count))
    for sequence in 0..<min(count, block.sequences) {
      rows[sequence] = block.offsets[sequence + 1] - 1
      seen[sequence] = block.offsets[sequence + 1] - block.offsets[sequence]
    }
    try program.set(last, to: rows)
    try program.set(prefixes.seen, to: seen)
    try program.set(prefixes.first, to: (0...block.rows).map { UInt32(min($0, count)) })
  }
}
