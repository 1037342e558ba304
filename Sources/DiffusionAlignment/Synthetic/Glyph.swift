import Foundation

/// One simple shape in a picture, with everything that decides how it is drawn. Lengths are in pixels, places
/// are counted from the left upper corner, so that the middle of the first pixel is at 0.5.
public struct Glyph: Sendable, Hashable {
  public enum Form: String, Sendable, CaseIterable {
    case circle, square, triangle, ring, cross
  }

  public var form: Form
  public var x: Double
  public var y: Double
  /// Of the smallest circle around it.
  public var radius: Double
  /// 0 ..< 1 around the colour circle: 0 red, 1/3 green, 2/3 blue.
  public var hue: Double

  /// The pure colour of a hue: red, green and blue in 0...1, one of them 1 and one 0.
  static func colour(_ hue: Double) -> [Double] {
    [0.0, 2, 4].map { centre in
      // Sixths of the circle to the colour's own hue, the short way round: full to 1, gone from 2 on.
      let away = abs(hue * 6 - centre)
      return min(1, max(0, 2 - min(away, 6 - away)))
    }
  }

  /// Distance to the edge along the nearest side, negative inside.
  private func distance(_ px: Double, _ py: Double) -> Double {
    let (dx, dy) = (px - x, py - y)
    switch form {
    case .circle: return hypot(dx, dy) - radius
    case .ring:
      let middle = hypot(dx, dy)
      return max(middle - radius, 0.5 * radius - middle)
    case .square: return max(abs(dx), abs(dy)) - radius * 0.5.squareRoot()
    case .triangle:
      // Three sides, half the radius from the centre; the point is up.
      let slope = 0.75.squareRoot()
      return max(dy, slope * abs(dx) - 0.5 * dy) - 0.5 * radius
    case .cross:
      // Bars three times as long as wide.
      let long = radius * 0.9.squareRoot()
      return min(max(abs(dx) - long, abs(dy) - long / 3), max(abs(dx) - long / 3, abs(dy) - long))
    }
  }

  /// `[side, side, channels]` in -1...1 on black; an edge is one pixel soft. With one channel the glyph is
  /// white.
  func draw(side: Int, channels: Int) -> [Float] {
    let colour = channels == 3 ? Self.colour(hue) : [1]
    var values: [Float] = []
    values.reserveCapacity(side * side * channels)
    for row in 0..<side {
      for column in 0..<side {
        let ink = min(1, max(0, 0.5 - distance(Double(column) + 0.5, Double(row) + 0.5)))
        for part in colour { values.append(Float(2 * ink * part - 1)) }
      }
    }
    return values
  }
}
