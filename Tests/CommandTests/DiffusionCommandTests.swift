import Foundation
import Testing

/// From a table of points and pairs of them to drawn samples, by the command alone.
@Suite(.serialized) struct DiffusionCommandTests {
  /// Points around four corners; the class is the half they lie in.
  private static func points(_ count: Int) -> [[Double]] {
    var state: UInt64 = 7
    func unit() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) * 0x1p-53
    }
    return (0..<count).map { (place: Int) -> [Double] in
      let x = Double(place % 2 * 2 - 1)
      let y = Double(place / 2 % 2 * 2 - 1)
      return [x + 0.4 * (unit() - 0.5), y + 0.4 * (unit() - 0.5)]
    }
  }

  private static func table(_ points: [[Double]]) -> String {
    "x,y,class\n" + points.map { "\($0[0]),\($0[1]),\($0[0] > 0 ? "right" : "left")\n" }.joined()
  }

  /// The higher of two points of a class wins.
  private static func pairs(_ points: [[Double]]) -> String {
    (0..<points.count - 2).map { place in
      let (a, b) = (points[place], points[place + 2])
      let (winner, loser) = a[1] > b[1] ? (a, b) : (b, a)
      return
        "{\"winner\": \(winner), \"loser\": \(loser), \"cond\": \"\(winner[0] > 0 ? "right" : "left")\"}\n"
    }.joined()
  }

  private static let small = [
    "--set", "model.network.width=16", "--set", "run.steps=40", "--set", "optimizer.rows=32", "--quiet",
  ]
  private static let brief = [
    "--set", "run.steps=8", "--set", "run.validate_every=4", "--set", "run.checkpoint_every=2", "--set",
    "watching.samples=32", "--set", "sampling.steps=5", "--set", "optimizer.rows=8", "--quiet",
  ]

  @Test func trainAlignEvaluatePredictReportDraw() throws {
    try BuiltCommand.withFolder { folder in
      let points = Self.points(80)
      try Self.table(points).write(toFile: folder + "/points.csv", atomically: true, encoding: .utf8)
      try Self.pairs(points).write(toFile: folder + "/pairs.jsonl", atomically: true, encoding: .utf8)
      let trained = try BuiltCommand.run(
        ["train", "diffusion", "points.csv", "--out", "base", "--json"] + Self.small, in: folder)
      #expect(trained.code == 0, "\(trained.errors)")
      let result = try #require(trained.json)
      #expect(result["system"] as? String == "diffusion" && result["samples"] as? Int == 80)
      #expect(result["classNames"] as? [String] == ["left", "right"], "\(result)")

      let aligned = try BuiltCommand.run(
        ["train", "inpo", "pairs.jsonl", "--model", "base", "--out", "aligned", "--json"] + Self.brief,
        in: folder)
      #expect(aligned.code == 0, "\(aligned.errors)")
      let metrics = try #require(aligned.json?["metrics"] as? [String: Any])
      for name in ["reward", "win_rate", "off_data", "distance", "accuracy/held"] {
        #expect(metrics[name] is Double, "\(name) in \(metrics)")
      }

      let evaluated = try BuiltCommand.run(
        ["evaluate", "aligned", "--data", "pairs.jsonl", "--json"], in: folder)
      #expect(evaluated.code == 0, "\(evaluated.errors)")
      let accuracy = try #require((evaluated.json?["metrics"] as? [String: Double])?["accuracy"])
      #expect(accuracy >= 0 && accuracy <= 1)

      let predicted = try BuiltCommand.run(["predict", "aligned", "--data", "pairs.jsonl"], in: folder)
      let lines = predicted.output.split(separator: "\n")
      #expect(predicted.code == 0 && lines.count == 78, "\(predicted.errors)")
      let wins = lines.count { $0.contains("\"margin\":") && !$0.contains("\"margin\":-") }
      #expect(abs(Double(wins) / 78 - accuracy) < 0.02)

      for run in ["base", "aligned"] {
        let html = try String(contentsOfFile: "\(folder)/\(run)/report.html", encoding: .utf8)
        #expect(html.contains("<svg"))
        try FileManager.default.removeItem(atPath: "\(folder)/\(run)/report.html")
        #expect(try BuiltCommand.run(["report", run], in: folder).code == 0)
        #expect(try String(contentsOfFile: "\(folder)/\(run)/report.html", encoding: .utf8) == html)
      }

      func draw(_ more: [String]) throws -> String? {
        let drawn = try BuiltCommand.run(
          ["diffusion", "sample", "aligned", "--count", "20", "--out", "s.safetensors", "--json"] + more,
          in: folder)
        return drawn.json?["fingerprint"] as? String
      }
      let once = try draw([])
      #expect(try once != nil && once == draw(["--threads", "1"]))
      #expect(try once != draw(["--seed", "1"]) && once != draw(["--class", "left"]))
      let probed = try BuiltCommand.run(
        ["diffusion", "probe", "base", "--data", "pairs.jsonl", "--draws", "8"], in: folder)
      #expect(probed.code == 0 && probed.output.contains("dpo, shared noise"), "\(probed.errors)")
    }
  }

  @Test func aStoppedRunResumesWithTheSameBits() throws {
    try BuiltCommand.withFolder { folder in
      let points = Self.points(60)
      try Self.table(points).write(toFile: folder + "/points.csv", atomically: true, encoding: .utf8)
      try Self.pairs(points).write(toFile: folder + "/pairs.jsonl", atomically: true, encoding: .utf8)
      #expect(
        try BuiltCommand.run(["train", "diffusion", "points.csv", "--out", "base"] + Self.small, in: folder)
          .code == 0)
      func train(_ out: String, _ more: [String]) throws -> Any? {
        try BuiltCommand.run(["train", "inpo", "--out", out, "--json"] + more, in: folder).json?[
          "fingerprint"]
      }
      let data = [
        "--data", "pairs.jsonl", "--model", "base", "--set", "watching.reward=coordinate:1",
      ]
      let whole = try train("whole", data + Self.brief) as? String
      #expect(whole != nil)
      // The first half, as a run that was killed leaves it: checkpoints, no result.
      #expect(try train("half", data + Self.brief) as? String == whole)
      let checkpoints = try FileManager.default.contentsOfDirectory(atPath: folder + "/half/checkpoints")
        .sorted()
      for name in checkpoints where name > "step-000006" && name.hasPrefix("step-") {
        try FileManager.default.removeItem(atPath: "\(folder)/half/checkpoints/\(name)")
      }
      for name in ["model.safetensors", "result.json"] {
        try FileManager.default.removeItem(atPath: "\(folder)/half/\(name)")
      }
      // The starting model is the run's own: that of --model may be gone.
      try FileManager.default.removeItem(atPath: folder + "/base")
      #expect(try train("half", ["--resume", "--quiet"]) as? String == whole)
    }
  }

  @Test func whatDoesNotFitIsSaidBeforeAnythingIsWritten() throws {
    try BuiltCommand.withFolder { folder in
      let points = Self.points(40)
      try Self.table(points).write(toFile: folder + "/points.csv", atomically: true, encoding: .utf8)
      try Self.pairs(points).write(toFile: folder + "/pairs.jsonl", atomically: true, encoding: .utf8)
      try "{\"winner\": [0, 1, 2], \"loser\": [1, 2, 3]}\n".write(
        toFile: folder + "/three.jsonl", atomically: true, encoding: .utf8)
      try "{\"winner\": [0, 1], \"loser\": [1, 1e999]}\n".write(
        toFile: folder + "/broken.jsonl", atomically: true, encoding: .utf8)
      #expect(
        try BuiltCommand.run(["train", "diffusion", "points.csv", "--out", "base"] + Self.small, in: folder)
          .code == 0)
      func refused(_ arguments: [String], _ code: Int32, _ parts: String...) throws {
        let tried = try BuiltCommand.run(arguments, in: folder)
        #expect(tried.code == code, "\(arguments): \(tried.errors)")
        for part in parts { #expect(tried.errors.contains(part), "\(part) in \(tried.errors)") }
        #expect(!FileManager.default.fileExists(atPath: folder + "/run/config.yaml"))
      }
      try refused(["train", "inpo", "pairs.jsonl", "--out", "run"], 64, "--model RUN is needed")
      try refused(
        ["train", "inpo", "three.jsonl", "--model", "base", "--out", "run"], 2, "3 coordinates",
        "2 coordinates")
      try refused(
        ["train", "inpo", "broken.jsonl", "--model", "base", "--out", "run"], 2, "broken.jsonl:1", "loser")
      try refused(["train", "inpo", "pairs.jsonl", "--model", "points.csv", "--out", "run"], 2, "points.csv")
      try refused(
        ["train", "inpo", "pairs.jsonl", "--model", "base", "--out", "run", "--method", "inop"], 64, "inop")
      try refused(
        ["train", "inpo", "pairs.jsonl", "--model", "base", "--out", "run", "--set", "watching.reward=ik"],
        64, "ik")
      try refused(["train", "diffusion", "points.csv", "--out", "run", "--method", "dpo"], 64, "--method")
      try refused(["train", "diffusion", "points.csv", "--out", "run", "--size", "8by8"], 1, "8by8")
      try refused(["predict", "base", "--data", "pairs.jsonl"], 64, "never aligned")
      try refused(["diffusion", "sample", "base", "--out", "s.png", "--class", "up"], 64, "up")
    }
  }
}
