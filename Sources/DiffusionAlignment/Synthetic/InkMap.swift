/// The ink of a picture and its moments; the middle of the first pixel is at 0.5.
struct InkMap {
  let height: Int
  let width: Int
  let ink: [Double]
  let total: Double
  let x: Double
  let y: Double
  /// Sums of ink times products of distances from the centroid: columns squared, columns times rows, rows
  /// squared.
  let mu20: Double
  let mu11: Double
  let mu02: Double
  /// The sum of red less blue ink.
  let redOverBlue: Double
  /// Half the shorter side.
  var unit: Double { Double(min(height, width)) / 2 }

  init(_ picture: ArraySlice<Float>, _ shape: SampleShape) {
    let (height, width) = (shape.height, shape.width)
    func part(_ pixel: Int, _ channel: Int) -> Double {
      let value = Double(picture[picture.startIndex + pixel * shape.channels + channel])
      // Not `min(max())`: NaN is no ink.
      return value > -1 ? min(1, (value + 1) / 2) : 0
    }
    let ink = (0..<height * width).map { pixel in (0..<shape.channels).map { part(pixel, $0) }.max() ?? 0 }
    redOverBlue = shape.channels == 3 ? ink.indices.reduce(0) { $0 + part($1, 0) - part($1, 2) } : 0
    let total = ink.reduce(0, +)
    var x = 0.0
    var y = 0.0
    for pixel in ink.indices {
      x += ink[pixel] * (Double(pixel % width) + 0.5)
      y += ink[pixel] * (Double(pixel / width) + 0.5)
    }
    if total > 0 { (x, y) = (x / total, y / total) }
    var (mu20, mu11, mu02) = (0.0, 0.0, 0.0)
    for pixel in ink.indices {
      let dx = Double(pixel % width) + 0.5 - x
      let dy = Double(pixel / width) + 0.5 - y
      mu20 += ink[pixel] * dx * dx
      mu11 += ink[pixel] * dx * dy
      mu02 += ink[pixel] * dy * dy
    }
    (self.height, self.width, self.ink, self.total, self.x, self.y) = (height, width, ink, total, x, y)
    (self.mu20, self.mu11, self.mu02) = (mu20, mu11, mu02)
  }

  /// Parts of the background that do not reach the border. Ink hangs together by corners, so the background
  /// by sides only.
  var loops: Int {
    var seen = ink.map { $0 > 0.5 }
    var count = 0
    var stack: [Int] = []
    for start in ink.indices where !seen[start] {
      var reachesBorder = false
      seen[start] = true
      stack.append(start)
      while let pixel = stack.popLast() {
        let (row, column) = (pixel / width, pixel % width)
        if row == 0 || column == 0 || row == height - 1 || column == width - 1 { reachesBorder = true }
        for (next, isInside) in [
          (pixel - width, row > 0), (pixel + width, row < height - 1), (pixel - 1, column > 0),
          (pixel + 1, column < width - 1),
        ] where isInside && !seen[next] {
          seen[next] = true
          stack.append(next)
        }
      }
      if !reachesBorder { count += 1 }
    }
    return count
  }
}
