import CPenchant

/// Attention over attribute dimensions: a query weighs the attribute vectors of a text.
///
/// B texts, K attributes of width m, Q queries of rank r; formulas stand in `penchant/attribute.h`. Arrays are row-major:
/// texts `[B, K, m]`, mask `[B, K]` with 1 = keep, ids `[B]` naming the query of a text (`nil`: text b uses query b).
public struct AttributeAttention: Sendable, Equatable {
  public enum Score: Sendable, Equatable {
    /// `scale · query · e`; the rank is m.
    case dot(scale: Float)
    /// `score · tanh(query + key e + bias)` with `key` `[r, m]`, `score` `[r]`, `bias` `[r]` or `nil`.
    case additive(key: [Float], score: [Float], bias: [Float]? = nil)
  }

  public let attributes: Int
  public let width: Int
  public let rank: Int
  public let score: Score
  /// `[Q, r]`.
  public let queries: [Float]

  public var queryCount: Int { queries.count / rank }

  /// - Throws: `KernelError.shape` when the parts do not fit.
  public init(attributes: Int, width: Int, score: Score, queries: [Float]) throws(KernelError) {
    guard attributes > 0, width > 0 else {
      throw .shape("AttributeAttention", "\(attributes) attributes of width \(width)")
    }
    switch score {
    case .dot: rank = width
    case .additive(let key, let weights, let bias):
      guard !weights.isEmpty, key.count == weights.count * width,
        bias.map({ $0.count == weights.count }) ?? true
      else {
        throw .shape(
          "AttributeAttention",
          "key has \(key.count) values, score \(weights.count), bias \(bias?.count ?? weights.count); width is \(width)"
        )
      }
      rank = weights.count
    }
    guard queries.count % rank == 0 else {
      throw .shape("AttributeAttention", "\(queries.count) values in queries of rank \(rank)")
    }
    self.attributes = attributes
    self.width = width
    self.score = score
    self.queries = queries
  }

  /// Gradients of everything that is shared between texts.
  public struct Gradients: Sendable, Equatable {
    /// `[Q, r]`.
    public var queries: [Float]
    /// Additive only, else empty: `[r, m]`, `[r]`, `[r]`.
    public var key: [Float]
    public var score: [Float]
    public var bias: [Float]
    /// Utility only, else empty and 0.
    public var direction: [Float]
    public var beta: Double
  }

  /// Pools the texts and, with `alpha`, writes the weights `[B, K]`. An output of no elements is left out.
  public func pool(
    _ texts: Span<Float>, mask: Span<UInt8>? = nil, ids: Span<UInt32>? = nil,
    pooled: inout MutableSpan<Float>,
    alpha: inout MutableSpan<Float>
  ) throws(KernelError) {
    let b = try count(texts, mask, ids, "AttributeAttention.pool")
    try requireOutput(pooled.count, "pooled", is: b * width, "AttributeAttention.pool")
    try requireOutput(alpha.count, "alpha", is: b * attributes, "AttributeAttention.pool")
    let (texts, mask, ids, pooled, alpha) = (
      address(texts), address(mask), address(ids), address(&pooled), address(&alpha)
    )
    try withModel { (model) throws(KernelError) in
      let scratch = try Scratch(
        pn_attribute_workspace(b, attributes, width, model), "AttributeAttention.pool")
      try check(
        pn_attribute_pool_f32(
          b, attributes, width, model, texts, mask, ids, pooled, alpha, scratch.start, scratch.bytes),
        "AttributeAttention.pool")
    }
  }

  /// Forward and gradient of `pool` in one reading of the texts.
  ///
  /// - Parameters:
  ///   - pooledGradient: what reaches pooled, `[B, m]`, or `nil`. alphaGradient: what reaches alpha, `[B, K]`, or `nil`.
  ///   - textsGradient: like `texts`, or no elements. pooled: the forward value, or no elements.
  public func poolGradient(
    _ texts: Span<Float>, mask: Span<UInt8>? = nil, ids: Span<UInt32>? = nil,
    pooledGradient: Span<Float>? = nil,
    alphaGradient: Span<Float>? = nil, textsGradient: inout MutableSpan<Float>,
    pooled: inout MutableSpan<Float>
  ) throws(KernelError) -> Gradients {
    let call: StaticString = "AttributeAttention.poolGradient"
    let b = try count(texts, mask, ids, call)
    try require(pooledGradient, "pooledGradient", is: b * width, call)
    try require(alphaGradient, "alphaGradient", is: b * attributes, call)
    try requireOutput(textsGradient.count, "textsGradient", is: texts.count, call)
    try requireOutput(pooled.count, "pooled", is: b * width, call)
    let (texts, mask, ids, dPooled, dAlpha, dTexts, pooled) = (
      address(texts), address(mask), address(ids), address(pooledGradient), address(alphaGradient),
      address(&textsGradient), address(&pooled)
    )
    return try gradients(utility: false, texts: dTexts, content: nil) {
      (model, gradient) throws(KernelError) in
      let scratch = try Scratch(pn_attribute_workspace(b, attributes, width, model), call)
      try check(
        pn_attribute_pool_grad_f32(
          b, attributes, width, model, texts, mask, ids, dPooled, dAlpha, gradient, pooled, nil,
          scratch.start,
          scratch.bytes), call)
    }
  }

