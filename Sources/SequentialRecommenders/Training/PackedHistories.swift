import PenchantKernels

/// Histories behind each other in a block of a fixed number of rows, one row an item, as a recorded program reads them.
///
/// Rows that are left over form sequences of their own that nobody looks at: a program has one shape, and a row without a
/// sequence would hold what an earlier step left there.
struct PackedHistories: Sendable {
  let rows: Int
  let longest: Int
  /// `[rows]` items from 0; `UInt32.max` where one is hidden.
  private(set) var items: [UInt32]
  /// `[rows]` places in their sequence.
  private(set) var places: [UInt32]
  /// `[rows]` items to predict from 0, `catalogueIgnore` where nothing is predicted.
  private(set) var targets: [UInt32]
  /// `[rows + 1]`
  private(set) var offsets: [UInt32]
  private(set) var sequences = 0
  private(set) var filled = 0

  /// - Parameter rows: at least `longest`.
  init(rows: Int, longest: Int) {
    self.rows = rows
    self.longest = longest
    items = [UInt32](repeating: 0, count: rows)
    places = items
    targets = [UInt32](repeating: catalogueIgnore, count: rows)
    offsets = [UInt32](repeating: 0, count: rows + 1)
  }

  mutating func clear() {
    sequences = 0
    filled = 0
  }

  func fits(_ count: Int) -> Bool { filled + count <= rows }

  /// Appends items of a history that is to be continued, and a hidden one behind them if asked. Ids count from 1.
  mutating func append(_ history: ArraySlice<Int32>, asking: Bool = false) {
    for (place, item) in history.enumerated() { set(place, UInt32(item - 1)) }
    if asking { set(history.count, UInt32.max) }
    close(history.count + (asking ? 1 : 0))
  }

  private mutating func set(_ place: Int, _ item: UInt32) {
    items[filled + place] = item
    places[filled + place] = UInt32(place)
    targets[filled + place] = catalogueIgnore
  }

  /// Appends a window with its targets.
  mutating func append(_ window: TrainingWindow, of all: [Int32]) {
    for place in 0..<window.count {
      items[filled + place] = UInt32(all[window.start + place] - 1)
      places[filled + place] = UInt32(place)
      targets[filled + place] =
        place < window.context ? catalogueIgnore : UInt32(all[window.start + place + 1] - 1)
    }
    close(window.count)
  }

  /// Appends all items of a window, the last target too, and hides some of those that are not context: an item whose draw
  /// (uniform in 0 ..< 1, one an item) lies below `share`, the one with the smallest when none does, or the last alone.
  mutating func append(
    _ window: TrainingWindow, of all: [Int32], hiding share: Float, draws: ArraySlice<Float>, lastAlone: Bool
  ) {
    let rows = window.count + 1
    for place in 0..<rows { set(place, UInt32(all[window.start + place] - 1)) }
    let open = window.context..<rows
    let smallest = open.min { draws[draws.startIndex + $0] < draws[draws.startIndex + $1] }
    for place in open {
      let hidden =
        lastAlone
        ? place == rows - 1 : place == smallest || draws[draws.startIndex + place] < share
      guard hidden else { continue }
      targets[filled + place] = items[filled + place]
      items[filled + place] = UInt32.max
    }
    close(rows)
  }

  private mutating func close(_ count: Int) {
    filled += count
    sequences += 1
    offsets[sequences] = UInt32(filled)
  }

  /// Gives the rows that are left to sequences of item 0 without targets.
  mutating func finish() {
    var (end, sequence) = (filled, sequences)
    while end < rows {
      let count = min(longest, rows - end)
      for place in 0..<count {
        items[end + place] = 0
        places[end + place] = UInt32(place)
        targets[end + place] = catalogueIgnore
      }
      end += count
      sequence += 1
      offsets[sequence] = UInt32(end)
    }
    for i in sequence..<rows { offsets[i + 1] = UInt32(rows) }
  }
}
