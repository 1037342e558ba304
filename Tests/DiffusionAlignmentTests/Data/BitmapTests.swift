import PenchantData
import PenchantKernels
import TestSupport
import Testing

@testable import DiffusionAlignment

@Suite struct BitmapTests {
  @Test(arguments: [1, 2, 4, 8]) func greyOfAnyDepthIsSpreadOverAByte(_ depth: Int) throws {
    let levels = 1 << depth
    let samples = (0..<levels).map { $0 }
    let bitmap = try Bitmap(png: TestPNG(width: levels, height: 1, depth: depth, samples: samples).file)
    #expect(bitmap.shape == SampleShape(height: 1, width: levels, channels: 1))
    #expect(bitmap.bytes == samples.map { UInt8($0 * 255 / (levels - 1)) })
  }

  @Test func sixteenBitsAreRoundedToEight() throws {
    let samples = [0, 1, 128, 129, 255, 256, 257, 400, 32767, 32768, 65000, 65535]
    for kind in [TestPNG.Kind.grey, .rgb] {
      let bitmap = try Bitmap(
        png: TestPNG(width: 12 / kind.parts, height: 1, kind: kind, depth: 16, samples: samples).file)
      #expect(bitmap.channels == kind.parts)
      #expect(bitmap.bytes == samples.map { UInt8(($0 * 255 + 32767) / 65535) }, "\(kind)")
    }
  }

  @Test func coloursStandRowByRowChannelsLast() throws {
    let samples = [255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3]
    let bitmap = try Bitmap(png: TestPNG(width: 2, height: 2, kind: .rgb, samples: samples).file)
    #expect(bitmap.shape == SampleShape(height: 2, width: 2, channels: 3))
    #expect(bitmap.bytes == samples.map(UInt8.init))
    #expect(bitmap.values[0] == 1 && bitmap.values[1] == -1)
    #expect(bitmap.inColour == bitmap)
  }

  @Test func transparencyLiesOverWhite() throws {
    var samples: [Int] = []
    for alpha in [0, 1, 77, 128, 254, 255] { samples += [0, alpha, 100, alpha, 255, alpha] }
    let grey = try Bitmap(png: TestPNG(width: 18, height: 1, kind: .greyAlpha, samples: samples).file)
    #expect(grey.channels == 1)
    for pixel in 0..<18 {
      let exact = 255 + Double(samples[2 * pixel] - 255) * Double(samples[2 * pixel + 1]) / 255
      #expect(abs(Double(grey.bytes[pixel]) - exact) <= 0.5, "pixel \(pixel)")
    }
    let colour = try Bitmap(
      png: TestPNG(width: 2, height: 1, kind: .rgba, samples: [10, 20, 30, 0, 10, 20, 30, 255]).file)
    #expect(colour.bytes == [255, 255, 255, 10, 20, 30])
  }

  @Test func palettesAreColours() throws {
    let file = TestPNG(
      width: 3, height: 1, kind: .palette, depth: 2, samples: [2, 0, 1],
      palette: [1, 2, 3, 4, 5, 6, 7, 8, 9], alphas: [255, 0]
    ).file
    let bitmap = try Bitmap(png: file)
    #expect(bitmap.bytes == [7, 8, 9, 1, 2, 3, 255, 255, 255])
  }

  @Test(arguments: [(1, 1), (1, 7), (13, 1), (17, 31), (64, 64)], [1, 3])
  func whatIsWrittenIsReadBack(_ size: (Int, Int), _ channels: Int) throws {
    var draws = TestGenerator(stream: "bitmap")
    let bytes = (0..<size.0 * size.1 * channels).map { _ in UInt8(truncatingIfNeeded: draws.next()) }
    let bitmap = Bitmap(height: size.0, width: size.1, channels: channels, bytes: bytes)
    #expect(try Bitmap(png: bitmap.png()) == bitmap)
  }

  @Test func aPictureWithoutPixelsIsNotWritten() {
    #expect(throws: KernelError.self) { try Bitmap(height: 0, width: 3, channels: 1, bytes: []).png() }
  }

  @Test func whatIsCutIsRefusedOrWhole() throws {
    var draws = TestGenerator(stream: "cut")
    let samples = (0..<5 * 6 * 3).map { _ in Int(draws.next() & 255) }
    let file = TestPNG(width: 6, height: 5, kind: .rgb, samples: samples).file
    var refused = 0
    for length in 0..<file.count {
      do {
        let bitmap = try Bitmap(png: Array(file.prefix(length)), name: "cut.png")
        #expect(bitmap.bytes == samples.map(UInt8.init), "\(length) of \(file.count) bytes")
      } catch {
        #expect(error.file == "cut.png")
        refused += 1
      }
    }
    // All bytes up to the last pixel are needed.
    #expect(refused > file.count - 40)
  }

  @Test func brokenBitsNeverMakeMoreThanAPicture() throws {
    let file = TestPNG(width: 4, height: 3, kind: .rgba, samples: (0..<48).map { $0 * 5 }).file
    var refused = 0
    for bit in 0..<file.count * 8 {
      var broken = file
      broken[bit / 8] ^= 1 << UInt8(bit % 8)
      do {
        let bitmap = try Bitmap(png: broken)
        #expect(bitmap.bytes.count == bitmap.shape.count)
      } catch {
        #expect(!error.description.isEmpty)
        refused += 1
      }
    }
    #expect(refused > file.count)
  }

  @Test func damageNamesTheFileAndLibpngsReason() {
    var file = TestPNG.grey(8, 8, 3)
    file[45] ^= 0xFF
    let error = #expect(throws: DataError.self) { try Bitmap(png: file, name: "faces/7.png") }
    #expect(error?.description.contains("faces/7.png: the PNG picture is damaged") == true)
    #expect(error?.description.contains("libpng says: ") == true, "\(error?.description ?? "")")
  }

  @Test(arguments: [(65_536, 65_536), (1_000_000, 1_000_000), (2_147_483_647, 1), (8193, 8192)])
  func aHeaderCannotAskForAllMemory(_ size: (Int, Int)) {
    var file = TestPNG.grey(1, 1, 0).prefix(8) + []
    file += TestPNG.chunk("IHDR", big(UInt32(size.0)) + big(UInt32(size.1)) + [8, 0, 0, 0, 0])
    file += TestPNG.chunk("IDAT", [0x78, 0x01, 1, 0, 0, 0xFF, 0xFF, 0, 0, 0, 1]) + TestPNG.chunk("IEND", [])
    #expect(throws: DataError.self) { try Bitmap(png: Array(file)) }
  }

  @Test func otherFilesAreToldSo() {
    for bytes in [[], [0xFF, 0xD8, 0xFF, 0xE0], Array("PNG".utf8)] as [[UInt8]] {
      #expect(throws: DataError.self) { try Bitmap(png: bytes) }
    }
  }
}
