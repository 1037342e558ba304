import PenchantKernels
import PolicyOptimisation
import PreferenceModels

private let rewards = 10_000_000

extension BenchCase {
  /// Shaped rewards of 10⁷ answers, and steps of a policy of the token world.
  static let policy =
    [
      shaping("par_shaping n=1e7 M=1", references: 1), shaping("par_shaping n=1e7 M=10", references: 10),
      world,
    ]

  /// A reward and its references in, a shaped reward out.
  private static func shaping(_ name: String, references: Int) -> BenchCase {
    BenchCase(
      name: name,
      work: Work(
        bytes: Double(4 * rewards * (2 + references)), level: .dram,
        exponentials: Double(rewards * references))
    ) {
      let reward = try Floats(normal: rewards)
      let reference = try Floats(normal: rewards * references, seed: 2)
      let shaped = try Floats(zeros: rewards)
      return {
        var out = shaped.storage.mutableSpan
        try shapeRewards(
          ShapingFunction(.sigmoid), reward.values.span, references: reference.values.span,
          perPrompt: references, into: &out)
      }
    }
  }

  /// 128 answers drawn, scored, shaped by PAR, and one PPO step of policy and critic on them; ten such steps.
  private static let world = BenchCase(name: "token_world B=128, 10 steps of PPO", work: Work()) {
    var task = try OveroptimisationTask(
      PreparedWorld(seed: 0), shaping: RewardShaping(.par), policy: PolicyConfiguration())
    var number = 0
    return {
      for _ in 0..<10 {
        _ = try task.step(number)
        number += 1
      }
    }
  }
}
