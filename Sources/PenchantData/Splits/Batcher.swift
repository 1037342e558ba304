import PenchantKernels

/// Records in batches of one size, shuffled anew each epoch.
///
/// The order of an epoch is a function of (seed, epoch) alone, so a batcher continued from a cursor gives what an
/// uninterrupted one would have given.
public struct Batcher: Sendable {
  /// The place of the next batch.
  public struct Cursor: Sendable, Hashable, Codable {
    public var epoch: Int
    /// Records of this epoch that are done.
    public var position: Int

    public init(epoch: Int = 0, position: Int = 0) {
      self.epoch = epoch
      self.position = position
    }
  }

  public struct Batch: Sendable, Hashable {
    public var epoch: Int
    /// `batchSize` records; those behind `filled` are padding, filled with the first record of the batch.
    public var indices: [Int]
    /// Records that count.
    public var filled: Int
    /// No more batches in this epoch.
    public var endsEpoch: Bool

    /// 1 for a record that counts, 0 for padding.
    public var weights: [Float] { indices.indices.map { $0 < filled ? 1 : 0 } }
  }

  public let count: Int
  public let batchSize: Int
  public let seed: UInt64
  /// False: every epoch goes through the records in order.
  public let shuffles: Bool
  public private(set) var cursor: Cursor
  private var order: [Int] = []
  private var orderedEpoch = -1

  /// - Throws: `KernelError.value` when a size is not positive or the cursor lies outside the records.
  public init(
    count: Int, batchSize: Int, seed: UInt64, shuffles: Bool = true, from cursor: Cursor = Cursor()
  ) throws(KernelError) {
    guard count > 0, batchSize > 0 else {
      throw .value("Batcher", "\(count) records in batches of \(batchSize); both must be 1 or more")
    }
    guard cursor.epoch >= 0, (0..<count).contains(cursor.position) else {
      throw .value(
        "Batcher", "cursor at record \(cursor.position) of epoch \(cursor.epoch); there are \(count) records")
    }
    self.count = count
    self.batchSize = batchSize
    self.seed = seed
    self.shuffles = shuffles
    self.cursor = cursor
  }

  public var batchesPerEpoch: Int { (count - 1) / batchSize + 1 }

  /// Batch `number`, counted from 0 over all epochs; `next` continues behind it.
  ///
  /// - Throws: `KernelError.value` for a number below 0.
  public mutating func batch(_ number: Int) throws(KernelError) -> Batch {
    guard number >= 0 else { throw .value("Batcher", "batch \(number)") }
    cursor = Cursor(epoch: number / batchesPerEpoch, position: number % batchesPerEpoch * batchSize)
    return try next()
  }

  /// The next batch; there is always one.
  ///
  /// - Throws: `KernelError.status` when there are 2^32 records or more to shuffle.
  public mutating func next() throws(KernelError) -> Batch {
    if orderedEpoch != cursor.epoch {
      order =
        shuffles
        ? try permutation(count, seed: seed, stream: Stream.epoch &+ UInt64(cursor.epoch)).map(Int.init)
        : Array(0..<count)
      orderedEpoch = cursor.epoch
    }
    let end = min(cursor.position + batchSize, count)
    var indices = Array(order[cursor.position..<end])
    let filled = indices.count
    indices.append(contentsOf: repeatElement(indices[0], count: batchSize - filled))
    let batch = Batch(epoch: cursor.epoch, indices: indices, filled: filled, endsEpoch: end == count)
    cursor = end == count ? Cursor(epoch: cursor.epoch + 1) : Cursor(epoch: cursor.epoch, position: end)
    return batch
  }
}
