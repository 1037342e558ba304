import PenchantKernels
import Testing

@testable import DiffusionAlignment

@Suite struct PictureGridTests {
  private static let four = SampleSet(
    shape: SampleShape(height: 1, width: 2, channels: 1), values: [-1, 1, 0, -2, 5, .nan, 1, 1])

  @Test func pixelsAreMagnifiedAndCut() throws {
    let grid = try PictureGrid(columns: 2, magnification: 2, gap: 1).bitmap(Self.four, rows: [0, 1, 2])
    #expect((grid.height, grid.width, grid.channels) == (7, 11, 1))
    let g: UInt8 = 128
    let line = [UInt8](repeating: g, count: 11)
    let first: [UInt8] = [g, 0, 0, 255, 255, g, 128, 128, 0, 0, g]
    let second: [UInt8] = [g, 255, 255, 0, 0, g, g, g, g, g, g]
    #expect(grid.bytes == line + first + first + line + second + second + line)
  }

  @Test func smallPicturesGrowToBeSeen() throws {
    let eight = SampleSet(
      shape: SampleShape(height: 8, width: 8, channels: 3), values: [Float](repeating: 0, count: 192 * 3))
    let grid = try PictureGrid(columns: 5, gap: 0).bitmap(eight)
    #expect((grid.height, grid.width, grid.channels) == (48, 144, 3))
    #expect(try Bitmap(png: grid.png()) == grid)
  }

  @Test func whatCannotBeDrawnIsRefused() {
    let points = SampleSet(shape: .point(3), values: [1, 2, 3])
    #expect(throws: KernelError.self) { try PictureGrid(columns: 1).bitmap(points) }
    #expect(throws: KernelError.self) { try PictureGrid(columns: 0).bitmap(Self.four) }
    #expect(throws: KernelError.self) { try PictureGrid(columns: 1).bitmap(Self.four, rows: [4]) }
    #expect(throws: KernelError.self) { try PictureGrid(columns: 1).bitmap(Self.four, rows: []) }
    #expect(throws: KernelError.self) { try PictureGrid(columns: 1, gap: -1).bitmap(Self.four) }
    for magnification in [0, -1, 10_000, Int.max] {
      #expect(throws: KernelError.self) {
        try PictureGrid(columns: 1, magnification: magnification).bitmap(Self.four)
      }
    }
    #expect(throws: KernelError.self) { try PictureGrid(columns: 1, gap: .max).bitmap(Self.four) }
  }
}
