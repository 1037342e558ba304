/// Points of one colour, and what the legend calls them.
public struct PointSeries: Sendable {
  public var name: String
  public var points: [(x: Double, y: Double)]

  public init(_ name: String, _ points: [(x: Double, y: Double)]) {
    self.name = name
    self.points = points
  }
}
