/// What a system has to show besides its metrics: a table, and lines over its rows where people would rather look than read.
public struct RecommenderExhibit: Codable, Sendable, Equatable {
  /// One line of a plot.
  public struct Line: Codable, Sendable, Equatable {
    public var name: String
    public var values: [Double]
  }
  /// Lines over places 0, 1, 2, …
  public struct Plot: Codable, Sendable, Equatable {
    /// What the places are, and what is plotted.
    public var x: String
    public var y: String
    public var lines: [Line]
  }

  public var title: String
  public var note: String
  public var header: [String]
  public var rows: [[String]]
  public var plot: Plot?

  public init(title: String, note: String = "", header: [String], rows: [[String]], plot: Plot? = nil) {
    self.title = title
    self.note = note
    self.header = header
    self.rows = rows
    self.plot = plot
  }
}
