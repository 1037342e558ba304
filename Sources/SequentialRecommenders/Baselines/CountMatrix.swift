import PenchantKernels
import PenchantTrain

/// A sparse matrix of counts, rows by item; columns ascend within a row.
struct CountMatrix: Sendable, Equatable {
  /// Row i is `starts[i]..<starts[i + 1]` of `columns` and `counts`; items from 0.
  private(set) var starts: [Int] = [0]
  private(set) var columns: [UInt32] = []
  private(set) var counts: [UInt32] = []

  var rows: Int { starts.count - 1 }

  /// Counts what `partners(row, visit)` visits, a block of rows on each thread.
  init(rows: Int, partners: @Sendable (Int, (Int) -> Void) -> Void) throws {
    let size = 256
    let blocks = try parallelMap((rows + size - 1) / size) { block in
      var tally = [UInt32](repeating: 0, count: rows)
      var touched: [UInt32] = []
      var part: (lengths: [Int], columns: [UInt32], counts: [UInt32]) = ([], [], [])
      for row in block * size..<min(rows, (block + 1) * size) {
        partners(row) { column in
          if tally[column] == 0 { touched.append(UInt32(column)) }
          tally[column] += 1
        }
        touched.sort()
        part.columns += touched
        part.counts += touched.map { tally[Int($0)] }
        part.lengths.append(touched.count)
        for column in touched { tally[Int(column)] = 0 }
        touched.removeAll(keepingCapacity: true)
      }
      return part
    }
    for block in blocks {
      for length in block.lengths { starts.append(starts[starts.count - 1] + length) }
      columns += block.columns
      counts += block.counts
    }
  }

  /// A matrix from a file: `starts` ascend from 0 to the number of columns.
  init(starts: [Int], columns: [UInt32], counts: [UInt32]) {
    (self.starts, self.columns, self.counts) = (starts, columns, counts)
  }

  func row(_ row: Int) -> Range<Int> { starts[row]..<starts[row + 1] }
}

/// The places of an item's events: `events[starts[i]..<starts[i + 1]]` are places in the sequences' array of items.
struct ItemPlaces: Sendable {
  let starts: [Int]
  let events: [Int]

  init(_ sequences: ItemSequences) {
    let index = EventIndex(sequences.items.map { $0 - 1 }, groups: sequences.itemCount)
    (starts, events) = (index.offsets, index.events)
  }

  subscript(item: Int) -> ArraySlice<Int> { events[starts[item]..<starts[item + 1]] }
}
