import Foundation
import PenchantKernels

/// How often each item stands in the training sequences, and draws of sampled items.
struct ItemPopularity: Sendable, Equatable {
  /// `[itemCount]`
  let counts: [UInt32]
  private let events: [Int32]
  private let logCounts: [Float]
  private let logTotal: Float

  init(_ sequences: ItemSequences) {
    counts = sequences.itemCounts()
    events = sequences.items
    logCounts = counts.map { Float(log(Double(max(1, $0)))) }
    logTotal = Float(log(Double(max(1, events.count))))
  }

  var itemCount: Int { counts.count }

  /// Items from 0; `popularity` takes the item of a random event.
  func draw(
    _ count: Int, _ sampling: NextItemObjective.Sampling, _ stream: inout RandomStream
  ) throws(KernelError) -> [UInt32] {
    switch sampling {
    case .uniform: try stream.integers(below: UInt32(itemCount), count: count)
    case .popularity:
      try stream.integers(below: UInt32(events.count), count: count).map { UInt32(events[Int($0)] - 1) }
    }
  }

  func logChance(_ item: UInt32, _ sampling: NextItemObjective.Sampling) -> Float {
    switch sampling {
    case .uniform: -Float(log(Double(max(1, itemCount))))
    case .popularity: logCounts[Int(item)] - logTotal
    }
  }
}
