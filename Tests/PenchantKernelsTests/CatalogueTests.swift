import CPenchant
import Foundation
import PenchantKernels
import TestSupport
import Testing

/// `[rows, items, width]` and what each row aims at; every fifth row is ignored, every seventh weighs nothing.
private struct Problem {
  let shape: CatalogueShape
  let targets: [UInt32]
  let weights: [Float]

  init(_ numbers: [Int]) {
    shape = CatalogueShape(rows: numbers[0], items: numbers[1], width: numbers[2])
    let items = numbers[1]
    targets = (0..<numbers[0]).map { row -> UInt32 in
      row % 5 == 4 ? catalogueIgnore : UInt32(row * 7919 % max(items, 1))
    }
    let cycle: [Float] = [0.5, 1, 1.5]
    weights = (0..<numbers[0]).map { row in row % 7 == 6 ? 0 : cycle[row % 3] }
  }

  var counts: [Int] { [shape.rows * shape.width, shape.items * shape.width, shape.items] }

  func losses(_ inputs: [[Float]]) throws -> (mean: Double, each: [Float]) {
    var mean = 0.0
    let (hidden, table, offsets) = (inputs[0], inputs[1], inputs[2])
    let each = try filled(shape.rows) { (out: inout MutableSpan<Float>) throws in
      mean = try catalogueLoss(
        shape, hidden: hidden.span, items: table.span, bias: offsets.span, targets: targets.span,
        weights: weights.span, losses: &out)
    }
    return (mean, each)
  }

  func gradients(_ inputs: [[Float]], scale: Float = 1, start: Float? = nil) throws -> (
    mean: Double, parts: [[Float]]
  ) {
    let (rows, table, offsets) = (inputs[0], inputs[1], inputs[2])
    var hidden = [Float](repeating: .nan, count: inputs[0].count)
    var items = [Float](repeating: start ?? .nan, count: inputs[1].count)
    var bias = [Float](repeating: start ?? .nan, count: inputs[2].count)
    var a = hidden.mutableSpan
    var b = items.mutableSpan
    var c = bias.mutableSpan
    let mean = try catalogueLossGradient(
      shape, scale: scale, accumulating: start != nil, hidden: rows.span, items: table.span,
      bias: offsets.span, targets: targets.span, weights: weights.span, hiddenGradient: &a, itemsGradient: &b,
      biasGradient: &c)
    return (mean, [hidden, items, bias])
  }

  /// Mean, losses and gradients from the formula.
  func reference(_ inputs: [[Double]]) -> (mean: Double, losses: [Double], gradients: [[Double]]) {
    let d = shape.width
    let total = targets.indices.reduce(0.0) {
      $0 + (targets[$1] == catalogueIgnore ? 0 : Double(weights[$1]))
    }
    var losses = [Double](repeating: 0, count: shape.rows)
    var gradients = counts.map { [Double](repeating: 0, count: $0) }
    var mean = 0.0
    for i in 0..<shape.rows where targets[i] != catalogueIgnore && weights[i] != 0 {
      let logits = (0..<shape.items).map { v in
        (0..<d).reduce(inputs[2][v]) { $0 + inputs[0][i * d + $1] * inputs[1][v * d + $1] }
      }
      let top = logits.max() ?? 0
      let sum = logits.reduce(0) { $0 + exp($1 - top) }
      losses[i] = top + log(sum) - logits[Int(targets[i])]
      let share = Double(weights[i]) / total
      mean += share * losses[i]
      for v in 0..<shape.items {
        let g = share * (exp(logits[v] - top) / sum - (v == Int(targets[i]) ? 1 : 0))
        gradients[2][v] += g
        for j in 0..<d {
          gradients[0][i * d + j] += g * inputs[1][v * d + j]
          gradients[1][v * d + j] += g * inputs[0][i * d + j]
        }
      }
    }
    return (mean, losses, gradients)
  }
}

private let shapes = [
  [0, 5, 3], [1, 1, 1], [1, 7, 2], [4, 3, 5], [5, 17, 4], [16, 33, 8], [17, 64, 3], [12, 255, 6],
  [20, 257, 16],
  [63, 90, 17], [65, 100, 5], [130, 600, 4], [300, 270, 3], [10, 40, 70], [6, 9, 0],
]

