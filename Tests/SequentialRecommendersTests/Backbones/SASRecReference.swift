import Foundation

@testable import SequentialRecommenders

/// SASRec, and BERT4Rec when not causal, written from the formulas in Double, one history at a time, without packing.
struct SASRecReference {
  var parameters: [String: [Double]]
  let model: SASRecConfiguration.Model
  let itemCount: Int
  var isCausal = true
  /// Stands for an item that is hidden.
  static let hidden = -1

  private func row(_ name: String, _ index: Int, _ width: Int) -> [Double] {
    Array(parameters[name]![index * width..<(index + 1) * width])
  }
  private func linear(_ x: [Double], _ name: String) -> [Double] {
    let (weight, bias) = (parameters["\(name).weight"]!, parameters["\(name).bias"]!)
    return bias.indices.map { o in bias[o] + x.indices.reduce(0) { $0 + weight[o * x.count + $1] * x[$1] } }
  }
  private func norm(_ x: [Double], _ name: String) -> [Double] {
    let mean = x.reduce(0, +) / Double(x.count)
    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
    let (scale, shift) = (parameters["\(name).weight"]!, parameters["\(name).bias"]!)
    return x.indices.map { (x[$0] - mean) / (variance + 1e-12).squareRoot() * scale[$0] + shift[$0] }
  }
  private func gelu(_ x: Double) -> Double { 0.5 * x * (1 + erf(x / 2.0.squareRoot())) }
  private func sum(_ x: [Double], _ y: [Double]) -> [Double] { zip(x, y).map { $0 + $1 } }

  /// What each row of queries, keys and values `[3 · width]` attends to.
  private func attention(_ qkv: [[Double]], seen: (Int) -> ClosedRange<Int>) -> [[Double]] {
    let (d, h) = (model.width, model.heads)
    let size = d / h
    return qkv.indices.map { t in
      let seen = seen(t)
      return (0..<h).flatMap { head -> [Double] in
        let scores = seen.map { j in
          (0..<size).reduce(0) { $0 + qkv[t][head * size + $1] * qkv[j][d + head * size + $1] }
            / Double(size).squareRoot()
        }
        let weights = scores.map { exp($0) }
        let total = weights.reduce(0, +)
        return (0..<size).map { c in
          seen.reduce(0) { $0 + weights[$1] / total * qkv[$1][2 * d + head * size + c] }
        }
      }
    }
  }

  /// States of all positions of a history of items from 0.
  func states(_ items: [Int]) -> [[Double]] {
    encode(embedded(items)) { isCausal ? 0...$0 : 0...items.count - 1 }
  }

  /// States r_0 … r_K of a history that thinks: each is the last state of the history with all thoughts so far, encoded anew
  /// (ReaRec, eq. 4). Items never see a thought.
  ///
  /// - Parameters:
  ///   - clean: the states that thoughts start from, by default the history's own.
  ///   - noise: what is added to the thought of each step.
  func thoughts(
    _ items: [Int], steps: Int, from clean: [[Double]]? = nil, noise: [[Double]] = []
  ) -> [[Double]] {
    var inputs = embedded(items)
    var states = [self.states(items)[items.count - 1]]
    for step in 0..<steps {
      var input = (clean ?? states)[step]
      if step < noise.count { input = sum(input, noise[step]) }
      if parameters["thoughts.weight"] != nil {
        input = sum(input, row("thoughts.weight", step, model.width))
      }
      inputs.append(input)
      let all = encode(inputs) { $0 >= items.count || isCausal ? 0...$0 : 0...items.count - 1 }
      states.append(all[all.count - 1])
    }
    return states
  }

  private func embedded(_ items: [Int]) -> [[Double]] {
    items.indices.map {
      sum(
        items[$0] == Self.hidden
          ? row("mask.weight", 0, model.width) : row("items.weight", items[$0], model.width),
        row("places.weight", $0, model.width))
    }
  }

  /// - Parameter seen: the rows that each row attends to.
  private func encode(_ inputs: [[Double]], seen: (Int) -> ClosedRange<Int>) -> [[Double]] {
    var x = inputs
    let post = model.norm == .post
    if post { x = x.map { norm($0, "norm") } }
    for layer in 0..<model.layers {
      let name = "blocks.\(layer)"
      let mixed = attention(
        x.map { linear(post ? $0 : norm($0, "\(name).norm1"), "\(name).attention.qkv") }, seen: seen)
      x = x.indices.map { sum(x[$0], linear(mixed[$0], "\(name).attention.out")) }
      if post { x = x.map { norm($0, "\(name).norm1") } }
      x = x.map { row in
        let inner = linear(post ? row : norm(row, "\(name).norm2"), "\(name).inner").map(gelu)
        return sum(row, linear(inner, "\(name).outer"))
      }
      if post { x = x.map { norm($0, "\(name).norm2") } }
    }
    return post ? x : x.map { norm($0, "norm") }
  }

  /// BERT4Rec's head.
  func head(_ state: [Double]) -> [Double] { norm(linear(state, "head").map(gelu), "head.norm") }

  func score(_ state: [Double], _ item: Int) -> Double {
    zip(state, row("items.weight", item, model.width)).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
