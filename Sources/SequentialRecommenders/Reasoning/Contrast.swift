import PenchantKernels
import PenchantTape

/// The contrast of two views of the states of a step (ReaRec, eq. 12): each noisy state is to find its clean one among those
/// of other histories.
///
/// One row a sequence takes part, drawn anew each step: neighbouring prefixes of a history would be false negatives. So
/// are histories that are exactly alike, which are left out of each other's row. The noisy view thinks for these rows alone.
struct Contrast {
  /// Sequences of a step that take part at most.
  private static let most = 512
  /// `[count]`, the asked rows that take part; `UInt32.max` for none.
  let rows: Ids
  /// What each of them may look back at.
  let prefixes: Prefixes
  /// `[count, 1 + count]`: the clean state of the row itself, then all clean states; 0 leaves one out.
  private let kept: Mask
  /// `[count]`, the share of a row in the mean.
  private let weights: Tensor
  var count: Int { rows.shape.count }

  /// - Parameter rows: of a block.
  init(_ tape: Tape, _ inputs: PackedInputs, rows: Int) {
    let count = min(Questions.most(rows), Self.most)
    self.rows = tape.ids("contrasted rows", [count])
    prefixes = Prefixes(
      offsets: inputs.packing.offsets, first: tape.ids("first contrasted rows", [rows + 1]),
      seen: tape.ids("items seen by contrasted rows", [count]))
    kept = tape.mask("contrasted with", [count, 1 + count])
    weights = tape.input("weights of the contrast", [count])
  }

  /// - Parameters:
  ///   - noisy: `[count, width]`.
  ///   - clean: `[asked rows, width]`.
  func loss(_ noisy: Tensor, _ clean: Tensor, temperature: Float) -> Tensor {
    let (own, all) = (noisy / temperature, clean.embedding(rows))
    let logits = (own * all).sumAlongRows().reshaped([count, 1]).joined(with: [own.linear(all)])
    let chosen = logits.logSoftmax(mask: kept).slice(axis: 1, from: 0, count: 1).reshaped([count])
    return -(chosen * weights).sum()
  }

  /// - Parameter last: the row of the last item that each asked row has seen.
  func set(
    _ block: PackedHistories, last: [UInt32], on step: TrainingStep, seed: UInt64, number: Int
  ) throws {
    var draws = RandomStream(seed: seed, stream: SequenceStream.contrast &+ UInt64(number))
    let drawn = try draws.uniforms(max(1, block.sequences))
    var (chosen, first): ([UInt32], [UInt32]) = ([], [])
    var histories: [ArraySlice<UInt32>] = []
    // Asked rows stand in the order of their sequences.
    var next = 0
    for sequence in 0..<block.sequences {
      first.append(UInt32(chosen.count))
      let (begin, end) = (block.offsets[sequence], block.offsets[sequence + 1])
      var candidates: [Int] = []
      while next < last.count, last[next] < end {
        if block.targets[Int(last[next])] != catalogueIgnore { candidates.append(next) }
        next += 1
      }
      guard chosen.count < count, !candidates.isEmpty else { continue }
      let place = candidates[min(candidates.count - 1, Int(drawn[sequence] * Float(candidates.count)))]
      chosen.append(UInt32(place))
      histories.append(block.items[Int(begin)...Int(last[place])])
    }
    let (taken, free) = (chosen.count, count - chosen.count)
    try step.set(rows, to: chosen + [UInt32](repeating: .max, count: free))
    // The rows that are left belong to the last sequence and read nothing of it.
    first += [UInt32](repeating: UInt32(taken), count: block.rows - first.count) + [UInt32(count)]
    try step.set(prefixes.first, to: first)
    try step.set(
      prefixes.seen, to: histories.map { UInt32($0.count) } + [UInt32](repeating: 0, count: free))
    let share = 1 / Float(max(1, taken))
    try step.set(weights, to: (0..<count).map { $0 < taken ? share : 0 })
    try step.set(kept, to: Self.kept(histories, count: count))
  }

  private static func kept(_ histories: [ArraySlice<UInt32>], count: Int) -> [UInt8] {
    var alike: [ArraySlice<UInt32>: [Int]] = [:]
    for (row, history) in histories.enumerated() { alike[history, default: []].append(row) }
    var kept = [UInt8](repeating: 0, count: count * (1 + count))
    for row in 0..<count {
      let begin = row * (1 + count)
      kept[begin] = 1
      guard row < histories.count else { continue }
      for other in histories.indices { kept[begin + 1 + other] = 1 }
      for other in alike[histories[row]] ?? [] { kept[begin + 1 + other] = 0 }
    }
    return kept
  }
}
