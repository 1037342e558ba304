import PenchantReport
import Testing

@Suite struct ChartTests {
  static let hostile = "<script>alert('x')</script> \"q\" & 🦊 \u{202E}שלום\u{0007}\u{FFFF}"

  static func charts(_ name: String) -> [any Chart] {
    [
      HeatMap(
        title: name, caption: name, rows: [name, "b", "c"], columns: [name, "y"],
        values: [[1, -1], [nil, 0.5], [.nan, 0]], key: name),
      SignedBars(
        title: name, caption: name,
        rows: [
          SignedBars.Row(name, 0.5, low: 0.1, high: 0.9, share: 0.7),
          SignedBars.Row("b", -0.2, low: -0.5, high: 0.1, share: 0.3, isFlagged: false),
        ]),
      ResponseCurves(
        title: name, caption: name, labels: ["1", "2", "3", "4", name], x: name,
        lines: [
          ResponseCurves.Line(
            name, (0..<5).map { ResponseCurves.Point(step: $0, value: 1, low: 0, high: 2) }),
          ResponseCurves.Line("pale", [], isHighlighted: false),
        ]),
      Waterfall(title: name, caption: name, parts: [(name, 0.4), ("b", -0.7)]),
      MatrixTable(
        title: name, caption: name, names: [name, "b"], values: [[1, 0.6], [0.6, 1]], key: name,
        threshold: 0.5,
        side: ("VIF", [6, 1], 5)),
      BarChart(title: name, caption: name, x: name, series: [(name, [BarChart.Row(name, 0.5)]), ("b", [])]),
      LineChart(
        title: name, caption: name, x: name, y: name, series: [PointSeries(name, [(1, 2), (2, 3)])]),
      CalibrationChart(
        title: name, caption: name,
        series: [(name, [CalibrationChart.Bin(confidence: 0.6, accuracy: 0.5, count: 3)])]),
      ScatterChart(
        title: name, caption: name, x: name, y: name,
        series: [PointSeries(name, [(0, 1), (.nan, 2), (3, .infinity), (1, 1)]), .init("b", [])]),
      Picture(title: name, caption: name, alternative: name, png: [1, 2, 3], width: 2, height: 1),
    ]
  }

  @Test(arguments: ["a", "", hostile, String(repeating: "long name ", count: 1000)], [360.0, 560, 860])
  func drawingsAreWellFormedAndSayWhatTheyShow(_ name: String, _ width: Double) {
    for chart in Self.charts(name) {
      let svg = chart.svg(width: width)
      #expect(Markup.fault(of: svg) == nil, "\(type(of: chart))")
      #expect(svg.contains("<title>") && svg.contains("<desc>"))
      #expect(!svg.contains("<script") && !svg.lowercased().contains("nan") && !svg.contains("inf"))
    }
  }

  @Test func emptyChartsAreWellFormed() {
    let charts: [any Chart] = [
      HeatMap(title: "t", caption: "", rows: [], columns: [], values: [], key: ""),
      SignedBars(title: "t", caption: "", rows: []),
      ResponseCurves(title: "t", caption: "", labels: [], x: "", lines: []),
      Waterfall(title: "t", caption: "", parts: []),
      MatrixTable(title: "t", caption: "", names: [], values: [], key: "", threshold: 1),
      ScatterChart(title: "t", caption: "", x: "", y: "", series: []),
      Picture(title: "t", caption: "", alternative: "", png: [], width: 0, height: -1),
    ]
    for chart in charts { #expect(Markup.fault(of: chart.svg(width: 360)) == nil, "\(type(of: chart))") }
  }

  @Test func alikeRowsStandTogether() {
    let rows: [[Double?]] = [[0, 0], [9, 9], [0, 1], [5, 5], [9, 8], [5, 6]]
    let map = HeatMap(
      title: "", caption: "", rows: rows.indices.map { "r\($0)" }, columns: ["a", "b"], values: rows, key: "")
    // 0 with 2, 1 with 4, 3 with 5; then 1, 4 with 3, 5 (mean distance 3.5 against 5.0 from 0, 2 to 3, 5).
    #expect(map.order == [0, 2, 1, 4, 3, 5])
  }

  @Test func missingValuesAreLeftOutOfTheDistance() {
    let rows: [[Double?]] = [[0, nil], [8, 8], [nil, nil], [0, 7]]
    let map = HeatMap(
      title: "", caption: "", rows: ["a", "b", "c", "d"], columns: ["x", "y"], values: rows, key: "")
    #expect(map.order.sorted() == [0, 1, 2, 3])
    #expect(Array(map.order.prefix(2)) == [0, 3])
  }

  @Test func ranksThatDifferByMoreThanFiveAreMarked() {
    // Ten attributes; weight falls, attention falls too but for the first and the last.
    let shares = [0.01, 0.18, 0.16, 0.14, 0.12, 0.10, 0.08, 0.06, 0.05, 0.20]
    let bars = SignedBars(
      title: "", caption: "",
      rows: shares.indices.map { place in
        SignedBars.Row("a\(place)", (place % 2 == 0 ? 1 : -1) * Double(10 - place), share: shares[place])
      })
    #expect(bars.disagreements == [0, 9])
    #expect(bars.svg(width: 360).components(separatedBy: "class=\"warning\"").count - 1 == 2)
  }

  @Test func partsAddUpToTheTotal() {
    let parts = (0..<30).map { (name: "p\($0)", value: Double($0 % 7) - 3) }
    let chart = Waterfall(title: "", caption: "", parts: parts, most: 8)
    #expect(chart.total == parts.reduce(0) { $0 + $1.value })
    let svg = chart.svg(width: 560)
    #expect(svg.contains("23 others together") && !svg.contains(">p29<"))
  }

  @Test func longNamesTakeLinesAndAreNotCut() {
    let name = "willingness_to_admit_an_error and to say so in the first line"
    let svg = SignedBars(title: "", caption: "", rows: [SignedBars.Row(name, 1)]).svg(width: 360)
    let names = svg.components(separatedBy: "<g class=\"names\">")[1].components(separatedBy: "</g>")[0]
    let shown = names.components(separatedBy: "<text").dropFirst().map { piece in
      piece.components(separatedBy: ">")[1].components(separatedBy: "<")[0]
    }
    #expect(shown.count > 1)
    #expect(shown.joined().filter { $0 != " " } == name.filter { $0 != " " })
  }
}