  /// Utility `direction · content + beta Σ alpha (direction · e)` of every text. kappa `[B, K]`: what each attribute adds.
  public func utility(
    _ texts: Span<Float>, mask: Span<UInt8>? = nil, ids: Span<UInt32>? = nil, direction: Span<Float>,
    content: Span<Float>? = nil, beta: Float, into utility: inout MutableSpan<Float>,
    alpha: inout MutableSpan<Float>, kappa: inout MutableSpan<Float>
  ) throws(KernelError) {
    let call: StaticString = "AttributeAttention.utility"
    let b = try count(texts, mask, ids, call)
    try require(direction.count, "direction", is: width, call)
    try require(content, "content", is: b * width, call)
    try require(utility.count, "utility", is: b, call)
    try requireOutput(alpha.count, "alpha", is: b * attributes, call)
    try requireOutput(kappa.count, "kappa", is: b * attributes, call)
    let (texts, mask, ids, direction, content, out, alpha, kappa) = (
      address(texts), address(mask), address(ids), address(direction), address(content), address(&utility),
      address(&alpha), address(&kappa)
    )
    try withModel { (model) throws(KernelError) in
      let scratch = try Scratch(pn_attribute_workspace(b, attributes, width, model), call)
      try check(
        pn_attribute_utility_f32(
          b, attributes, width, beta, model, texts, mask, ids, direction, content, out, alpha, kappa,
          scratch.start,
          scratch.bytes), call)
    }
  }

  /// Gradient of `utility` from `utilityGradient` `[B]`; `contentGradient` is like `content`, or has no elements.
  public func utilityGradient(
    _ texts: Span<Float>, mask: Span<UInt8>? = nil, ids: Span<UInt32>? = nil, direction: Span<Float>,
    content: Span<Float>? = nil, beta: Float, utilityGradient: Span<Float>,
    textsGradient: inout MutableSpan<Float>, contentGradient: inout MutableSpan<Float>
  ) throws(KernelError) -> Gradients {
    let call: StaticString = "AttributeAttention.utilityGradient"
    let b = try count(texts, mask, ids, call)
    try requireUtility(
      b, direction, content, utilityGradient.count, b, textsGradient.count, contentGradient.count,
      texts.count, call)
    let (texts, mask, ids, direction, content, dUtility, dTexts, dContent) = (
      address(texts), address(mask), address(ids), address(direction), address(content),
      address(utilityGradient),
      address(&textsGradient), address(&contentGradient)
    )
    return try gradients(utility: true, texts: dTexts, content: dContent) {
      (model, gradient) throws(KernelError) in
      let scratch = try Scratch(pn_attribute_workspace(b, attributes, width, model), call)
      try check(
        pn_attribute_utility_grad_f32(
          b, attributes, width, beta, model, texts, mask, ids, direction, content, dUtility, gradient, nil,
          scratch.start, scratch.bytes), call)
    }
  }

  /// Utility of every text under every query, `[B, Q]`; alpha `[B, Q, K]`. Texts are read, and keys made, once.
  public func utilities(
    _ texts: Span<Float>, mask: Span<UInt8>? = nil, direction: Span<Float>, content: Span<Float>? = nil,
    beta: Float,
    into utilities: inout MutableSpan<Float>, alpha: inout MutableSpan<Float>
  ) throws(KernelError) {
    let call: StaticString = "AttributeAttention.utilities"
    let b = try count(texts, mask, nil, call)
    let q = queryCount
    try require(direction.count, "direction", is: width, call)
    try require(content, "content", is: b * width, call)
    try require(utilities.count, "utilities", is: b * q, call)
    try requireOutput(alpha.count, "alpha", is: b * q * attributes, call)
    let (texts, mask, direction, content, out, alpha) = (
      address(texts), address(mask), address(direction), address(content), address(&utilities),
      address(&alpha)
    )
    try withModel { (model) throws(KernelError) in
      let scratch = try Scratch(pn_attribute_multi_workspace(b, attributes, width, model), call)
      try check(
        pn_attribute_utility_multi_f32(
          b, attributes, width, beta, model, texts, mask, direction, content, out, alpha, scratch.start,
          scratch.bytes), call)
    }
  }

