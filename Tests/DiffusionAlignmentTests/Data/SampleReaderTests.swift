import Foundation
import LanguageSupport
import PenchantData
import PenchantKernels
import TestSupport
import Testing

@testable import DiffusionAlignment

private func write(_ bytes: [UInt8], _ path: String) throws {
  let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}

@Suite struct PictureFolderTests {
  @Test func picturesComeInTheOrderOfTheirNames() async throws {
    try await withScratchFolder { folder in
      for (name, value) in [("b.png", 255), ("a.PNG", 0), ("c.png", 51)] {
        try write(TestPNG.grey(2, 3, value), "\(folder)/\(name)")
      }
      try write([1], "\(folder)/._a.png")
      try write(Array("notes".utf8), "\(folder)/README.md")
      let samples = try SampleReader.read(folder)
      #expect(samples.shape == SampleShape(height: 2, width: 3, channels: 1))
      #expect(samples.count == 3 && samples.classes.isEmpty)
      #expect(samples[0].allSatisfy { $0 == -1 } && samples[1].allSatisfy { $0 == 1 })
      #expect(samples[2].allSatisfy { $0 == 51 / 127.5 - 1 })
      #expect(try SampleReader.read(folder, size: samples.shape) == samples)
      #expect(try SampleReader.read(folder + "/", range: 0...51)[2].allSatisfy { $0 == 1 })
      expectDataError("expected 3×2", "found 2×3") {
        _ = try SampleReader.read(folder, size: SampleShape(height: 3, width: 2, channels: 1))
      }
    }
  }

  @Test func subfoldersAreClasses() async throws {
    try await withScratchFolder { folder in
      for (name, value) in [("dog/2.png", 2), ("cat/9.png", 9), ("dog/deep/1.png", 1)] {
        try write(TestPNG.grey(1, 2, value), "\(folder)/\(name)")
      }
      let samples = try SampleReader.read(folder)
      #expect(samples.classNames == ["cat", "dog"] && samples.classes == [0, 1, 1])
      #expect(samples.values == [9, 9, 2, 2, 1, 1].map { $0 / 127.5 - 1 })
      try write(TestPNG.grey(1, 2, 0), "\(folder)/stray.png")
      expectDataError("both in the folder and in sub-folders", "stray.png", "cat/9.png") {
        _ = try SampleReader.read(folder)
      }
    }
  }

  @Test func oneColourPictureMakesAllColoured() async throws {
    try await withScratchFolder { folder in
      try write(TestPNG.grey(1, 2, 255), "\(folder)/1.png")
      try write(TestPNG.rgb(1, 2, [0, 255, 0]), "\(folder)/2.png")
      let samples = try SampleReader.read(folder)
      #expect(samples.shape == SampleShape(height: 1, width: 2, channels: 3))
      #expect(samples.values == [1, 1, 1, 1, 1, 1, -1, 1, -1, -1, 1, -1])
    }
  }

  @Test func whatDoesNotFitIsNamed() async throws {
    try await withScratchFolder { folder in
      expectDataError("there is no PNG picture", folder) { _ = try SampleReader.read(folder) }
      try write([0xFF, 0xD8], "\(folder)/x.jpg")
      expectDataError("found 1 pictures of other kinds", "mogrify") { _ = try SampleReader.read(folder) }
      try write(TestPNG.grey(2, 2, 0), "\(folder)/a.png")
      try write(TestPNG.grey(2, 5, 0), "\(folder)/b.png")
      expectDataError("different sizes", "\(folder)/a.png", "\(folder)/b.png", "2×2", "2×5") {
        _ = try SampleReader.read(folder)
      }
      try write(Array(TestPNG.grey(2, 2, 0).prefix(50)), "\(folder)/b.png")
      expectDataError("\(folder)/b.png", "libpng says") { _ = try SampleReader.read(folder) }
    }
  }

  @Test func onePictureIsASample() async throws {
    try await withScratchFolder { folder in
      try write(TestPNG.rgb(3, 2, [0, 0, 255]), "\(folder)/a.png")
      let samples = try SampleReader.read("\(folder)/a.png")
      #expect(samples.count == 1 && samples.shape.channels == 3)
    }
  }
}

@Suite struct IDXTests {
  private static func file(_ shape: [UInt32], _ bytes: [UInt8], type: UInt8 = 8) -> [UInt8] {
    [0, 0, type, UInt8(shape.count)] + shape.flatMap(big) + bytes
  }

