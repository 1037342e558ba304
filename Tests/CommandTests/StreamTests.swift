import Foundation
import Testing

/// Standard output and error that take nothing: a disk is full, or nobody listens.
@Suite struct StreamTests {
  private static let training = [
    "train", "bradley-terry", "--data", "pairs.jsonl", "--out", "run", "--set", "run.epochs=2",
  ]

  private static func withPairs(_ body: (String) throws -> Void) throws {
    try BuiltCommand.withFolder { folder in
      try BuiltCommand.pairs(60).write(toFile: folder + "/pairs.jsonl", atomically: true, encoding: .utf8)
      try body(folder)
    }
  }

  @Test func anAnswerThatCannotBeWrittenIsAnError() throws {
    try Self.withPairs { folder in
      #expect(try BuiltCommand.run(Self.training, in: folder).code == 0)
      let predict = ["predict", "run", "--data", "pairs.jsonl"]
      for arguments in [
        predict, ["inspect", "pairs.jsonl"], ["inspect", "pairs.jsonl", "--json"], ["help", "data"],
        ["doctor"],
        ["evaluate", "run", "--data", "pairs.jsonl"], ["train", "sasrec", "--print-config"],
      ] {
        let full = try BuiltCommand.run(arguments, in: folder, redirection: "> /dev/full")
        #expect(full.code == 1, "\(arguments) \(full.errors)")
        #expect(full.errors.contains("standard output: write failed: No space left on device"))
      }
      let closed = try BuiltCommand.run(predict, in: folder, redirection: ">&-")
      #expect(closed.code == 1 && closed.errors.contains("standard output: write failed"), "\(closed.errors)")
    }
  }

  /// The run and the exit code are those of a run that was watched.
  @Test(arguments: ["2> /dev/full", "2>&-"]) func progressThatCannotBeShownStopsNothing(_ errors: String)
    throws
  {
    try Self.withPairs { folder in
      let trained = try BuiltCommand.run(Self.training, in: folder, redirection: errors)
      #expect(trained.code == 0 && trained.output.contains("accuracy"))
      #expect(FileManager.default.fileExists(atPath: folder + "/run/model.safetensors"))
      #expect(try BuiltCommand.run(["inspect", "none.jsonl"], in: folder, redirection: errors).code == 2)
    }
  }

  /// `head` takes a line and leaves.
  @Test func aReaderThatLeavesEndsNoTraining() throws {
    try Self.withPairs { folder in
      let shown = try BuiltCommand.run(Self.training, in: folder, redirection: "2>&1 | head -n 1")
      #expect(shown.code == 0 && shown.output.split(separator: "\n").count == 1)
      let model = folder + "/run/model.safetensors"
      for _ in 0..<3000 where !FileManager.default.fileExists(atPath: model) { usleep(10_000) }
      #expect(FileManager.default.fileExists(atPath: model))
      let answers = try BuiltCommand.run(
        ["predict", "run", "--data", "pairs.jsonl"], in: folder, redirection: "| head -n 1")
      #expect(answers.errors.isEmpty && answers.output.contains("probability"))
    }
  }

  /// The run is whole, its table is only not shown.
  @Test func aTrainingKeepsItsRunWhenItsTableCannotBeWritten() throws {
    try Self.withPairs { folder in
      let trained = try BuiltCommand.run(Self.training, in: folder, redirection: "> /dev/full")
      #expect(trained.code == 1 && trained.errors.contains("standard output: write failed"))
      #expect(try BuiltCommand.run(["evaluate", "run", "--data", "pairs.jsonl"], in: folder).code == 0)
    }
  }
}
