import PenchantData
import PenchantKernels
import TestSupport
import Testing

@testable import DiffusionAlignment

@Suite struct SampleTableTests {
  private static func read(
    _ text: String, size: SampleShape? = nil, range: ClosedRange<Float>? = nil, labelled: Bool = false
  ) throws -> SampleSet {
    try SampleReader.read(
      bytes: Array(text.utf8), name: "t.csv", size: size, range: range, labelled: labelled)
  }

  @Test(arguments: [
    "1,2\n3,4\n", "1\t2\n3\t4", "1; 2\r\n3; 4\r\n", "  1   2 \n\n# three\n3 4\n", "x,y\n1,2\n3,4\n",
  ])
  func pointsInAnyTable(_ text: String) throws {
    #expect(try Self.read(text) == SampleSet(shape: .point(2), values: [1, 2, 3, 4]))
  }

  @Test func aNamedColumnIsTheClass() throws {
    let samples = try Self.read("x,Label,y\n1,\"red, dark\",2\n3,blue,4\n5,blue,6\n")
    #expect(samples.values == [1, 2, 3, 4, 5, 6])
    #expect(samples.classNames == ["blue", "red, dark"] && samples.classes == [1, 0, 0])
    expectDataError("t.csv:1", "two columns are the class") { _ = try Self.read("class,label,x\n1,2,3\n") }
    expectDataError("t.csv:2", "\"class\" is missing") { _ = try Self.read("class,x\n,3\n") }
    expectDataError("no column of numbers") { _ = try Self.read("class\n3\n") }
  }

  @Test func theLastColumnIsTheClassWhenSaidOrCounted() throws {
    #expect(try Self.read("1,2,b\n3,4,a\n", labelled: true).classes == [1, 0])
    #expect(try Self.read("x,y,kind\n1,2,b\n3,4,a\n", labelled: true).classNames == ["a", "b"])
    let digits = try Self.read("0,16,8,16,10\n0,0,0,0,9\n", size: SampleShape("2x2"), range: 0...16)
    #expect(digits.shape == SampleShape(height: 2, width: 2, channels: 1))
    #expect(digits.values == [-1, 1, 0, 1, -1, -1, -1, -1])
    #expect(digits.classNames == ["9", "10"] && digits.classes == [1, 0])
    #expect(try Self.read("1,2,3,4\n", size: SampleShape("2x2")).classes.isEmpty)
  }

  @Test func whatIsWrongIsNamed() {
    expectDataError("t.csv:3: the line has 1 columns", "2 as in the first line") {
      _ = try Self.read("1,2\n3,4\n5\n")
    }
    expectDataError("t.csv:2: column 2 is not a finite number", "found \"a\"", "name the column") {
      _ = try Self.read("1,2\n3,a\n")
    }
    expectDataError("t.csv:3: \"x\" is not a finite number") { _ = try Self.read("x,y\n1,2\n,4\n") }
    for bad in ["nan", "inf", "-inf", "1e99", ""] {
      expectDataError("t.csv:2: column 1 is not a finite number") { _ = try Self.read("1,2\n\(bad),4\n") }
    }
    expectDataError("t.csv:1: the line has 3 numbers", "2×2, 1 channel are 4 numbers") {
      _ = try Self.read("1,2,3\n", size: SampleShape("2x2"))
    }
    expectDataError("not closed") { _ = try Self.read("1,2\n\"3,4\n") }
    expectDataError("empty") { _ = try Self.read("") }
    expectDataError("no record") { _ = try Self.read("x,y\n\n") }
    expectDataError("not UTF-8") { _ = try SampleReader.read(bytes: [0x31, 0x2C, 0xFF]) }
  }

  @Test func aMissingFileIsNamed() {
    expectDataError("nowhere.csv", "no such file") { _ = try SampleReader.read("/tmp/penchant-nowhere.csv") }
    expectDataError("nowhere.npy", "no such file") { _ = try SampleReader.read("/tmp/penchant-nowhere.npy") }
  }

  @Test(arguments: [
    0...0, -Float.infinity...0, -Float.greatestFiniteMagnitude...Float.greatestFiniteMagnitude,
  ])
  func rangesThatCannotBe(_ range: ClosedRange<Float>) {
    #expect(throws: KernelError.self) { try Self.read("1,2\n", range: range) }
  }

  @Test func sizesAreReadFromText() throws {
    #expect(try SampleShape("8x8") == SampleShape(height: 8, width: 8, channels: 1))
    #expect(try SampleShape("28×32X3") == SampleShape(height: 28, width: 32, channels: 3))
    #expect(try SampleShape("5") == .point(5))
    for bad in [
      "", "x", "8x", "8x8x8x8", "0x8", "-1x8", "8 x 8", "99999999999999999999", "100000x100000", "a",
    ] {
      #expect(throws: KernelError.self, "\(bad)") { try SampleShape(bad) }
    }
    #expect(throws: KernelError.self) {
      try Self.read("1\n", size: SampleShape(height: .max, width: .max, channels: .max))
    }
  }

  @Test(.enabled(if: SharedData.has("digits-8x8/digits.csv.gz"), "the digits are not here"))
  func digitsOfScikitLearn() throws {
    let samples = try SampleReader.read(
      SharedData.path("digits-8x8/digits.csv.gz"), size: SampleShape("8x8"), range: 0...16)
    #expect(samples.count == 1797 && samples.classNames == (0..<10).map(String.init))
    #expect(samples.values.min() == -1 && samples.values.max() == 1)
    // The mean ink that the specification measured.
    let ink = try PictureReward.ink.scores(samples)
    let mean = ink.reduce(0.0, +) / 1797
    #expect(abs(mean - 0.305) < 0.001)
  }
}
