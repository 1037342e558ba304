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

  private var epoch = 0
  private var order: [TrainingWindow]
  private var next = 0

  /// - Parameter rows: of a block; fewer are taken when an epoch has fewer.
  init(_ windows: TrainingWindows, rows: Int, seed: UInt64) throws(KernelError) {
    self.windows = windows
    self.seed = seed
    order = try windows.windows(epoch: 0, seed: seed)
    let total = order.reduce(0) { $0 + $1.count }
    let rows = max(windows.longest, min(rows, total))
    blocksPerEpoch = max(1, (total + rows - 1) / rows)
    block = PackedHistories(rows: rows, longest: windows.longest)
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
    var filled = 0
    if copying { block.clear() }
    while true {
      if next == order.count {
        epoch += 1
        next = 0
        order = try windows.windows(epoch: epoch, seed: seed)
      }
      let window = order[next]
      guard filled + window.count <= block.rows else { break }
      if copying { block.append(window, of: windows.sequences.items) }
      filled += window.count
      next += 1
    }
    if copying { block.finish() }
    position += 1
  }
}