  @Test func labelsBesideTheImagesAreClasses() async throws {
    try await withScratchFolder { folder in
      let path = "\(folder)/train-images-idx3-ubyte"
      try write(Self.file([3, 1, 2], [0, 255, 51, 102, 255, 0]), path)
      let bare = try SampleReader.read(path)
      #expect(bare.shape == SampleShape(height: 1, width: 2, channels: 1) && bare.classes.isEmpty)
      #expect(bare.values == [0, 255, 51, 102, 255, 0].map { $0 / 127.5 - 1 })
      try write(Self.file([3], [7, 10, 7]), "\(folder)/train-labels-idx1-ubyte")
      let samples = try SampleReader.read(path)
      #expect(samples.classNames == ["7", "10"] && samples.classes == [0, 1, 0])
      #expect(samples.values == bare.values)
      expectDataError("train-labels", "no pictures", "name the file of images") {
        _ = try SampleReader.read("\(folder)/train-labels-idx1-ubyte")
      }
      try write(Self.file([2], [7, 10]), "\(folder)/train-labels-idx1-ubyte")
      expectDataError("labels do not fit", "[3]", "[2]") { _ = try SampleReader.read(path) }
    }
  }

  @Test func wrongHeadersAreRefused() {
    let whole = Self.file([2, 2, 2], [UInt8](repeating: 1, count: 8))
    for length in 2..<whole.count {
      expectDataError("m.idx") {
        _ = try SampleReader.read(bytes: Array(whole.prefix(length)), name: "m.idx")
      }
    }
    expectDataError("takes 8 bytes", "holds 9") { _ = try SampleReader.read(bytes: whole + [0]) }
    expectDataError("type 0xd") { _ = try SampleReader.read(bytes: Self.file([1, 1, 1], [0], type: 13)) }
    let most = UInt32.max
    expectDataError("does not fit") {
      _ = try SampleReader.read(bytes: Self.file([most, most, most, most], [1]))
    }
    expectDataError("no picture in it") { _ = try SampleReader.read(bytes: Self.file([0, 28, 28], [])) }
    expectDataError("5 dimensions") {
      _ = try SampleReader.read(bytes: Self.file([1, 1, 1, 1, 1], [UInt8](repeating: 0, count: 40)))
    }
  }

  @Test(.enabled(if: SharedData.has("mnist-10k/t10k-images-idx3-ubyte.gz"), "MNIST is not here"))
  func digitsOfMNIST() throws {
    let samples = try SampleReader.read(SharedData.path("mnist-10k/t10k-images-idx3-ubyte.gz"))
    let shape = SampleShape(height: 28, width: 28, channels: 1)
    #expect(samples.count == 10_000)
    #expect(samples.shape == shape)
    #expect(samples.classNames == (0..<10).map(String.init))
    // The counts of the test set that its authors publish.
    var counts = [Int](repeating: 0, count: 10)
    for number in samples.classes { counts[number] += 1 }
    #expect(counts == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
    #expect(samples.values.allSatisfy { (-1...1).contains($0) })
  }
}

