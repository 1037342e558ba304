/// A part of the page: what it shows in plain words, then pictures, then the numbers folded away.
struct PaletteSection {
  /// A text with its heading, in short form when long.
  struct Quote {
    var name: String
    var text: String
  }
  struct Pair {
    var heading: String
    var quotes: [Quote]
    var chart: Waterfall
    var verdict: String
  }
  struct Card {
    var name: String
    var poles: String
    var badge: String
    var isValidated: Bool
    var lines: [(name: String, value: String)]
    var note: String
  }
  /// Models down, test sets across.
  struct Grid {
    var header: [String]
    var rows: [(name: String, meaning: String, isOurs: Bool, cells: [(value: String, note: String)])]
  }
  /// Of the link to it.
  var id: String
  var title: String
  var paragraphs: [String]
  var grid: Grid?
  var charts: [any Chart] = []
  /// Small charts beside each other.
  var panels: [any Chart] = []
  var pairs: [Pair] = []
  var cards: [Card] = []
  /// Below cards.
  var lastCharts: [any Chart] = []
  var tables: [DataTable] = []
}
