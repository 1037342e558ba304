import PenchantKernels

/// An endless stream of windows, epoch after epoch, cut into blocks of `rows` rows.
///
/// A block takes windows until the next does not fit; that one begins the next block. Block *k* is a function of
/// (sequences, seed, k): a stream can be put before any block, which replays the cuts and copies nothing.
struct PackedStream: Sendable {
  let windows: TrainingWindows
  let seed: UInt64
  /// The number of the next block.
  private(set) var position = 0
  /// Blocks that hold about one pass over the windows.
  let blocksPerEpoch: Int
  private(set) var block: PackedHistories

  private let cloze: Cloze?
  /// Windows a block: prefixes ask a question each.
  private let most: Int
  private var epoch = 0
  private var order: [TrainingWindow]
  private var next = 0

  /// - Parameters:
  ///   - rows: of a block; fewer are taken when an epoch has fewer.
  ///   - cloze: hides items of whole windows instead of predicting the next item at every position.
  init(
    _ windows: TrainingWindows, rows: Int, cloze: Cloze? = nil, seed: UInt64
  ) throws(KernelError) {
    self.windows = windows
    self.cloze = cloze
    self.seed = seed
    order = try windows.windows(epoch: 0, seed: seed)
    let more = cloze == nil ? 0 : 1
    let total = order.reduce(0) { $0 + $1.count + more }
    let longest = windows.longest + more
    let rows = max(longest, min(rows, total))
    most = windows.everyPrefix ? Questions.most(rows) : rows
    blocksPerEpoch = max(1, (total + rows - 1) / rows, (order.count + most - 1) / most)
    block = PackedHistories(rows: rows, longest: longest)
  }

  /// Fills the block with number `number`.
  mutating func advance(to number: Int) throws(KernelError) {
    if number < position {
      (position, epoch, next) = (0, 0, 0)
      order = try windows.windows(epoch: 0, seed: seed)
    }
    while position < number { try take(copying: false) }
    try take(copying: true)
  }

  private mutating func take(copying: Bool) throws(KernelError) {
    var (filled, taken) = (0, 0)
    var draws: [Float] = []
    if copying {
      block.clear()
      if cloze != nil {
        var stream = RandomStream(seed: seed, stream: SequenceStream.cloze &+ UInt64(position))
        // A draw for every row and one for every sequence, of which there are at most as many.
        draws = try stream.uniforms(2 * block.rows)
      }
    }
    let more = cloze == nil ? 0 : 1
    while true {
      if next == order.count {
        epoch += 1
        next = 0
        order = try windows.windows(epoch: epoch, seed: seed)
      }
      let window = order[next]
      guard filled + window.count + more <= block.rows, taken < most else { break }
      if copying, let cloze {
        block.append(
          window, of: windows.sequences.items, hiding: cloze.share, draws: draws[filled...],
          lastAlone: draws[block.rows + block.sequences] < cloze.last)
      } else if copying {
        block.append(window, of: windows.sequences.items)
      }
      filled += window.count + more
      taken += 1
      next += 1
    }
    if copying { block.finish() }
    position += 1
  }
}