  /// Gradient of `utilities` from `[B, Q]`.
  public func utilitiesGradient(
    _ texts: Span<Float>, mask: Span<UInt8>? = nil, direction: Span<Float>, content: Span<Float>? = nil,
    beta: Float,
    utilitiesGradient: Span<Float>, textsGradient: inout MutableSpan<Float>,
    contentGradient: inout MutableSpan<Float>
  ) throws(KernelError) -> Gradients {
    let call: StaticString = "AttributeAttention.utilitiesGradient"
    let b = try count(texts, mask, nil, call)
    try requireUtility(
      b, direction, content, utilitiesGradient.count, b * queryCount, textsGradient.count,
      contentGradient.count,
      texts.count, call)
    let (texts, mask, direction, content, dUtility, dTexts, dContent) = (
      address(texts), address(mask), address(direction), address(content), address(utilitiesGradient),
      address(&textsGradient), address(&contentGradient)
    )
    return try gradients(utility: true, texts: dTexts, content: dContent) {
      (model, gradient) throws(KernelError) in
      let scratch = try Scratch(pn_attribute_multi_workspace(b, attributes, width, model), call)
      try check(
        pn_attribute_utility_multi_grad_f32(
          b, attributes, width, beta, model, texts, mask, direction, content, dUtility, gradient, nil,
          scratch.start, scratch.bytes), call)
    }
  }

  private func count(
    _ texts: Span<Float>, _ mask: Span<UInt8>?, _ ids: Span<UInt32>?, _ call: StaticString
  ) throws(KernelError) -> Int {
    let b = texts.count / (attributes * width)
    guard b * attributes * width == texts.count else {
      throw .shape("\(call)", "\(texts.count) values in texts of \(attributes) × \(width)")
    }
    try require(mask, "mask", is: b * attributes, call)
    try require(ids, "ids", is: b, call)
    return b
  }

  private func requireUtility(
    _ b: Int, _ direction: Span<Float>, _ content: Span<Float>?, _ upstream: Int, _ expected: Int,
    _ dTexts: Int,
    _ dContent: Int, _ texts: Int, _ call: StaticString
  ) throws(KernelError) {
    try require(direction.count, "direction", is: width, call)
    try require(content, "content", is: b * width, call)
    try require(upstream, "the upstream gradient", is: expected, call)
    if dTexts > 0 { try require(dTexts, "textsGradient", is: texts, call) }
    if dContent > 0 { try require(dContent, "contentGradient", is: b * width, call) }
  }

  private func withModel(
    _ body: (UnsafePointer<pn_attribute_model>) throws(KernelError) -> Void
  ) throws(KernelError) {
    var model = pn_attribute_model()
    model.queries = queryCount
    model.rank = rank
    var (key, weights, bias): ([Float], [Float], [Float]) = ([], [], [])
    switch score {
    case .dot(let scale):
      model.kind = PN_ATTRIBUTE_DOT
      model.scale = scale
    case .additive(let k, let w, let b):
      model.kind = PN_ATTRIBUTE_ADDITIVE
      (key, weights, bias) = (k, w, b ?? [])
    }
    try queries.withUnsafeBufferPointer { (queries) throws(KernelError) in
      try key.withUnsafeBufferPointer { (key) throws(KernelError) in
        try weights.withUnsafeBufferPointer { (weights) throws(KernelError) in
          try bias.withUnsafeBufferPointer { (bias) throws(KernelError) in
            model.query = queries.baseAddress
            model.key = key.baseAddress
            model.score = weights.baseAddress
            model.bias = bias.isEmpty ? nil : bias.baseAddress
            try body(&model)
          }
        }
      }
    }
  }

  private func gradients(
    utility: Bool, texts: UnsafeMutablePointer<Float>?, content: UnsafeMutablePointer<Float>?,
    _ body: (UnsafePointer<pn_attribute_model>, UnsafePointer<pn_attribute_gradient>) throws(KernelError) ->
      Void
  ) throws(KernelError) -> Gradients {
    let additive = if case .additive = score { true } else { false }
    // One block holds them all: query, key, score, bias, direction.
    let counts = [
      queries.count, additive ? rank * width : 0, additive ? rank : 0, additive ? rank : 0,
      utility ? width : 0,
    ]
    let starts = counts.reduce(into: [0]) { $0.append($0.last! + $1) }
    var all = [Float](repeating: 0, count: starts[5])
    var beta = 0.0
    try all.withUnsafeMutableBufferPointer { (all) throws(KernelError) in
      func place(_ part: Int) -> UnsafeMutablePointer<Float>? {
        counts[part] == 0 ? nil : all.baseAddress.map { $0 + starts[part] }
      }
      try withUnsafeMutablePointer(to: &beta) { (beta) throws(KernelError) in
        var gradient = pn_attribute_gradient(
          E: texts, query: place(0), key: place(1), bias: place(3), score: place(2), content: content,
          direction: place(4), beta: utility ? beta : nil)
        try withModel { (model) throws(KernelError) in try body(model, &gradient) }
      }
    }
    func part(_ index: Int) -> [Float] { Array(all[starts[index]..<starts[index + 1]]) }
    return Gradients(
      queries: part(0), key: part(1), score: part(2), bias: part(3), direction: part(4), beta: beta)
  }
}