extension OpCase {
  fileprivate static let catalogueLosses = OpCase(
    "Catalogue_losses", shapes: shapes, inputs: [.uniform, .uniform(-1, 1), .smallIntegers],
    counts: { Problem($0).counts },
    call: { shape, inputs in
      let (mean, losses) = try Problem(shape).losses(inputs)
      return [losses, [Float(mean)]]
    },
    reference: { shape, inputs in
      let (mean, losses, _) = Problem(shape).reference(inputs)
      return [losses, [mean]]
    },
    tolerance: .close(relative: 4e-6, absolute: 4e-5))

  fileprivate static let catalogueMean = OpCase(
    "Catalogue_mean", shapes: shapes, inputs: [.uniform(-1, 1)], counts: { Problem($0).counts },
    call: { shape, inputs in [[Float(try Problem(shape).gradients(inputs).mean)]] },
    reference: { shape, inputs in [[Problem(shape).reference(inputs).mean]] },
    gradient: { shape, inputs, upstream in try Problem(shape).gradients(inputs, scale: upstream[0][0]).parts
    },
    tolerance: .close(relative: 2e-6, absolute: 2e-6),
    gradientTolerance: .close(relative: 1e-4, absolute: 2e-6))

  fileprivate static let catalogueGradients = OpCase(
    "Catalogue_gradients", shapes: shapes, inputs: [.uniform, .uniform(-1, 1)],
    counts: { Problem($0).counts },
    call: { shape, inputs in try Problem(shape).gradients(inputs).parts },
    reference: { shape, inputs in Problem(shape).reference(inputs).gradients },
    tolerance: .close(relative: 2e-5, absolute: 4e-6))
}

@Suite struct CatalogueTests {
  @Test(arguments: [OpCase.catalogueLosses, .catalogueMean, .catalogueGradients])
  func matchesReference(_ op: OpCase) throws { try op.compare() }

  @Test func gradientIsRight() throws { try OpCase.catalogueMean.checkGradient(places: 8, largest: 3000) }

  @Test(arguments: [2, 3, 5]) func sameBits(_ threads: Int) throws {
    try OpCase.catalogueLosses.checkBits(threads)
    try OpCase.catalogueGradients.checkBits(threads)
  }

  @Test func gradientsAddToWhatIsThere() throws {
    let problem = Problem([70, 300, 5])
    var generator = TestGenerator(stream: "accumulate")
    let inputs = problem.counts.map { generator.floats($0, .uniform(-1, 1)) }
    let fresh = try problem.gradients(inputs).parts
    let added = try problem.gradients(inputs, start: 2).parts
    #expect(bits(fresh[0]) == bits(added[0]))
    for part in [1, 2] {
      #expect(zip(fresh[part], added[part]).allSatisfy { abs($0 + 2 - $1) < 1e-6 })
    }
  }

  /// However many rows are given at once, and up to 90,000 items: losses and gradients are those of rows given one by one.
  @Test(arguments: [1, 7, 256]) func chunksOfRowsDoNotMatter(_ chunk: Int) throws {
    let (rows, items, width) = (chunk == 1 ? 12 : 260, chunk == 256 ? 90_000 : 4001, 5)
    let whole = Problem([rows, items, width])
    var generator = TestGenerator(stream: "chunks")
    let inputs = whole.counts.map { generator.floats($0, .uniform(-1, 1)) }
    func run(_ some: Range<Int>) throws -> (losses: [Float], hidden: [Float], items: [Double]) {
      let shape = CatalogueShape(rows: some.count, items: items, width: width)
      let hidden = Array(inputs[0][some.lowerBound * width..<some.upperBound * width])
      let (table, offsets) = (inputs[1], inputs[2])
      let targets = some.map { UInt32($0 * 7919 % items) }
      var (losses, none) = ([Float](repeating: 0, count: some.count), [Float]())
      var (dHidden, dItems) = (
        [Float](repeating: 0, count: hidden.count), [Float](repeating: 0, count: items * width)
      )
      var a = losses.mutableSpan
      var b = dHidden.mutableSpan
      var c = dItems.mutableSpan
      var d = none.mutableSpan
      _ = try catalogueLoss(
        shape, hidden: hidden.span, items: table.span, bias: offsets.span, targets: targets.span,
        losses: &a)
      // The gradient of the sum of the losses.
      _ = try catalogueLossGradient(
        shape, scale: Float(some.count), hidden: hidden.span, items: table.span, bias: offsets.span,
        targets: targets.span, hiddenGradient: &b, itemsGradient: &c, biasGradient: &d)
      return (losses, dHidden, dItems.map(Double.init))
    }
    let all = try run(0..<rows)
    var (losses, hidden, table): ([Float], [Float], [Double]) = ([], [], [])
    for first in stride(from: 0, to: rows, by: chunk) {
      let part = try run(first..<min(first + chunk, rows))
      losses += part.losses
      hidden += part.hidden
      table = table.isEmpty ? part.items : zip(table, part.items).map(+)
    }
    func apart(_ a: [Double], _ b: [Double]) -> Double {
      let scale = b.reduce(0) { max($0, abs($1)) }
      return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / scale
    }
    #expect(apart(losses.map(Double.init), all.losses.map(Double.init)) < 1e-5)
    #expect(apart(hidden.map(Double.init), all.hidden.map(Double.init)) < 1e-5)
    #expect(apart(table, all.items) < 1e-5)
  }

