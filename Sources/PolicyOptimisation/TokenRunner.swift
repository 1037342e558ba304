import PenchantKernels
import PenchantTape

/// Runs a network forward over batches of any length.
public final class TokenRunner<Network: TokenNetwork> {
  public let network: Network
  public let store: ParameterStore
  private var programs: [Int: (program: Inference, output: Tensor, inputs: Network.Inputs)] = [:]

  public init(_ network: Network, on store: ParameterStore) {
    self.network = network
    self.store = store
  }

  /// Outputs of `count` rows, `[count, outputs]`.
  ///
  /// - Throws: `TapeError`.
  public func outputs(of rows: Network.Rows, count: Int) throws(TapeError) -> [Float] {
    let size = paddedRows(count)
    let entry: (program: Inference, output: Tensor, inputs: Network.Inputs)
    if let known = programs[size] {
      entry = known
    } else {
      let recorded = network.record(size, on: Tape())
      entry = (try Inference([recorded.output], on: store), recorded.output, recorded.inputs)
      programs[size] = entry
    }
    try network.feed(rows, to: entry.inputs, count: size, of: entry.program)
    try entry.program.run()
    return try entry.program.withValues(of: entry.output) { span in
      span.extracting(0..<count * network.outputs).withUnsafeBufferPointer { Array($0) }
    }
  }

  /// Log-probabilities of the classes `ids`, one a row, and the entropies of the rows in nats.
  public func logProbabilities(of rows: Network.Rows, ids: [UInt32]) throws -> (
    logProbabilities: [Float], entropies: [Float]
  ) {
    let logits = try outputs(of: rows, count: ids.count)
    var found = [Float](repeating: 0, count: ids.count)
    var entropies = found
    var l = found.mutableSpan
    var e = entropies.mutableSpan
    try tokenLogProbabilities(
      logits: logits.span, classes: network.outputs, ids: ids.span, into: &l, entropies: &e)
    return (found, entropies)
  }
}
