import Foundation
import Testing

/// Imports go down only, and modules of one level never see each other.
@Suite struct LayerTests {
  /// The levels of the design, lowest first.
  static let levels: [[String]] = [
    ["CPenchant"],
    ["CPenchantKernels", "CZlib"],
    ["PenchantKernels"],
    ["PenchantTape"],
    ["PenchantNN", "PenchantData"],
    ["PenchantTrain"],
    ["PreferenceModels", "SequentialRecommenders", "DiffusionAlignment", "InteractiveLearning"],
    ["PenchantReport"],
    ["penchant", "FirstModel"],
  ]
  /// Modules that must run where Foundation is not wanted.
  static let withoutFoundation = ["PenchantKernels", "PenchantTape", "PenchantNN"]

  static func level(_ name: String) -> Int? { levels.firstIndex { $0.contains(name) } }

  /// Modules that a Swift file imports.
  static func imports(_ path: String) throws -> [String] {
    try PackageTree.lines(path).compactMap { line in
      line.prefixMatch(
        of:
          #/\s*(?:@\w+\s+|public\s+|internal\s+|package\s+|private\s+)*import\s+(?:struct\s+|func\s+|enum\s+|class\s+)?(\w+)/#
      ).map { String($0.1) }
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
    for path in PackageTree.files(below: ["Sources"], named: [".swift"]) {
      let module = Self.module(path)
      let mine = try #require(Self.level(module), "\(module) has no level; add it to LayerTests.levels")
      for name in try Self.imports(path) {
        guard let theirs = Self.level(name) else { continue }
        #expect(theirs < mine, "\(path) imports \(name), which is not below \(module)")
      }
    }
  }

  @Test func onlyKernelWrappersSeeTheCLayer() throws {
    for path in PackageTree.files(below: ["Sources"], named: [".swift"]) {
      let module = Self.module(path)
      for name in try Self.imports(path) where name.hasPrefix("CPenchant") {
        #expect(module == "PenchantKernels", "\(path) imports \(name)")
      }
    }
  }

  @Test func foundationEntersAtData() throws {
    for path in PackageTree.files(below: ["Sources"], named: [".swift"])
    where Self.withoutFoundation.contains(Self.module(path)) {
      #expect(try !Self.imports(path).contains { $0.hasPrefix("Foundation") }, "\(path) imports Foundation")
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
