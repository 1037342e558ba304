import Foundation
import Testing

/// Rules that hold for every file and that no compiler checks.
@Suite struct HouseRuleTests {
  /// Lines of `files` that match an extended regular expression, as "path:line:text", without files that `allowed`
  /// accepts. By grep: a regular expression over the whole tree takes a debug build of Swift too long.
  static func offenders(
    _ pattern: String, in files: [String], except allowed: (String) -> Bool = { _ in false }
  ) throws -> [String] {
    let files = files.filter { !allowed($0) }
    let text = try PackageTree.run(["grep", "-nHE", "--", pattern] + files)
    return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  @Test func theSearchFindsWhatIsThere() throws {
    #expect(try !Self.offenders(#"\bGOMP_"#, in: ["csrc/base/team.c"]).isEmpty)
  }

  @Test func manifestHasNoUnsafeFlags() throws {
    let text = String(decoding: try PackageTree.manifestText(), as: UTF8.self)
    #expect(text.contains("\"targets\""))
    #expect(!text.contains("unsafeFlags"), "SwiftPM refuses a versioned dependency that has them")
  }

  @Test func unsafeFlagsStandBehindTheirVariable() throws {
    let lines = try PackageTree.lines("Package.swift")
    guard let first = lines.firstIndex(where: { $0.contains("unsafeFlags") }) else { return }
    let guardLine = try #require(lines.firstIndex { $0.contains("PN_UBSAN") }, "no variable guards them")
    #expect(guardLine <= first)
  }

  @Test func sourcesDoNotTrap() throws {
    let traps = #"\b(fatalError|preconditionFailure)\(|\btry!|\bas! "#
    #expect(try Self.offenders(traps, in: PackageTree.files(below: ["Sources"], named: [".swift"])) == [])
    let aborts = #"\b(abort|exit|assert)\s*\("#
    #expect(
      try Self.offenders(aborts, in: PackageTree.files(below: ["csrc", "include"], named: [".c", ".h"])) == []
    )
  }

  @Test func memoryComesFromTheHook() throws {
    let files = PackageTree.files(below: ["csrc"], named: [".c", ".h"])
    let found = try Self.offenders(
      #"(^|[^-_[:alnum:]])(malloc|calloc|realloc|aligned_alloc|posix_memalign|free)\("#, in: files,
      except: { $0.hasSuffix("base/memory.c") })
    #expect(found == [])
  }

  @Test func oneFileKnowsOpenMP() throws {
    let files = PackageTree.files(below: ["csrc", "include", "Sources"], named: [".c", ".h", ".swift"])
    let found = try Self.offenders(
      #"\bomp_\w+\(|GOMP_|#pragma omp"#, in: files, except: { $0.hasSuffix("base/team.c") })
    #expect(found == [])
  }

  @Test func nothingIsLeftForLater() throws {
    let files = PackageTree.files(
      below: ["Sources", "csrc", "include", "Tests", "bench", "docs", "tools"],
      named: [".swift", ".c", ".h", ".md", ".py"])
    let here = { (path: String) in path.hasPrefix("Tests/PackageTests/") }
    #expect(try Self.offenders(#"\b(TODO|FIXME|XXX)\b"#, in: files, except: here) == [])
  }

  @Test func noFileKnowsAMachine() throws {
    let files =
      PackageTree.files(
        below: ["Sources", "csrc", "include", "Tests", "bench", "docs", "tools", ".ci"],
        named: [".swift", ".c", ".h", ".md", ".py", ".sh", "run", "compare", "build", "prepare"])
      + ["Package.swift", "Makefile", "CONTRIBUTING.md", "README.md"].filter {
        FileManager.default.fileExists(atPath: PackageTree.root.appending(path: $0).path)
      }
    let here = { (path: String) in path.hasPrefix("Tests/PackageTests/") }
    #expect(
      try Self.offenders(#"(^|[[:space:]"'=:(`])/(home|root|Users|opt|work)/"#, in: files, except: here) == []
    )
  }
}
