import Foundation
import Testing

/// Imports go down only, and modules of one level never see each other.
@Suite struct LayerTests {
  /// The levels of the design, lowest first.
  static let levels: [[String]] = [
    ["CPenchant"],
    ["CPenchantKernels", "CCompression", "CPNG"],
    ["PenchantKernels"],
    ["PenchantTape"],
    ["PenchantNN", "PenchantData"],
    ["PenchantTrain", "PenchantLanguage"],
    ["PolicyOptimisation"],
    ["PreferenceModels", "SequentialRecommenders", "DiffusionAlignment", "InteractiveLearning"],
    ["PenchantReport"],
    ["penchant", "FirstModel"],
  ]
  /// Modules that must run where Foundation is not wanted.
  static let withoutFoundation = ["PenchantKernels", "PenchantTape", "PenchantNN"]

  static func level(_ name: String) -> Int? { levels.firstIndex { $0.contains(name) } }

  /// The Swift files below `folder` with the modules that each imports. Found by grep, as in the house rules.
  static func imports(below folder: String) throws -> [(path: String, module: String)] {
    let pattern = #"^[[:space:]]*(@[[:alnum:]_]+ +|(public|package|internal|private) +)*import "#
    let text = try PackageTree.run(
      ["grep", "-HE", pattern, "--"] + PackageTree.files(below: [folder], named: [".swift"]))
    return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, let name = parts[1].split(separator: " ").last else { return nil }
      return (String(parts[0]), String(name.split(separator: ".")[0]))
    }
  }

  static func module(_ path: String) -> String { String(path.split(separator: "/")[1]) }

  @Test func manifestDependsDownwardsOnly() throws {
    let manifest = try JSONDecoder().decode(PackageTree.Manifest.self, from: PackageTree.manifestText())
    #expect(
      manifest.targets.contains {
        $0.name == "PenchantKernels" && $0.dependencies.contains { $0.name == "CPenchant" }
      })
    for target in manifest.targets where target.type != "test" && !target.name.hasSuffix("Support") {
      let mine = try #require(
        Self.level(target.name), "\(target.name) has no level; add it to LayerTests.levels")
      for dependency in target.dependencies where dependency.kind != "product" {
        let theirs = try #require(Self.level(dependency.name), "\(dependency.name) has no level")
        #expect(theirs < mine, "\(target.name) depends on \(dependency.name), which is not below it")
      }
    }
  }

  @Test func sourcesImportDownwardsOnly() throws {
    let imports = try Self.imports(below: "Sources")
    #expect(imports.contains { $0.path.hasSuffix("PenchantKernels/Team.swift") && $0.module == "CPenchant" })
    for (path, name) in imports {
      let module = Self.module(path)
      let mine = try #require(
        Self.level(module), "\(module) has no level; add it to LayerTests.levels")
      guard let theirs = Self.level(name) else { continue }
      #expect(theirs < mine, "\(path) imports \(name), which is not below \(module)")
    }
  }

  @Test func onlyKernelWrappersSeeTheCLayer() throws {
    for (path, name) in try Self.imports(below: "Sources") where name.hasPrefix("CPenchant") {
      #expect(Self.module(path) == "PenchantKernels", "\(path) imports \(name)")
    }
  }

  @Test func foundationEntersAtData() throws {
    for (path, name) in try Self.imports(below: "Sources") where name.hasPrefix("Foundation") {
      #expect(!Self.withoutFoundation.contains(Self.module(path)), "\(path) imports \(name)")
    }
  }

  @Test func everyHeaderIsInTheUmbrella() throws {
    let umbrella = try PackageTree.lines("include/penchant.h")
    for path in PackageTree.files(below: ["include/penchant"], named: [".h"]) {
      let name = path.dropFirst("include/".count)
      #expect(umbrella.contains("#include \"\(name)\""), "include/penchant.h lacks \(name)")
    }
  }
}
