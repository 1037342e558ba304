import PenchantTrain
import Testing

@Suite struct LBFGSTests {
  @Test func theValleyOfRosenbrockIsFollowedToItsEnd() throws {
    var values: [Double] = []
    let solution = try LBFGS(tolerance: 1e-10).minimise(from: [-1.2, 1, 3, -2]) { x, g in
      // Two valleys side by side.
      var sum = 0.0
      for k in [0, 2] {
        let (a, b) = (1 - x[k], x[k + 1] - x[k] * x[k])
        sum += a * a + 100 * b * b
        g[k] = -2 * a - 400 * x[k] * b
        g[k + 1] = 200 * b
      }
      values.append(sum)
      return sum
    }
    #expect(solution.converged && solution.steps < 120)
    #expect(solution.point.allSatisfy { abs($0 - 1) < 1e-7 }, "\(solution.point)")
    #expect(solution.value <= values.min() ?? .infinity)
  }

  @Test func stepsNeverGoUpAndEndAtTheLimit() throws {
    func run(_ limit: Int) throws -> LBFGS.Solution {
      try LBFGS(stepLimit: limit).minimise(from: [5, -3]) { x, g in
        (g[0], g[1]) = (4 * x[0] * x[0] * x[0], 2 * x[1])
        return x[0] * x[0] * x[0] * x[0] + x[1] * x[1]
      }
    }
    var last = Double.infinity
    for limit in 0..<12 {
      let solution = try run(limit)
      #expect(solution.steps <= limit && solution.value <= last)
      last = solution.value
    }
    #expect(try run(0).point == [5, -3])
  }

  @Test func theSumOfProductsDoesNotDependOnMoreThanItsLength() {
    let x = (0..<11).map { Double($0) }
    #expect(dot(x, x) == 385 && dot([], []) == 0 && dot([1, 2], [3, 4, 5]) == 11)
  }
}
