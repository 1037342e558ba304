import CPenchant

/// One operation of a program: the Swift form of `pn_op`. What every kind reads, writes and is sized by
/// stands in the
/// table of `include/penchant/program.h`.
public struct ProgramOperation: Sendable, Equatable {
  /// The kinds of `PN_OP_TABLE`, by number.
  public enum Kind: UInt32, Sendable, CaseIterable {
    case unary = 1
    case unaryGrad, binary, affine, sumRows, sumColumns
    case spread, slice, sliceGrad, concat, transpose, maskedMean, maskedMeanGrad
    case dropout, linear, linearGradInput, linearGradWeight, matmul
    case softmax, softmaxGrad, layerNorm, layerNormGrad, rmsNorm, rmsNormGrad
    case embedding, embeddingGrad, attention, attentionGrad, attributeAttention, attributeAttentionGrad
    case bce, mse, crossEntropy, catalogueCrossEntropy, preference, plackettLuce
    case prefixAttention, prefixAttentionGrad, gru, gruGrad, catalogueDivergence
    case conv2d, conv2dGradInput, conv2dGradWeight, groupNorm, groupNormGrad, upsample, downsample
    case diffusionPreference
    case policyLoss, valueLoss

    /// Its name in C, as `"linear_grad_input"`.
    public var name: String { String(cString: pn_op_name(rawValue)) }
  }

  /// Operands and results that one operation may have.
  public static let mostInputs = Int(PN_OP_IN)
  public static let mostOutputs = Int(PN_OP_OUT)

  public var kind: Kind
  /// Tensor numbers; `nil` where an operand is left out.
  public var inputs: [Int?]
  public var outputs: [Int?]
  public var sizes: [Int]
  public var reals: [Float]

  public init(_ kind: Kind, inputs: [Int?], outputs: [Int?], sizes: [Int], reals: [Float] = []) {
    self.kind = kind
    self.inputs = inputs
    self.outputs = outputs
    self.sizes = sizes
    self.reals = reals
  }

  /// The C form; `nil` when a list is longer than the C form holds or a number does not fit.
  var lowered: pn_op? {
    guard inputs.count <= Self.mostInputs, outputs.count <= Self.mostOutputs, sizes.count <= Int(PN_OP_SIZES),
      reals.count <= Int(PN_OP_REALS), sizes.allSatisfy({ $0 >= 0 })
    else { return nil }
    var op = pn_op()
    op.kind = kind.rawValue
    let fits = withUnsafeMutableBytes(of: &op.in) { fill($0.assumingMemoryBound(to: UInt32.self), inputs) }
    let fitsOut = withUnsafeMutableBytes(of: &op.out) {
      fill($0.assumingMemoryBound(to: UInt32.self), outputs)
    }
    withUnsafeMutableBytes(of: &op.size) { raw in
      let sizes = raw.assumingMemoryBound(to: Int.self)
      for (i, size) in self.sizes.enumerated() { sizes[i] = size }
    }
    withUnsafeMutableBytes(of: &op.real) { raw in
      let reals = raw.assumingMemoryBound(to: Float.self)
      for (i, real) in self.reals.enumerated() { reals[i] = real }
    }
    return fits && fitsOut ? op : nil
  }
}

/// Writes tensor numbers, `PN_NONE` where there is none.
private func fill(_ slots: UnsafeMutableBufferPointer<UInt32>, _ ids: [Int?]) -> Bool {
  for i in slots.indices {
    guard i < ids.count, let id = ids[i] else {
      slots[i] = UInt32.max
      continue
    }
    guard let number = UInt32(exactly: id) else { return false }
    slots[i] = number
  }
  return true
}
