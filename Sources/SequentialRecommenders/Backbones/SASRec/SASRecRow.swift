import PenchantKernels
import PenchantTape

/// One row through the blocks of a network, whose earlier rows are known by their projections.
///
/// The recording is the network's own. Attention over the earlier rows happens between programs: program *l* goes from the
/// input and what its row attended to in the blocks before *l* to the projection of block *l*, the last one to the state.
final class SASRecRow {
  private let network: SASRecNetwork
  private let attended: [Tensor]
  private let results: [Tensor]
  private let programs: [Inference]

  /// - Parameter input: what an embedding would give, `[1, width]`, on a tape of its own.
  init(_ network: SASRecNetwork, store: ParameterStore, from input: Tensor) throws(TapeError) {
    self.network = network
    let tape = input.tape
    var attended: [Tensor] = []
    var results: [Tensor] = []
    let state = network.states(from: input) { number, projection in
      results.append(projection)
      let input = tape.input("attended in block \(number)", [1, network.model.width])
      attended.append(input)
      return input
    }
    results.append(state)
    (self.attended, self.results) = (attended, results)
    var programs: [Inference] = []
    for result in results { programs.append(try Inference([result], on: store)) }
    self.programs = programs
  }

  /// The state of row `at`.
  ///
  /// - Parameters:
  ///   - projections: of every block, `[rows, 3 · width]`; the new row is written behind the earlier ones.
  ///   - set: sets what was recorded as the input.
  func state(
    at row: Int, after projections: inout [[Float]], setting set: (Inference) throws(TapeError) -> Void
  ) throws -> [Float] {
    let width = 3 * network.model.width
    for (number, program) in programs.enumerated() {
      try set(program)
      try program.run()
      guard number < attended.count else { break }
      try program.withValues(of: results[number]) { span in
        for i in 0..<width { projections[number][row * width + i] = span[i] }
      }
      let mixed = try attention(projections[number], rows: row + 1)
      for later in programs[(number + 1)...] { try later.set(attended[number], to: mixed) }
    }
    return try programs[attended.count].values(of: results[attended.count])
  }

  /// What the last of `rows` rows attends to.
  private func attention(_ projection: [Float], rows: Int) throws(KernelError) -> [Float] {
    let (width, heads) = (network.model.width, network.model.heads)
    let shape = SequenceShape(
      sequences: 1, length: rows, heads: heads, headWidth: width / heads, isCausal: true)
    var output = [Float](repeating: 0, count: rows * width)
    var sums = [Float](repeating: 0, count: rows * heads)
    var out = output.mutableSpan
    var logSums = sums.mutableSpan
    try sequenceAttention(
      shape, qkv: projection.span.extracting(first: rows * 3 * width), into: &out, logSums: &logSums)
    return Array(output.suffix(width))
  }
}
