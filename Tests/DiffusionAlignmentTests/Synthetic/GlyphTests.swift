import Foundation
import PenchantKernels
import Testing

@testable import DiffusionAlignment

@Suite struct GlyphTests {
  /// Areas of the forms whose surrounding circle has radius r, in r².
  private static let areas: [Glyph.Form: Double] = [
    .circle: .pi, .ring: 0.75 * .pi, .square: 2, .triangle: 3 * 0.75.squareRoot() / 2,
    .cross: 4 * 0.9 * 5 / 9,
  ]

  @Test(arguments: Glyph.Form.allCases) func theInkIsTheAreaOfTheForm(_ form: Glyph.Form) throws {
    let glyph = Glyph(form: form, x: 31.3, y: 30.6, radius: 24, hue: 0)
    let samples = try Glyphs(side: 64).pictures([glyph])
    let ink = try PictureReward.ink.scores(samples)[0] * 64 * 64
    let area = try #require(Self.areas[form]) * 24 * 24
    #expect(abs(ink / area - 1) < 0.01, "\(ink), \(area)")
    let corners: [Int] = [0, 63, 64 * 63, 64 * 64 - 1]
    #expect(corners.allSatisfy { samples.values[$0] == -1 })
    // An edge is soft, the rest is full.
    #expect(samples.values.contains { $0 > -0.9 && $0 < 0.9 } && samples.values.max() == 1)
    #expect(samples.classes == [Glyph.Form.allCases.firstIndex(of: form)])
  }

  @Test func rewardsAreThoseOfTheGlyph() throws {
    let glyphs = try Glyphs(side: 24, channels: 3)
    let drawn = try glyphs.glyphs(400, seed: 9)
    let samples = try glyphs.pictures(drawn)
    let centred = try PictureReward.centredness.scores(samples)
    let warmth = try PictureReward.warmth.scores(samples)
    let size = try PictureReward.size.scores(samples)
    // Root mean square distances from the centre, in radii: circle, ring, square, triangle, cross.
    let spreads: [Glyph.Form: Double] = [
      .circle: 0.5.squareRoot(), .ring: (1.25 / 2).squareRoot(), .square: (1.0 / 3).squareRoot(),
      .triangle: 0.5,
      .cross: 0.9.squareRoot() * (29.0 / 135 * 2).squareRoot(),
    ]
    for (row, glyph) in drawn.enumerated() {
      let away = hypot(glyph.x - 12, glyph.y - 12) / 12
      #expect(abs(centred[row] - (1 - away)) < 0.02, "\(glyph)")
      let colour = Glyph.colour(glyph.hue)
      #expect(abs(warmth[row] - (colour[0] - colour[2])) < 1e-4, "\(glyph)")
      let spread = try #require(spreads[glyph.form])
      #expect(abs(size[row] - spread * glyph.radius / 12) < 0.03, "\(glyph), \(size[row])")
    }
    // A ring has a hole, the others have none.
    let loops = try PictureReward.loops.scores(samples)
    for (row, glyph) in drawn.enumerated() {
      #expect(loops[row] == (glyph.form == .ring ? 1 : 0), "\(glyph)")
    }
  }

  @Test func huesGoAroundTheCircle() {
    let sixths: [[Double]] = [
      [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [1, 0, 0],
    ]
    for (place, colour) in sixths.enumerated() {
      let found = Glyph.colour(Double(place) / 6)
      for part in 0..<3 { #expect(abs(found[part] - colour[part]) < 1e-12, "sixth \(place): \(found)") }
    }
    #expect(abs(Glyph.colour(1.0 / 12)[1] - 0.5) < 1e-12)
  }

  @Test func glyphsLieInThePictureAndDependOnSeedAndIndexOnly() throws {
    for side in [8, 16, 33] {
      let glyphs = try Glyphs(side: side)
      let drawn = try glyphs.glyphs(500, seed: 1)
      for glyph in drawn {
        #expect(glyph.x >= glyph.radius && glyph.x <= Double(side) - glyph.radius)
        #expect(glyph.y >= glyph.radius && glyph.y <= Double(side) - glyph.radius)
      }
      #expect(try glyphs.glyphs(3, seed: 1) == Array(drawn.prefix(3)))
      for form in Glyph.Form.allCases { #expect(drawn.count { $0.form == form } > 60) }
    }
    #expect(throws: KernelError.self) { try Glyphs(side: 7) }
    #expect(throws: KernelError.self) { try Glyphs(channels: 2) }
    #expect(throws: KernelError.self) { try Glyphs().samples(-1, seed: 0) }
  }
}

@Suite struct PictureRewardTests {
  /// A picture from letters: `#` is ink.
  private static func picture(_ rows: String...) -> SampleSet {
    SampleSet(
      shape: SampleShape(height: rows.count, width: rows[0].count, channels: 1),
      values: rows.joined().map { $0 == "#" ? 1 : -1 })
  }

  @Test func loopsAreCounted() throws {
    let cases: [(SampleSet, Double)] = [
      (Self.picture("....", "....", "...."), 0), (Self.picture("####", "####", "####"), 0),
      (Self.picture("###", "#.#", "###"), 1), (Self.picture(".#.", "#.#", ".#."), 1),
      (Self.picture("###", "#.#", "#.#"), 0), (Self.picture("#####", "#.#.#", "#####"), 2),
      // Inside of the inner ring and the space between the rings.
      (Self.picture("#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#", "#######"), 2),
    ]
    for (picture, loops) in cases { #expect(try PictureReward.loops.scores(picture) == [loops]) }
  }

  @Test func slantIsColumnsForARowUp() throws {
    func slant(_ samples: SampleSet) throws -> Double { try PictureReward.slant.scores(samples)[0] }
    #expect(try abs(slant(Self.picture("...#", "..#.", ".#..", "#...")) - 1) < 1e-12)
    #expect(try abs(slant(Self.picture("#...", ".#..", "..#.", "...#")) + 1) < 1e-12)
    #expect(try abs(slant(Self.picture("..#", ".#.", ".#.", "#..")) - 0.6) < 1e-12)
    #expect(try slant(Self.picture(".#.", ".#.", ".#.")) == 0)
    #expect(try slant(Self.picture("...", "###", "...")) == 0)
    #expect(try slant(Self.picture("...", "...", "...")) == 0)
  }

  @Test func emptyAndBrokenPicturesHaveFiniteRewards() throws {
    let shape = SampleShape(height: 2, width: 3, channels: 3)
    for value in [-1, -9, .nan, .infinity, -.infinity, 1e30] as [Float] {
      let samples = SampleSet(shape: shape, values: [Float](repeating: value, count: 18))
      for reward in PictureReward.allCases {
        let score = try reward.scores(samples)[0]
        #expect(score.isFinite, "\(reward) of \(value)")
        if !(value > -1) { #expect(score == 0) }
      }
    }
  }

  @Test func onlyPicturesHaveRewards() {
    let points = SampleSet(shape: .point(3), values: [1, 2, 3])
    let grey = Self.picture("##")
    for reward in PictureReward.allCases { #expect(throws: KernelError.self) { try reward.scores(points) } }
    #expect(throws: KernelError.self) { try PictureReward.warmth.scores(grey) }
  }
}
