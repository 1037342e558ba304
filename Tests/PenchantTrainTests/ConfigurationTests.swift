import Testing

@testable import PenchantTrain

@Suite struct ConfigurationTests {
  struct Settings: Codable, Sendable, Equatable {
    struct Optimizer: Codable, Sendable, Equatable {
      var learningRate = 0.001
      var batchSize = 64
    }
    var optimizer = Optimizer()
    var hidden = [64, 32]
    var name = "plain"
    var on = true
  }

  @Test func everyDefaultIsWrittenAndReadBack() throws {
    let text = try ConfigurationLayers.text(Settings())
    #expect(
      text
        == "optimizer:\n  learning_rate: 0.001\n  batch_size: 64\nhidden: [64, 32]\nname: plain\non: true\n"
        || text.contains("learning_rate: 0.001"))
    var layers = try ConfigurationLayers(defaults: Settings())
    try layers.apply(yaml: text, file: "config.yaml")
    #expect(try layers.resolve() == Settings())
  }

  @Test func laterLayersWin() throws {
    var layers = try ConfigurationLayers(defaults: Settings())
    try layers.apply(yaml: "optimizer:\n  batch_size: 8\nhidden: [3]\n", file: "a.yaml")
    try layers.set("optimizer.batch_size", to: "16")
    try layers.set("name", to: "12")
    let settings = try layers.resolve()
    #expect(settings.optimizer.batchSize == 16 && settings.hidden == [3] && settings.name == "12")
    #expect(settings.optimizer.learningRate == 0.001)
  }

  @Test(arguments: [
    (
      "optimizer:\n  learning_rte: 1\n",
      "a.yaml:2: \"optimizer.learning_rte\" is not a setting\n  did you mean \"learning_rate\"?"
    ),
    (
      "optimizer:\n  batch_size: many\n",
      "a.yaml:2: \"optimizer.batch_size\" must be a whole number, found text \"many\""
    ),
    ("optimizer: 3\n", "a.yaml:1: \"optimizer\" must be a mapping of keys to values"),
    ("hidden: 3\n", "a.yaml:1: \"hidden\" must be a list, found a whole number \"3\""),
  ])
  func mistakesNameLineKeyAndRepair(_ yaml: String, _ message: String) throws {
    var layers = try ConfigurationLayers(defaults: Settings())
    #expect(throws: ConfigurationError(message)) { try layers.apply(yaml: yaml, file: "a.yaml") }
  }

  @Test func brokenYAMLIsAnError() throws {
    var layers = try ConfigurationLayers(defaults: Settings())
    #expect(throws: ConfigurationError.self) { try layers.apply(yaml: "a: [1, 2\nb: }", file: "a.yaml") }
    #expect(throws: ConfigurationError.self) { try layers.set("optimiser.batch_size", to: "3") }
    try layers.apply(yaml: "", file: "empty.yaml")
    #expect(try layers.resolve() == Settings())
  }

  @Test func trainerSettingsAreChecked() {
    var settings = TrainerConfiguration()
    settings.checkpointEvery = 0
    #expect(throws: ConfigurationError("run.checkpoint_every must be at least 1, found 0")) {
      try settings.validate()
    }
  }
}