@Suite struct SampleTensorTests {
  @Test func arraysOfAnyRankAreSamples() throws {
    let values = (0..<24).map(Float.init)
    for (shape, sample) in [
      ([12, 2], SampleShape.point(2)), ([2, 3, 4], SampleShape(height: 3, width: 4, channels: 1)),
      ([2, 2, 2, 3], SampleShape(height: 2, width: 2, channels: 3)),
    ] {
      let samples = try SampleReader.read(bytes: NumPyFile.bytes(shape: shape, values))
      #expect(samples.shape == sample && samples.values == values)
    }
    let pictures = try SampleReader.read(
      bytes: NumPyFile.bytes(shape: [4, 6], values), size: SampleShape("2x3"), range: 0...23)
    #expect(pictures.count == 4 && pictures.shape.width == 3)
    #expect(pictures.values.first == -1 && pictures.values.last == 1)
    expectDataError("2×4", "[4, 6]") {
      _ = try SampleReader.read(bytes: NumPyFile.bytes(shape: [4, 6], values), size: SampleShape("2x4"))
    }
    expectDataError("1 dimensions") { _ = try SampleReader.read(bytes: NumPyFile.bytes(shape: [24], values)) }
    expectDataError("no sample") { _ = try SampleReader.read(bytes: NumPyFile.bytes(shape: [0, 3], [])) }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity]) func whatIsNotFiniteIsNamedByRow(_ bad: Float) throws {
    var values = [Float](repeating: 0, count: 12)
    values[7] = bad
    expectDataError("a sample holds \(bad)", "row 2, value 1") {
      _ = try SampleReader.read(bytes: NumPyFile.bytes(shape: [4, 3], values))
    }
    var writer = SafeTensorsWriter()
    try writer.add("x", shape: [4, 3], values)
    expectDataError("row 2, value 1") { _ = try SampleReader.read(bytes: writer.bytes()) }
  }

  @Test func classesStandBesideAnArray() async throws {
    try await withScratchFolder { folder in
      let path = "\(folder)/p.npy"
      try write(NumPyFile.bytes(shape: [3, 1], [1, 2, 3]), path)
      #expect(try SampleReader.read(path).classes.isEmpty)
      // The header of three floats, with another type of elements.
      var header = try Array(NumPyFile.bytes(shape: [3], [0, 0, 0]).dropLast(12))
      let type = try #require(header.indices.first { header[$0...].starts(with: Array("<f4".utf8)) })
      header.replaceSubrange(type..<type + 3, with: Array("<i2".utf8))
      try write(header + [10, 0, 9, 0, 10, 0], "\(folder)/p.classes.npy")
      let samples = try SampleReader.read(path)
      #expect(samples.classNames == ["9", "10"] && samples.classes == [1, 0, 1])
      try write(NumPyFile.bytes(shape: [3], [0, 0, 0]), "\(folder)/p.classes.npy")
      expectDataError("p.classes.npy", "does not hold integers") { _ = try SampleReader.read(path) }
    }
  }

  @Test func bytesWithRowsAndColumnsAreScaled() throws {
    var writer = SafeTensorsWriter()
    try writer.add("x", shape: [1, 1, 3], [0, 51, 255] as [UInt8])
    #expect(try SampleReader.read(bytes: writer.bytes()).values == [0, 51, 255].map { $0 / 127.5 - 1 })
    var points = SafeTensorsWriter()
    try points.add("x", shape: [1, 3], [0, 51, 255] as [UInt8])
    #expect(try SampleReader.read(bytes: points.bytes()).values == [0, 51, 255])
  }

  @Test func theTensorMustBeClear() throws {
    var writer = SafeTensorsWriter()
    try writer.add("latent", shape: [1, 2], [1, 2] as [Float])
    #expect(try SampleReader.read(bytes: writer.bytes()).values == [1, 2])
    try writer.add("other", shape: [1, 2], [1, 2] as [Float])
    expectDataError("not clear", "\"latent\" and \"other\"") {
      _ = try SampleReader.read(bytes: writer.bytes())
    }
    try writer.add("x", shape: [1, 2], [5, 6] as [Float])
    #expect(try SampleReader.read(bytes: writer.bytes()).values == [5, 6])
    try writer.add("classes", shape: [2], [0, 1])
    expectDataError("classes do not fit", "[1]", "[2]") { _ = try SampleReader.read(bytes: writer.bytes()) }
  }

  @Test func whatIsWrittenIsReadBack() async throws {
    try await withScratchFolder { folder in
      let sets = [
        SampleSet(shape: .point(2), values: [1, 2, 3, 4]),
        SampleSet(
          shape: SampleShape(height: 1, width: 2, channels: 3), values: (0..<12).map(Float.init),
          classes: [2, 0], classNames: ["é \"q\"", "unused", "10"]),
      ]
      for set in sets {
        try set.write(to: "\(folder)/s.safetensors")
        #expect(try SampleReader.read("\(folder)/s.safetensors") == set)
      }
    }
  }

  @Test func namesOfClassesMustFit() throws {
    for (names, says) in [
      ("[\"a\"]", "has no name"), ("[1]", "cannot be read"), ("[\"a\", \"a\"]", "different"),
    ] {
      var writer = SafeTensorsWriter(metadata: ["class_names": names])
      try writer.add("x", shape: [1, 1], [1] as [Float])
      try writer.add("classes", shape: [1], [1])
      expectDataError(says) { _ = try SampleReader.read(bytes: writer.bytes()) }
    }
  }
}
