import PenchantTape

/// One encode of a block with what its blocks keep: the projections of the items and of the thoughts so far. A row of thoughts
/// reads the items of its prefix and its own earlier thoughts (ReaRec, section 3; the shared-prefix form when many
/// queries read one sequence).
final class ReasoningView {
  /// The states of the items, `[rows, width]`.
  let states: Tensor
  private let backbone: SASRecNetwork
  private let prefixes: Prefixes
  /// Of every block, `[rows, 3 · width]`.
  private let items: [Tensor]
  /// Of every block and step, `[queries, 3 · width]`.
  private var own: [[Tensor]]

  init(_ network: ReaRecNetwork, _ inputs: PackedInputs, prefixes: Prefixes) {
    backbone = network.backbone
    self.prefixes = prefixes
    own = [[Tensor]](repeating: [], count: network.backbone.blocks.count)
    var items: [Tensor] = []
    states = network.backbone.states(inputs) { items.append($0) }
    self.items = items
  }

  /// The next states `[queries, width]` from what enters the first block. A norm and dropout stand before it, as before the
  /// items (the released code; eq. 4 leaves them out).
  func think(_ input: Tensor) -> Tensor {
    backbone.states(from: input) { number, projection in
      own[number].append(projection)
      return items[number].prefixAttention(own: own[number], heads: backbone.model.heads, prefixes: prefixes)
    }
  }
}