  /// What is needed besides inputs and results: a few numbers a row, and a chunk of scores that more rows do not make larger.
  @Test(arguments: [12_101, 90_000]) func memoryDoesNotGrowWithTheRows(_ items: Int) throws {
    let (few, many) = (4096, 1 << 20)
    let bytes = [few, many].map { pn_catalogue_loss_workspace($0, items, 64) }
    #expect(bytes[1] - bytes[0] <= 12 * (many - few) + 1024)
    #expect(bytes[0] < few * items * 4 / 8, "\(bytes[0]) bytes")
  }

  @Test func rowsThatDoNotCountAreNotRead() throws {
    let problem = Problem([20, 30, 4])
    var generator = TestGenerator(stream: "ignored")
    var inputs = problem.counts.map { generator.floats($0, .uniform(-1, 1)) }
    let clean = try problem.gradients(inputs)
    for row in 0..<20 where row % 5 == 4 || row % 7 == 6 {
      for j in 0..<4 { inputs[0][row * 4 + j] = .nan }
    }
    let spoilt = try problem.gradients(inputs)
    #expect(clean.mean == spoilt.mean && bits(clean.parts) == bits(spoilt.parts))
  }

  @Test func nothingToCountGivesZeros() throws {
    let shape = CatalogueShape(rows: 2, items: 3, width: 2)
    var hidden = [Float](repeating: .nan, count: 4)
    var items = [Float](repeating: .nan, count: 6)
    var none: [Float] = []
    var a = hidden.mutableSpan
    var b = items.mutableSpan
    var c = none.mutableSpan
    let mean = try catalogueLossGradient(
      shape, hidden: [1, 2, 3, 4].span, items: [1, 2, 3, 4, 5, 6].span,
      targets: [catalogueIgnore, catalogueIgnore].span, hiddenGradient: &a, itemsGradient: &b,
      biasGradient: &c)
    #expect(mean == 0 && hidden == [0, 0, 0, 0] && items == [Float](repeating: 0, count: 6))
  }

