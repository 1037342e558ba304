import Foundation
import PenchantData
import TestSupport
import Testing
import PenchantKernels

@testable import PenchantTrain

@Suite struct CheckpointTests {
  static func checkpoint(_ step: Int, size: Int = 3000) -> Checkpoint {
    var state = TrainingState(seed: 3, configuration: "c", data: "d")
    state.step = step
    state.best = 0.25
    state.bestStep = step
    var draws = Philox(seed: testSeed, stream: UInt64(step))
    func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: draws.next()) } }
    return Checkpoint(
      state: state, files: ["model.safetensors": bytes(size), "optimizer.safetensors": bytes(2 * size)])
  }

  /// The known values of the reference implementation.
  @Test func checksumIsTheStandardOne() {
    #expect(XXHash64.hex([UInt8]()) == "ef46db3751d8e999")
    #expect(XXHash64.hex(Array("a".utf8)) == "d24ec4f1a98c6e5b")
    #expect(XXHash64.hex(Array("abc".utf8)) == "44bc2cf5ad770999")
    #expect(XXHash64.hash(Array("xxhash".utf8), seed: 20_141_025) == 0xb559_b98d_844e_0635)
    #expect(XXHash64.hex(Array("Nobody inspects the spammish repetition".utf8)) == "fbcea83c8a378bf1")
  }

  @Test func savedIsLoaded() throws {
    let store = CheckpointStore(folder: "run/checkpoints", keep: 2, files: MemoryFiles())
    for step in [10, 20, 30, 40] { try store.save(Self.checkpoint(step), isBest: step == 20) }
    #expect(store.loadLast() == Self.checkpoint(40))
    #expect(store.loadBest() == Self.checkpoint(20))
    #expect(store.stepNames() == ["step-000020", "step-000030", "step-000040"])
  }

  /// Every prefix of the operations, with four ways of losing what was not synced: the last checkpoint whose save had
  /// returned is there, or a newer whole one.
  @Test(arguments: MemoryFiles.Loss.allCases) func noPowerCutLosesAFinishedCheckpoint(
    _ loss: MemoryFiles.Loss
  ) throws {
    var limit = 0
    while true {
      let files = MemoryFiles()
      let store = CheckpointStore(folder: "run/checkpoints", keep: 1, files: files)
      files.state.withLock { $0.limit = limit }
      var finished = 0
      for step in [1, 2, 3] {
        do { try store.save(Self.checkpoint(step, size: 700), isBest: step == 2) } catch { break }
        finished = step
      }
      let disk = CheckpointStore(folder: "run/checkpoints", keep: 1, files: files.afterPowerCut(loss))
      let found = disk.loadLast()
      #expect((found?.state.step ?? 0) >= finished, "cut after \(limit) operations")
      if let found { #expect(found == Self.checkpoint(found.state.step, size: 700)) }
      if finished == 3 { break }
      limit += 1
    }
    #expect(limit > 30)
  }

  @Test func fullDiskLeavesThePreviousCheckpoint() throws {
    for room in stride(from: 0, to: 9000, by: 500) {
      let files = MemoryFiles()
      let store = CheckpointStore(folder: "c", keep: 3, files: files)
      try store.save(Self.checkpoint(1))
      files.state.withLock { state in
        state.full = state.nodes.values.map(\.bytes.count).reduce(0, +) + room
      }
      #expect(throws: FileError.self) { try store.save(Self.checkpoint(2)) }
      #expect(store.loadLast() == Self.checkpoint(1))
      #expect(files.names(in: "c") == ["last", "step-000001"])
    }
  }

  @Test func damagedCheckpointIsPassedOverWithAWarning() throws {
    for (file, damage) in [
      ("model.safetensors", 100), ("state.json", 30), ("optimizer.safetensors", -1), ("state.json", -1),
    ] {
      let files = MemoryFiles()
      let store = CheckpointStore(folder: "c", keep: 3, files: files)
      try store.save(Self.checkpoint(1))
      try store.save(Self.checkpoint(2))
      files.state.withLock { state in
        let path = "c/step-000002/\(file)"
        if damage < 0 {
          state.nodes[path]?.bytes.removeLast(7)
        } else {
          state.nodes[path]?.bytes[damage] ^= 1
        }
      }
      var warnings: [String] = []
      #expect(store.loadLast(warn: { warnings.append($0) }) == Self.checkpoint(1))
      #expect(warnings.count == 1 && warnings.first?.contains("step-000002") == true)
    }
  }

  @Test func filesOutsideTheFolderAreRefused() throws {
    let files = MemoryFiles()
    let store = CheckpointStore(folder: "c", files: files)
    var bad = Self.checkpoint(1)
    bad.files["../secret"] = [1]
    let record = try CheckpointRecord(bad)
    try files.write(record.encoded(), to: "c/step-000001/state.json")
    #expect(throws: CheckpointError.self) { try store.load("step-000001") }
  }

  @Test func realFolderWorksToo() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "penchant-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let store = CheckpointStore(folder: folder + "/checkpoints", keep: 1)
    for step in [1, 2, 3] { try store.save(Self.checkpoint(step), isBest: step == 1) }
    try store.save(Self.checkpoint(3))
    #expect(store.loadLast() == Self.checkpoint(3))
    #expect(store.loadBest() == Self.checkpoint(1))
    #expect(
      SystemFiles().names(in: folder + "/checkpoints") == ["best", "last", "step-000001", "step-000003"])
  }

  @Test func messagesNameFileAndRepair() {
    let error = FileError("write", "run/model", code: ENOSPC)
    #expect("\(error)".contains("run/model") && "\(error)".contains("free some space"))
  }
}
