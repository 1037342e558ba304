import Foundation
import Testing

@testable import PenchantReport

@Suite struct PictureTests {
  @Test func aPictureStandsInThePageOnceWithItsWords() throws {
    let png = (0..<200).map { UInt8($0) }
    let picture = Picture(
      title: "Samples", caption: "After 400 steps.", alternative: "Forty digits in four rows", png: png,
      width: 1200, height: 300)
    let line = LineChart(title: "Loss", caption: "", x: "", y: "", series: [])
    let html = try Report(title: "r", lead: "", charts: [picture, line]).html()
    let address = "data:image/png;base64,\(Data(png).base64EncodedString())"
    #expect(html.components(separatedBy: escape(address)).count == 2)
    #expect(html.contains("<title>Forty digits in four rows</title>"))
    #expect(html.contains("<figcaption>After 400 steps.</figcaption>"))
    #expect(html.contains("image-rendering: pixelated"))
  }

  @Test func aPictureIsNotWiderThanItsColumnAndNotBlownUp() {
    func size(_ width: Int, _ height: Int) -> String {
      let svg = Picture(title: "", caption: "", alternative: "", png: [], width: width, height: height)
        .svg(width: 560)
      return svg.components(separatedBy: "<image class=\"pixels\" ").last?.components(separatedBy: " href")
        .first ?? ""
    }
    #expect(size(1120, 100) == "width=\"560\" height=\"50\"")
    #expect(size(100, 50) == "width=\"100\" height=\"50\"")
  }
}

@Suite struct ScatterChartTests {
  private static func dots(_ svg: String) -> [[(x: Double, y: Double)]] {
    svg.components(separatedBy: "<path d=\"").dropFirst().map { part in
      part.components(separatedBy: "\"")[0].components(separatedBy: "M").dropFirst().map { move in
        let numbers = move.replacingOccurrences(of: "h0", with: "").split(separator: " ").compactMap {
          Double($0)
        }
        return (numbers[0], numbers[1])
      }
    }
  }

  private static func chart(_ points: [(x: Double, y: Double)], most: Int = 2000) -> ScatterChart {
    ScatterChart(title: "t", caption: "", x: "x", y: "y", series: [.init("a", points)], most: most)
  }

  @Test func bothAxesHaveOneScale() {
    let dots = Self.dots(Self.chart([(0, 0), (3, 0), (0, 1)]).svg(width: 560))[0]
    #expect(dots.count == 3)
    #expect(abs((dots[1].x - dots[0].x) / 3 - (dots[0].y - dots[2].y)) < 0.2)
    #expect(dots[1].y == dots[0].y && dots[2].x == dots[0].x)
  }

  @Test(arguments: [2, 3, 8, 10]) func longSeriesAreThinnedWithoutLosingAMode(_ period: Int) {
    let chart = Self.chart((0..<4000).map { (Double($0), Double($0 % period)) }, most: 500)
    let shown = chart.shown(chart.series[0])
    #expect(abs(shown.count - 500) < 5)
    for mode in 0..<period {
      let members = shown.count { $0.y == Double(mode) }
      #expect(abs(members * period - 500) < 100, "mode \(mode) of \(period): \(members)")
    }
    #expect(zip(shown, shown.dropFirst()).allSatisfy { $1.x - $0.x < 25 })
  }

  @Test func pointsOutsideAreLeftOut() {
    var chart = Self.chart([(0, 0), (9, 9), (-1, 1), (.nan, 0), (1e200, 0)])
    chart.window = (-2...2, -2...2)
    #expect(chart.shown(chart.series[0]).count == 2)
  }

  @Test(arguments: [0, 1e-300, 1, 1e12, 9e18, 1e25, -1e29, 1e308, .infinity])
  func numbersOfAnySizeAreDrawn(_ value: Double) {
    let clouds: [[(x: Double, y: Double)]] = [
      [(value, value)], [(value, 0), (0, 1)], [(value, 1), (value.nextUp, 2)],
    ]
    for points in clouds {
      let svg = Self.chart(points).svg(width: 360)
      #expect(Markup.fault(of: svg) == nil && !svg.contains("nan") && !svg.contains("inf"), "\(value)")
    }
    var chart = Self.chart([(0, 0)])
    chart.window = (-abs(value)...abs(value), 0...abs(value))
    #expect(Markup.fault(of: chart.svg(width: 360)) == nil)
  }
}
