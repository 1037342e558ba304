import PenchantKernels

/// The features of the times that a network was asked about, each computed once.
///
/// A schedule has a thousand times; sines and cosines of one cost as much as a layer of a small network over a row.
struct TimeFeatures {
  /// Times that are remembered at most: more than schedules have, negative ones included.
  private static let limit = 1 << 13

  private var places: [Int: Int] = [:]
  private var known: [Float] = []

  /// `[times, width]`; negative times have features of their own, for which inversion asks.
  mutating func rows(_ times: [Int], of network: any NoiseNetwork) throws(KernelError) -> [Float] {
    let width = network.timeWidth
    if places.count > Self.limit {
      places = [:]
      known = []
    }
    var unknown: [Double] = []
    for time in times where places[time] == nil {
      places[time] = places.count
      unknown.append(Double(time))
    }
    if !unknown.isEmpty {
      do { known += try network.waves(unknown) } catch {
        self = TimeFeatures()
        throw error
      }
    }
    return [Float](unsafeUninitializedCapacity: times.count * width) { rows, count in
      var (first, last) = (0, Int?.none)
      for (row, time) in times.enumerated() {
        // The rows of a hop or of a move share their time.
        if time != last { (first, last) = ((places[time] ?? 0) * width, time) }
        for i in 0..<width { rows.initializeElement(at: row * width + i, to: known[first + i]) }
      }
      count = times.count * width
    }
  }
}
