import ArgumentParser
import Foundation
import PenchantData
import PenchantKernels
import PenchantTrain
import PreferenceModels

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "CPU, threads, versions, and a check that results do not depend on threads.")

  @Flag(help: "Print one JSON object on standard output and nothing else there.")
  var json = false

  private struct Diagnosis: Encodable {
    var environment: RunEnvironment
    var cpuTier: String
    var blas: String
    var fingerprints: [String: String]
    var sameBits: Bool
  }

  func run() throws {
    var fingerprints: [String: String] = [:]
    for threads in [1, 2, 3, 5] {
      fingerprints["\(threads)"] = try Team.with(threads: threads) { try Self.smallRun() }
    }
    let diagnosis = Diagnosis(
      environment: .current(), cpuTier: CPU.tier, blas: CPU.blas, fingerprints: fingerprints,
      sameBits: Set(fingerprints.values).count == 1)
    if json {
      try showJSON(diagnosis)
    } else {
      let e = diagnosis.environment
      try show(
        aligned([
          ["penchant", e.penchant], ["system", e.system], ["cpu", e.cpu],
          ["instruction set", diagnosis.cpuTier],
          ["cores", "\(e.cores)"], ["threads", "\(e.threads)"], ["BLAS", diagnosis.blas], ["swift", e.swift],
          ["same bits on 1, 2, 3, 5 threads", diagnosis.sameBits ? "yes" : "NO"],
        ]))
    }
    if !diagnosis.sameBits { throw ExitStatus.failed }
  }

  /// A leave-one-out evaluation of a small corpus: features, Gram matrix, likelihood, solver.
  private static func smallRun() throws -> String {
    let pairs = DemoCorpus(seed: 1, pairsPerCommunity: 12).pairs()
    return XXHash64.hex(try BradleyTerry().leaveOneCommunityOut(PairTable(pairs)).margins)
  }
}
