import PenchantKernels
import PenchantTape

/// Turns histories into the states that score the catalogue. Used by one thread at a time.
final class HistoryEncoder {
  let network: any SequenceNetwork
  let store: ParameterStore
  private let inference: Inference
  private let inputs: PackedInputs
  private let questions: Questions
  private let states: Tensor
  private var block: PackedHistories

  /// Items that are encoded at once unless told.
  static let rows = 2048

  init(_ network: any SequenceNetwork, store: ParameterStore, rows: Int = HistoryEncoder.rows)
    throws(TapeError)
  {
    self.network = network
    self.store = store
    let longest = network.longest
    block = PackedHistories(rows: max(rows, longest), longest: longest)
    let tape = Tape()
    inputs = PackedInputs(tape, rows: block.rows, longest: longest)
    questions = Questions(tape, inputs, rows: block.rows)
    states = network.query(network.answers(inputs, questions))
    inference = try Inference([states], on: store)
  }

  /// The state that scores what follows the last item of each history, `[histories, width]`; zeros for an empty one. Items beyond the
  /// longest history of the model are left out, oldest first.
  ///
  /// - Throws: `KernelError.value` for an item that is not in the catalogue.
  func states(_ histories: [ArraySlice<Int32>]) throws -> [Float] {
    let width = network.width
    var result = [Float](repeating: 0, count: histories.count * width)
    var first = 0
    while first < histories.count {
      block.clear()
      // The histories that ask, in the order of their questions: an empty one has none.
      var asking: [Int] = []
      var next = first
      while next < histories.count, asking.count < questions.count {
        let history = histories[next].suffix(network.longestHistory)
        guard block.fits(history.count + (network.asksByMask ? 1 : 0)) else { break }
        for item in history { try checkItem(item, network.itemCount, "HistoryEncoder") }
        if !history.isEmpty {
          block.append(history, asking: network.asksByMask)
          asking.append(next)
        }
        next += 1
      }
      block.finish()
      try inputs.set(block, on: inference)
      try questions.set(block, on: inference)
      try inference.run()
      try inference.withValues(of: states) { span in
        for (question, history) in asking.enumerated() {
          for i in 0..<width { result[history * width + i] = span[question * width + i] }
        }
      }
      first = next
    }
    return result
  }
}
