import PenchantTape
import TestSupport
import Testing

extension Graph {
  /// The recorded gradient against finite differences of the loss in Double.
  /// Central differences with one Richardson step: error about 1e-10.
  package func checkRule(_ loss: Tensor, name: String) throws {
    #expect(loss.tape.error == nil, "\(name)")
    let reference = try self.reference(loss)
    for (parameter, _) in parameters {
      let gradient = reference.gradients[parameter] ?? [Double](repeating: 0, count: parameter.count)
      var difference: [Double] = []
      var checked: [Double] = []
      for i in stride(from: 0, to: parameter.count, by: max(parameter.count / 12, 1)) {
        let h = 1e-4
        let wide =
          try self.loss(loss, moving: parameter, i, by: 2 * h)
          - self.loss(loss, moving: parameter, i, by: -2 * h)
        let narrow =
          try self.loss(loss, moving: parameter, i, by: h) - self.loss(loss, moving: parameter, i, by: -h)
        difference.append((8 * narrow - wide) / (12 * h))
        checked.append(gradient[i])
      }
      #expect(distance(checked, difference) < 1e-6, "\(name), \(parameter.name) \(parameter.shape)")
    }
  }

  package func checkProgram(_ loss: Tensor, name: String) throws {
    let reference = try self.reference(loss)
    let plain = try compiled(loss, CompileOptions(reuse: false, fuse: false))
    let reused = try compiled(loss, CompileOptions(reuse: true, fuse: false))
    let fused = try compiled(loss)
    let fusedApart = try compiled(loss, CompileOptions(reuse: false, fuse: true))
    for (run, what) in [(plain, "plain"), (reused, "reused"), (fused, "fused")] {
      #expect(
        abs(Double(run.loss) - reference.loss) <= 1e-5 * max(1, abs(reference.loss)), "\(name), \(what)")
      for (parameter, gradient) in run.gradients {
        let expected = reference.gradients[parameter] ?? [Double](repeating: 0, count: parameter.count)
        #expect(
          distance(gradient.map(Double.init), expected, floor: 1e-2) < 1e-4,
          "\(name), \(what), \(parameter.name) \(parameter.shape)")
      }
    }
    #expect(plain.loss.bitPattern == reused.loss.bitPattern, "\(name)")
    #expect(fused.loss.bitPattern == fusedApart.loss.bitPattern, "\(name)")
    for (parameter, gradient) in plain.gradients {
      #expect(gradient.map(\.bitPattern) == reused.gradients[parameter]?.map(\.bitPattern), "\(name), reuse")
    }
    for (parameter, gradient) in fused.gradients {
      #expect(
        gradient.map(\.bitPattern) == fusedApart.gradients[parameter]?.map(\.bitPattern),
        "\(name), reuse, fused")
    }
    #expect(fused.facts.operations <= plain.facts.operations)
    #expect(reused.facts.arenaBytes <= plain.facts.arenaBytes, "\(name)")
  }
}

/// Checks the graph and the gradients of layers that `build` registers and calls.
package func checkLayers(
  _ name: String, _ build: (Graph, inout ParameterLayout) throws -> Tensor
) throws {
  var layout = ParameterLayout()
  let graph = Graph(seed: testSeed)
  let y = try build(graph, &layout)
  graph.adopt(layout)
  let loss = (y * graph.input(y.shape)).sum()
  try graph.checkRule(loss, name: name)
  try graph.checkProgram(loss, name: name)
}

/// What recording was refused with; empty when it was not.
package func refusal(_ record: (Tape) -> Tensor) -> String {
  let tape = Tape()
  _ = record(tape)
  return tape.error.map { "\($0)" } ?? ""
}
