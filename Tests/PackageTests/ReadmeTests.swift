import Testing

/// The README shows what the tree holds.
@Suite struct ReadmeTests {
  @Test func exampleIsTheOneThatIsCompiled() throws {
    let example = try PackageTree.lines("Examples/FirstModel/main.swift").drop { $0.isEmpty }.dropLast()
    let readme = try PackageTree.lines("README.md").joined(separator: "\n")
    #expect(readme.contains(example.joined(separator: "\n")))
    #expect(example.count <= 30)
  }
}
