import Foundation

/// Cosines, then sines, of a time at frequencies 10000^(−i / half): the embedding of DDPM (Ho et al. 2020) in the order of
/// Stable Diffusion. Times may be negative: the inversion of InPO asks for time −99.
public enum TimeFeatures {
  /// Features of `times`, `[times, width]`; an odd last column is 0.
  public static func values(_ times: [Int], width: Int) -> [Float] {
    let half = width / 2
    var values = [Float](repeating: 0, count: times.count * width)
    let frequencies = (0..<half).map { exp(-log(10000) * Double($0) / Double(half)) }
    for (row, time) in times.enumerated() {
      for (i, frequency) in frequencies.enumerated() {
        let angle = Double(time) * frequency
        values[row * width + i] = Float(cos(angle))
        values[row * width + half + i] = Float(sin(angle))
      }
    }
    return values
  }
}