  @Test func aTargetOutsideIsRefusedAndNothingIsWritten() throws {
    let shape = CatalogueShape(rows: 2, items: 3, width: 1)
    var losses: [Float] = [7, 7]
    #expect(throws: KernelError.self) {
      var span = losses.mutableSpan
      _ = try catalogueLoss(
        shape, hidden: [1, 2].span, items: [1, 2, 3].span, targets: [0, 3].span, losses: &span)
    }
    #expect(losses == [7, 7])
  }

  @Test func aNaNRowSpoilsItselfAndItemsWithMinusInfinityHaveNoShare() throws {
    let shape = CatalogueShape(rows: 3, items: 3, width: 1)
    var out = [Float](repeating: 0, count: 3)
    var span = out.mutableSpan
    let mean = try catalogueLoss(
      shape, hidden: [0, .nan, 0].span, items: [1, 1, 1].span, bias: [0, -.infinity, 0].span,
      targets: [0, 0, 1].span, losses: &span)
    #expect(mean.isNaN && out[1].isNaN && out[0] == Float(log(2.0)) && out[2] == .infinity)
  }

  @Test func logProbabilitiesAreMinusTheLosses() throws {
    let problem = Problem([130, 300, 6])
    var generator = TestGenerator(stream: "logprob")
    let inputs = problem.counts.map { generator.floats($0, .uniform(-1, 1)) }
    let (_, losses) = try problem.losses(inputs)
    let (hidden, table, offsets) = (inputs[0], inputs[1], inputs[2])
    var sums = [Float](repeating: 0, count: 130)
    let got = try filled(130) { (out: inout MutableSpan<Float>) throws in
      var span = sums.mutableSpan
      try catalogueLogProbabilities(
        problem.shape, hidden: hidden.span, items: table.span, bias: offsets.span,
        targets: problem.targets.span, into: &out, logSums: &span)
    }
    for row in 0..<130 where problem.targets[row] != catalogueIgnore && problem.weights[row] != 0 {
      #expect(got[row] == -losses[row])
    }
    #expect(got[4] == 0 && sums.allSatisfy { $0.isFinite })
  }

  /// Value and gradients of the sampled form, with accidental hits and both corrections.
  @Test(arguments: [[3, 4, 2], [20, 7, 5], [70, 300, 17], [5, 0, 3], [0, 3, 2]])
  func sampledLossMatchesReference(_ numbers: [Int]) throws {
    let (n, c, d, items) = (numbers[0], numbers[1], numbers[2], 400)
    var generator = TestGenerator(stream: "sampled \(numbers)")
    let hidden = generator.floats(n * d, .uniform(-1, 1))
    let table = generator.floats(items * d, .uniform(-1, 1))
    let candidates = (0..<c).map { UInt32($0 * 31 % items) }
    let targets = (0..<n).map { $0 % 4 == 3 ? catalogueIgnore : UInt32($0 * 62 % items) }
    let logQ = generator.floats(c, .uniform(-6, -1))
    let targetLogQ = generator.floats(n, .uniform(-6, -1))

    var mean = 0.0
    var dHidden = [Double](repeating: 0, count: n * d)
    var dTargets = dHidden
    var dCandidates = [Double](repeating: 0, count: c * d)
    let counted = Double(max(1, targets.count { $0 != catalogueIgnore }))
    for i in 0..<n where targets[i] != catalogueIgnore {
      func score(_ id: UInt32) -> Double {
        (0..<d).reduce(0) { $0 + Double(hidden[i * d + $1]) * Double(table[Int(id) * d + $1]) }
      }
      let taken = (0..<c).filter { candidates[$0] != targets[i] }
      let logits =
        [score(targets[i]) - Double(targetLogQ[i])] + taken.map { score(candidates[$0]) - Double(logQ[$0]) }
      let top = logits.max() ?? 0
      let sum = logits.reduce(0) { $0 + exp($1 - top) }
      mean += (top + log(sum) - logits[0]) / counted
      for (place, logit) in logits.enumerated() {
        let g = (exp(logit - top) / sum - (place == 0 ? 1 : 0)) / counted
        let id = Int(place == 0 ? targets[i] : candidates[taken[place - 1]])
        for j in 0..<d {
          dHidden[i * d + j] += g * Double(table[id * d + j])
          if place == 0 {
            dTargets[i * d + j] += g * Double(hidden[i * d + j])
          } else {
            dCandidates[taken[place - 1] * d + j] += g * Double(hidden[i * d + j])
          }
        }
      }
    }

    func run() throws -> (Double, [[Float]]) {
      var a = [Float](repeating: .nan, count: n * d)
      var b = [Float](repeating: .nan, count: c * d)
      var t = a
      var aSpan = a.mutableSpan
      var bSpan = b.mutableSpan
      var tSpan = t.mutableSpan
      let got = try sampledCatalogueLoss(
        CatalogueShape(rows: n, items: items, width: d), hidden: hidden.span, items: table.span,
        targets: targets.span,
        targetLogQ: targetLogQ.span, candidates: candidates.span, candidateLogQ: logQ.span,
        hiddenGradient: &aSpan,
        candidatesGradient: &bSpan, targetsGradient: &tSpan)
      return (got, [a, b, t])
    }
    let (got, parts) = try run()
    #expect(abs(got - mean) < 2e-6 * (1 + abs(mean)))
    for (some, want) in zip(parts, [dHidden, dCandidates, dTargets]) {
      #expect(zip(some, want).allSatisfy { abs(Double($0) - $1) < 2e-6 })
    }
    let again = try Team.with(threads: 3) { () throws in try run() }
    #expect(again.0 == got && bits(again.1) == bits(parts))
  }
}
