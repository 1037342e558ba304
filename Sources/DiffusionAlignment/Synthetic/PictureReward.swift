import Foundation
import PenchantKernels

/// What can be preferred in a picture, computed from its pixels.
///
/// The ink of a pixel is `(v + 1) / 2` of its brightest channel, cut to 0...1; of a picture without ink all
/// but `ink` and `loops` are 0.
public enum PictureReward: String, Sendable, CaseIterable {
  /// The mean ink.
  case ink
  /// How far the ink leans to the right: columns to the right for each row up, from the second moments about
  /// the centroid (`-μ11 / μ02` with rows counted downwards).
  case slant
  /// Closed loops: parts of the background (ink up to a half, neighbours by sides) that do not reach the
  /// border.
  case loops
  /// 1 less the distance of the ink's centroid from the middle of the picture, in halves of the shorter side.
  case centredness
  /// `(red - blue) / brightest`, weighted by ink; for pictures of three channels.
  case warmth
  /// The root mean square distance of the ink from its centroid, in halves of the shorter side.
  case size

  /// The reward of every sample.
  ///
  /// - Throws: `KernelError.shape` for points, for a number of channels other than 1 or 3, and for warmth
  ///   without colour.
  public func scores(_ samples: SampleSet) throws(KernelError) -> [Double] {
    let shape = samples.shape
    guard shape.isPicture, shape.channels == 3 || self != .warmth else {
      throw .shape(
        "PictureReward.\(rawValue)",
        "samples of \(shape); pictures of \(self == .warmth ? "3 channels" : "1 or 3 channels") are needed")
    }
    return (0..<samples.count).map { score(samples[$0], shape) }
  }

  private func score(_ picture: ArraySlice<Float>, _ shape: SampleShape) -> Double {
    let ink = InkMap(picture, shape)
    switch self {
    case .ink: return ink.total / Double(shape.height * shape.width)
    case .loops: return Double(ink.loops)
    case .slant: return ink.mu02 > 0 ? -ink.mu11 / ink.mu02 : 0
    case .centredness:
      let away = hypot(ink.x - Double(shape.width) / 2, ink.y - Double(shape.height) / 2)
      return ink.total > 0 ? 1 - away / ink.unit : 0
    case .size: return ink.total > 0 ? ((ink.mu20 + ink.mu02) / ink.total).squareRoot() / ink.unit : 0
    case .warmth: return ink.total > 0 ? ink.redOverBlue / ink.total : 0
    }
  }
}
