import PenchantKernels

/// Normal numbers by address: a draw is a function of (seed, purpose, row, place), so that no order of rows, number of threads
/// or resumption changes it.
struct Draws {
  enum Purpose {
    /// Where a sample starts.
    case start
    /// The noise of a move of sampling.
    case transition(Int)
    /// The noise of a hop of inversion.
    case hop(Int)
    /// Noise that is added to samples for training, at a step.
    case forward(Int)
  }

  private let seed: UInt64
  private let stream: UInt64

  init(seed: UInt64, purpose: Purpose) {
    self.seed = seed
    let (kind, number): (UInt64, Int) =
      switch purpose {
      case .start: (1, 0)
      case .transition(let step): (2, step)
      case .hop(let hop): (3, hop)
      case .forward(let step): (4, step)
      }
    stream = 0xd1ff << 44 | kind << 40 | UInt64(truncatingIfNeeded: number)
  }

  /// `[rows, values]`: row *i* holds the draws of address `rows[i]`.
  func normals(rows: [UInt64], _ values: Int) throws(KernelError) -> [Float] {
    var all: [Float] = []
    all.reserveCapacity(rows.count * values)
    var place = 0
    while place < rows.count {
      // Addresses that follow each other are one call.
      var end = place + 1
      while end < rows.count, rows[end] == rows[end - 1] &+ 1 { end += 1 }
      var source = RandomStream(seed: seed, stream: stream, next: rows[place] &* UInt64(values))
      all += try source.normals((end - place) * values)
      place = end
    }
    return all
  }
}
