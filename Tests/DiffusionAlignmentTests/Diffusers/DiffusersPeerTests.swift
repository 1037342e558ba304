import Foundation
import PenchantData
import TestSupport
import Testing

@testable import DiffusionAlignment

/// Against diffusers itself, where `PENCHANT_DIFFUSERS` names a folder that `bench/peers/diffusers_unet.py`
/// has filled.
@Suite struct DiffusersPeerTests {
  static let folder = ProcessInfo.processInfo.environment["PENCHANT_DIFFUSERS"]

  @Test(
    .enabled(if: folder != nil, "PENCHANT_DIFFUSERS is not set: see bench/peers/diffusers_unet.py"),
    arguments: ["stable", "large", "plain", "shifting"])
  func theNetworkSaysWhatDiffusersSays(_ name: String) throws {
    let path = "\(try #require(Self.folder))/\(name)"
    let peer = try SafeTensors(path + "/peer.safetensors")
    let shape = try peer.require("x").shape
    let (rows, channels, area) = (shape[0], shape[1], shape[2] * shape[3])

    /// Row `k` of the peer is class `k` here.
    var contexts: String?
    if let context = peer.entry("context")?.shape {
      let all = try peer.floats("context")
      let pooled = try peer.entry("pooled").map { try peer.floats($0.name) }
      var file = SafeTensorsWriter()
      for row in 0..<rows {
        let count = context[1] * context[2]
        try file.add("\(row)", shape: Array(context[1...]), Array(all[row * count..<(row + 1) * count]))
        if let pooled {
          let count = pooled.count / rows
          try file.add("\(row).pooled", shape: [count], Array(pooled[row * count..<(row + 1) * count]))
        }
      }
      let place = FileManager.default.temporaryDirectory.appendingPathComponent(
        "penchant-peer-\(UUID().uuidString).safetensors")
      try file.write(to: place.path)
      contexts = place.path
    }
    defer { if let contexts { try? FileManager.default.removeItem(atPath: contexts) } }

    let fitted = try DiffusersFolder(path).model(contexts: contexts)
    /// Channels last.
    func turned(_ values: [Float]) -> [Float] {
      (0..<values.count).map { place in
        let (row, rest) = place.quotientAndRemainder(dividingBy: channels * area)
        return values[row * channels * area + rest % channels * area + rest / channels]
      }
    }
    let found = try Denoiser(fitted.model).noise(
      in: turned(peer.floats("x")), times: peer.floats("times").map { Int($0) },
      classes: fitted.model.classNames.isEmpty ? [] : Array(0..<rows))
    let expected = turned(try peer.floats("eps"))
    let worst = zip(found, expected).map { abs($0 - $1) }.max() ?? .nan
    print("\(name): \(worst) of \(expected.map(abs).max() ?? 0)")
    #expect(worst < 1e-4)
  }
}
