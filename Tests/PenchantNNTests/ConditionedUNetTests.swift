import PenchantNN
import PenchantTape
import TapeSupport
import TestSupport
import Testing

struct ConditionedUNetTests {
  static let small: ConditionedUNetConfiguration = {
    var c = ConditionedUNetConfiguration(
      height: 4, width: 2, channels: 2, widths: [4, 6], blocks: [1, 1], down: [.none, .context],
      up: [.context, .pixels], heads: [2, 2], depths: [1, 2], embedding: 6)
    c.groups = 2
    c.context = 5
    c.places = 3
    c.classes = 2
    c.added = 3
    c.hasLabels = true
    return c
  }()

  @Test(.enabled(if: isOptimised, "runs in release")) func layersOfLatents() throws {
    try checkLayers("ContextBlock") {
      ContextBlock(8, context: 5, heads: 2, named: "b", in: &$1)(
        $0.input([2, 6, 8]), context: $0.input([2, 3, 5]))
    }
    try checkLayers("ContextTransformer") {
      ContextTransformer(8, context: 5, heads: 2, depth: 2, groups: 2, named: "t", in: &$1)(
        $0.input([2, 3, 2, 8]), context: $0.input([2, 3, 5]))
    }
    try checkLayers("ResidualBlock that adds") {
      ResidualBlock(4, 6, embedding: 5, groups: 2, conditioning: .sum, named: "r", in: &$1)(
        $0.input([2, 4, 3, 4]), embedding: $0.input([2, 5]))
    }
  }

  @Test(.enabled(if: isOptimised, "runs in release")) func gradientOfTheWholeNetwork() throws {
    for padsAfter in [false, true] {
      var c = Self.small
      c.padsAfter = padsAfter
      c.scalesAndShifts = padsAfter
      try checkLayers("ConditionedUNet, padded behind: \(padsAfter)") { graph, layout in
        let network = try ConditionedUNet(c, in: &layout)
        // Also of what no training changes.
        layout = layout.training { _ in true }
        return network(
          graph.input([2 * 8, 2]), waves: graph.input([2, 4]), classes: graph.ids([2], below: 3))
      }
    }
  }

  @Test func noTrainingChangesWhatAClassIsTold() throws {
    var layout = ParameterLayout()
    _ = try ConditionedUNet(Self.small, in: &layout)
    let frozen = layout.entries.filter { !$0.isTrainable }.map(\.parameter.name)
    #expect(frozen == ["context.tokens", "context.added"])
  }

  @Test func configurationsThatCannotBeAreNamed() {
    func problem(_ change: (inout ConditionedUNetConfiguration) -> Void) -> String {
      var configuration = Self.small
      change(&configuration)
      var layout = ParameterLayout()
      do {
        _ = try ConditionedUNet(configuration, in: &layout)
        return ""
      } catch { return "\(error)" }
    }
    #expect(Self.small.problem == nil)
    #expect(problem { $0.widths = [] }.contains("levels is 0"))
    #expect(problem { $0.widths = [4, -6] }.contains("width is -6"))
    #expect(problem { $0.widths = [4, 7] }.contains("width 7 is not a multiple of 2 groups"))
    #expect(problem { $0.heads = [2, 4] }.contains("width 6 is not a multiple of 4 heads"))
    #expect(problem { $0.heads = [2, 0] }.contains("heads is 0"))
    #expect(problem { $0.heads = [2] }.contains("heads has 1 entries for 2"))
    #expect(problem { $0.blocks = [1, 0] }.contains("blocks is 0"))
    #expect(problem { $0.depths = [1, .max] }.contains("depths is \(Int.max)"))
    #expect(problem { $0.height = 5 }.contains("5×2"))
    #expect(problem { $0.height = 0 }.contains("height is 0"))
    #expect(problem { $0.groups = 0 }.contains("groups is 0"))
    #expect(problem { $0.context = 0 }.contains("context is 0"))
    #expect(problem { $0.classes = 0 }.contains("classes is 0"))
    #expect(problem { $0.epsilon = .nan }.contains("epsilon is nan"))
    #expect(problem { $0.timeShift = 2 }.contains("timeShift is 2"))
    #expect(problem { $0.middleBlocks = 65 }.contains("middleBlocks is 65"))
    #expect(
      problem {
        ($0.down, $0.up, $0.middle) = ([.none, .none], [.none, .none], .none)
        ($0.context, $0.added, $0.hasLabels) = (0, 0, false)
      }.contains("nothing depends on a class"))
  }

  @Test func inputsThatDoNotFitAreNamed() throws {
    var layout = ParameterLayout()
    let network = try ConditionedUNet(Self.small, in: &layout)
    #expect(
      refusal { network($0.input("x", [8, 2]), waves: $0.input("t", [1, 4])) }.contains("classes none"))
    #expect(
      refusal { network($0.input("x", [7, 2]), waves: $0.input("t", [1, 4]), classes: $0.ids("c", [1])) }
        .contains("[7, 2]"))
    #expect(
      refusal { network($0.input("x", [8, 2]), waves: $0.input("t", [1, 5]), classes: $0.ids("c", [1])) }
        .contains("[1, 5]"))
  }
}
