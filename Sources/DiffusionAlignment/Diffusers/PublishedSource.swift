import PenchantTape

/// Where the numbers of a parameter of a `ConditionedUNet` stand in a published file, and in which order.
struct PublishedSource {
  /// Tensors that lie behind each other in the parameter; of each the names that it has had, today's first.
  let parts: [[String]]
  /// Of each part, in the file.
  let shape: [Int]
  /// Zeros behind the parts: a row for "no class".
  let rest: Int

  /// - Parameter hasMatrices: as in ``PublishedUNet``.
  /// - Returns: `nil` for a parameter that is in no published file.
  init?(_ parameter: Parameter, hasMatrices: Bool) {
    guard !parameter.name.hasPrefix("context."), let dot = parameter.name.lastIndex(of: ".") else {
      return nil
    }
    let (layer, kind) = (String(parameter.name[..<dot]), String(parameter.name[dot...]))
    let names = Self.names(layer)
    parts = names.map { $0.map { $0 + kind } }
    var shape = parameter.shape.extents
    shape[0] /= names.count
    let isConvolution =
      layer.hasSuffix(".skip")
      || !hasMatrices && (layer.hasSuffix(".proj_in") || layer.hasSuffix(".proj_out"))
    var rest = 0
    if shape.count == 4 {
      shape = [shape[0], shape[3], shape[1], shape[2]]
    } else if shape.count == 2, isConvolution {
      shape += [1, 1]
    } else if layer == "class_embedding" {
      shape[0] -= 1
      rest = shape[1]
    }
    (self.shape, self.rest) = (shape, rest)
  }

  /// Published layers whose numbers make up one of ours, with the names each has had.
  private static func names(_ layer: String) -> [[String]] {
    let published = [
      ("time_embedding.0", "time_embedding.linear_1"), ("time_embedding.1", "time_embedding.linear_2"),
      ("add_embedding.0", "add_embedding.linear_1"), ("add_embedding.1", "add_embedding.linear_2"),
      (".film", ".time_emb_proj"), (".skip", ".conv_shortcut"), (".ff.inner", ".ff.net.0.proj"),
      (".ff.outer", ".ff.net.2"), (".attn1.out", ".attn1.to_out.0"), (".attn2.out", ".attn2.to_out.0"),
      (".attn2.query", ".attn2.to_q"), (".attn2.key", ".attn2.to_k"), (".attn2.value", ".attn2.to_v"),
    ]
    for (ours, theirs) in published where layer.hasSuffix(ours) {
      return [[layer.dropLast(ours.count) + theirs]]
    }
    let head = layer.lastIndex(of: ".").map { String(layer[..<$0]) } ?? layer
    let isAttention = layer.contains(".attentions.") && !layer.contains(".transformer_blocks.")
    switch layer.dropFirst(head.count) {
    case ".qkv":
      return [["to_q", "query"], ["to_k", "key"], ["to_v", "value"]].map { $0.map { head + "." + $0 } }
    case ".out" where isAttention: return [[head + ".to_out.0", head + ".proj_attn"]]
    // Attention between pixels alone has its norm under another name than a transformer.
    case ".norm" where isAttention: return [[layer, head + ".group_norm"]]
    default: return [[layer]]
    }
  }

  /// Numbers of a part in the order of the parameter: a convolution `[outputs, inputs, k, k]` has its
  /// channels last here.
  func ordered(_ values: [Float]) -> [Float] {
    guard shape.count == 4, shape[2] * shape[3] > 1 else { return values }
    let (inputs, area) = (shape[1], shape[2] * shape[3])
    var out = [Float](repeating: 0, count: values.count)
    for output in 0..<shape[0] {
      let start = output * inputs * area
      for input in 0..<inputs {
        for place in 0..<area {
          out[start + place * inputs + input] = values[start + input * area + place]
        }
      }
    }
    return out
  }
}
