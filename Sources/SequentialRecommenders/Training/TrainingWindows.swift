import PenchantKernels

/// A stretch of one history that a model reads in one go: inputs `start ..< start + count`, each with the next item as its
/// target.
struct TrainingWindow: Sendable, Equatable {
  /// Place of the first input in the items of the sequences.
  var start: Int
  /// Inputs.
  var count: Int
  /// Leading inputs that are context only: their targets belong to the window before.
  var context: Int
}

/// Cuts histories into windows of at most `longest` inputs so that every target counts once an epoch.
///
/// A history that fits is one window. A longer one is cut at places that are drawn anew each epoch, and every window but
/// the first begins with up to `context` inputs of the one before, so that no target is predicted from a bare start.
struct TrainingWindows: Sendable {
  let sequences: ItemSequences
  let longest: Int
  let context: Int
  let everyPrefix: Bool
  private let short: [TrainingWindow]
  /// Users whose history does not fit.
  private let long: [Int]

  /// - Parameters:
  ///   - longest: 1 or more.
  ///   - context: 0 to `longest - 1`.
  ///   - everyPrefix: makes a window of every prefix of a history, at most its last `longest` inputs, with the last target
  ///     alone.
  init(_ sequences: ItemSequences, longest: Int, context: Int, everyPrefix: Bool = false) {
    self.sequences = sequences
    self.longest = longest
    self.context = context
    self.everyPrefix = everyPrefix
    var short: [TrainingWindow] = []
    var long: [Int] = []
    for user in 0..<sequences.count {
      let inputs = sequences[user].count - 1
      if everyPrefix {
        for end in stride(from: 1, through: inputs, by: 1) {
          let count = min(end, longest)
          short.append(
            TrainingWindow(start: sequences.offsets[user] + end - count, count: count, context: count - 1))
        }
      } else if inputs > longest {
        long.append(user)
      } else if inputs > 0 {
        short.append(TrainingWindow(start: sequences.offsets[user], count: inputs, context: 0))
      }
    }
    self.short = short
    self.long = long
  }

  var isEmpty: Bool { short.isEmpty && long.isEmpty }

  /// The windows of an epoch in the order of training, a function of (seed, epoch).
  func windows(epoch: Int, seed: UInt64) throws(KernelError) -> [TrainingWindow] {
    var all = short
    let stride = longest - context
    var phases = RandomStream(seed: seed, stream: SequenceStream.phase &+ UInt64(epoch))
    let drawn = try phases.integers(below: UInt32(stride), count: long.count)
    for (user, phase) in zip(long, drawn) {
      let first = sequences.offsets[user]
      let inputs = sequences[user].count - 1
      var begin = 0
      var end = context + 1 + Int(phase)
      while begin < inputs {
        end = min(end, inputs)
        let from = max(0, min(end - longest, begin))
        all.append(TrainingWindow(start: first + from, count: end - from, context: begin - from))
        (begin, end) = (end, end + stride)
      }
    }
    return try permutation(all.count, seed: seed, stream: SequenceStream.order &+ UInt64(epoch))
      .map { all[Int($0)] }
  }
}

/// Streams of draws that belong to training on sequences, far apart so that epochs and steps can be added.
enum SequenceStream {
  static let order: UInt64 = 0x5345_5101_0000_0000
  static let phase: UInt64 = 0x5345_5102_0000_0000
  static let negatives: UInt64 = 0x5345_5103_0000_0000
  static let cloze: UInt64 = 0x5345_5104_0000_0000
  static let noise: UInt64 = 0x5345_5105_0000_0000
  static let contrast: UInt64 = 0x5345_5106_0000_0000
}

extension RandomStream {
  mutating func integers(below bound: UInt32, count: Int) throws(KernelError) -> [UInt32] {
    var values = [UInt32](repeating: 0, count: count)
    var span = values.mutableSpan
    try integers(below: bound, into: &span)
    return values
  }
}
