import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct PARCommandTests {
  @Test func predictShapesAStream() throws {
    try BuiltCommand.withFolder { folder in
      let lines = """
        {"id": "a", "reward": 1.0, "references": [1.0, 1.0]}
        {"prompt_id": "p", "reward": 20}

        """
      try "{\"prompt_id\": \"p\", \"references\": [0.0]}\n".write(
        toFile: folder + "/table.jsonl", atomically: true, encoding: .utf8)
      let shaped = try BuiltCommand.run(
        ["predict", "par", "--data", "-", "--references", "table.jsonl"], in: folder, input: lines)
      #expect(shaped.code == 0, "\(shaped.errors)")
      #expect(
        shaped.output
          == "{\"id\":\"a\",\"reward\":1,\"shaped\":0.5}\n{\"prompt_id\":\"p\",\"reward\":20,\"shaped\":1}\n")
      let running = try BuiltCommand.run(
        ["predict", "par", "--data", "-", "--shaping", "minmax"], in: folder,
        input: "{\"reward\": 3}\n{\"reward\": 5}\n")
      #expect(running.output.contains("\"shaped\":0}") && running.output.contains("\"shaped\":1}"))
      for (input, arguments, part, code) in [
        ("{\"reward\": 1}\n", [String](), ":1: \"references\" is missing", 2),
        ("{\"reward\": \"x\"}\n", [], ":1: \"reward\" is", 2),
        ("{\"reward\": 1}\n", ["--shaping", "minmix"], "did you mean \"minmax\"?", 64),
        ("{\"reward\": 1, \"references\": [1]}\n", ["--shaping", "lsc"], "lsc needs two or more", 2),
        ("{\"reward\": 1, \"references\": [1]}\n", ["--slope", "0"], "shaping.slope must be above 0", 64),
      ] {
        let refused = try BuiltCommand.run(
          ["predict", "par", "--data", "-"] + arguments, in: folder, input: input)
        #expect(refused.code == Int32(code) && refused.errors.contains(part), "\(refused.errors)")
      }
    }
  }

  @Test func inspectCountsRewards() throws {
    try BuiltCommand.withFolder { folder in
      try "{\"reward\": 9, \"references\": [1, 2]}\n{\"reward\": 1}\n".write(
        toFile: folder + "/rewards.jsonl", atomically: true, encoding: .utf8)
      let found = try BuiltCommand.run(["inspect", "rewards.jsonl", "--json"], in: folder)
      let json = try #require(found.json)
      #expect(found.code == 0 && json["answers"] as? Int == 2 && json["saturated"] as? Int == 1)
      try "{\"reward\": 1}\n{\"reward\": []}\n".write(
        toFile: folder + "/bad.jsonl", atomically: true, encoding: .utf8)
      let bad = try BuiltCommand.run(["inspect", "bad.jsonl"], in: folder)
      #expect(bad.code == 2 && bad.errors.contains("bad.jsonl:2: \"reward\""))
    }
  }

  @Test(.enabled(if: isOptimised, "release")) func trainEvaluatePredictReport() throws {
    try BuiltCommand.withFolder { folder in
      let settings = [
        "run.steps=64", "run.validate_every=2", "world.prompts=16", "bench.compare=[vanilla]",
        "bench.penalties=[0.1]", "bench.best_of=4",
      ].flatMap { ["--set", $0] }
      let trained = try BuiltCommand.run(
        ["train", "par", "--out", "run", "--seed", "3", "--json"] + settings, in: folder)
      #expect(trained.code == 0, "\(trained.errors)")
      let result = try #require(trained.json)
      #expect(
        (result["policies"] as? [Any])?.count == 4
          && (result["best_of"] as? [Any] ?? result["bestOf"] as? [Any])?.count == 3)
      let page = try String(contentsOfFile: folder + "/run/report.html", encoding: .utf8)
      #expect(page.contains("True reward") && page.contains("When to stop") && !page.contains("{{"))
      let evaluated = try BuiltCommand.run(["evaluate", "run", "--json"], in: folder)
      let policy = try #require(evaluated.json?["policy"] as? [String: Any])
      let metrics = try #require(result["metrics"] as? [String: Double])
      #expect(policy["proxy"] as? Double == metrics["proxy"] && policy["win"] as? Double == metrics["win"])
      let shaped = try BuiltCommand.run(
        ["predict", "run", "--data", "-"], in: folder, input: "{\"reward\": 1, \"references\": [1]}\n")
      #expect(shaped.output.contains("\"shaped\":0.5"))
      #expect(try BuiltCommand.run(["report", "run"], in: folder).output == "run/report.html\n")
      for (arguments, part) in [
        (["train", "par", "--out", "other", "--data", "x"], "--data means nothing for par"),
        (["evaluate", "run", "--data", "x"], "--data means nothing"),
        (["predict", "run", "--data", "-", "--shaping", "par"], "the run has a shaping of its own"),
      ] {
        let refused = try BuiltCommand.run(arguments, in: folder, input: "")
        #expect(refused.code == 64 && refused.errors.contains(part), "\(refused.errors)")
      }
    }
  }
}
