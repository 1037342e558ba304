import Foundation
import Mustache

/// What PrefPalette learnt about communities, as one self-contained page for someone who writes no programs, with every
/// table as CSV and JSON beside it. No script, no link to another file.
///
///     try PaletteReport(input).write(to: folder)   // report.html, report.json, profiles.csv, profiles.json, …
public struct PaletteReport: Sendable {
  public let input: PaletteReportInput
  private let narrative: PaletteNarrative

  /// - Throws: `PaletteReportError` when numbers do not belong together.
  public init(_ input: PaletteReportInput) throws(PaletteReportError) {
    try input.validate()
    self.input = input
    narrative = PaletteNarrative(input)
  }

  /// What was learnt, in two sentences; effects that may be chance are not told.
  public var lead: String { narrative.lead }

  /// The whole input: what the page was made from.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(input)
  }

  /// Files by name: `report.html`, `report.json`, and for every table that has data a `.csv` and a `.json`.
  public func files() throws -> [(name: String, data: Data)] {
    [("report.html", Data(try html().utf8)), ("report.json", try json())]
      + (try input.tables.flatMap { table in
        [("\(table.name).csv", Data(table.csv.utf8)), ("\(table.name).json", try table.json())]
      })
  }

  /// Writes `files()` into a folder that exists, each replaced as a whole.
  public func write(to folder: URL) throws {
    for (name, data) in try files() {
      try data.write(to: folder.appending(path: name), options: .atomic)
    }
  }

  /// The page. Text is escaped by the template; charts are markup that this module wrote.
  public func html() throws -> String {
    let template = try MustacheTemplate(string: Self.template)
    let sections = PaletteSections(input: input, narrative: narrative).all
    return template.render(
      [
        "pageTitle": input.title, "lead": lead, "style": Report.style + "\n" + Self.style,
        "figures": figures.map { ["figureName": $0.name, "value": $0.value, "figureNote": $0.note] },
        "cautions": narrative.cautions.map { ["cautionName": $0.name, "cautionText": $0.text] },
        "contents": sections.map { ["link": $0.id, "linkTitle": $0.title] },
        "sections": sections.map(Self.context),
        "facts": input.facts.map { ["factName": $0.name, "factValue": $0.value] },
        "files": sentence(["report.json"] + input.tables.map { $0.name + ".csv" }),
      ] as [String: Any])
  }

  private var figures: [Report.Figure] {
    var figures = [Report.Figure("comparisons", PaletteNarrative.grouped(input.pairs))]
    if !narrative.communities.isEmpty {
      let attributes = input.profiles.map(\.attribute).withoutRepeats.count
      figures.append(
        Report.Figure("communities", "\(narrative.communities.count)", note: "\(attributes) attributes"))
      let flagged = input.profiles.count(where: \.flagged)
      figures.append(
        Report.Figure("effects that stand out", "\(flagged)", note: "of \(input.profiles.count) looked at"))
    }
    if let accuracy = input.accuracy, let set = accuracy.honest,
      let row = accuracy.rows.first(where: \.isOurs),
      let share = row.shares[set]
    {
      let ends = interval(share.low, share.high, 3)
      figures.insert(
        Report.Figure("right", percent(share.value, 1), note: ends.isEmpty ? "a coin: 50%" : "95% \(ends)"),
        at: 0)
    }
    return figures
  }

  private static func context(_ section: PaletteSection) -> [String: Any] {
    [
      "id": section.id, "sectionTitle": section.title, "paragraphs": section.paragraphs,
      "grid": section.grid.map { grid in
        [
          [
            "header": grid.header,
            "gridRows": grid.rows.map { row in
              [
                "model": row.name, "meaning": row.meaning, "rowStyle": row.isOurs ? "ours" : "other",
                "gridCells": zip(grid.header.dropFirst(), row.cells).map {
                  ["cellHeader": $0, "cellValue": $1.value, "cellNote": $1.note]
                },
              ] as [String: Any]
            },
          ] as [String: Any]
        ]
      } ?? [],
      "charts": section.charts.map(context), "lastCharts": section.lastCharts.map(context),
      "hasPanels": !section.panels.isEmpty, "panels": section.panels.map(context),
      "pairs": section.pairs.map(context), "hasCards": !section.cards.isEmpty,
      "cards": section.cards.map(context),
      "tables": section.tables.filter { !$0.rows.isEmpty }.map { table in
        [
          "tableTitle": table.title, "file": table.name, "columns": table.columns,
          "rows": table.rows.map { ["cells": $0.map(\.shown)] },
        ] as [String: Any]
      },
    ]
  }

  private static func context(_ chart: any Chart) -> [String: Any] {
    [
      "chartTitle": chart.title, "caption": chart.caption, "markup": chart.markup,
      "chartWidth": chart.isWide ? "wide" : "half",
    ]
  }

  private static func context(_ pair: PaletteSection.Pair) -> [String: Any] {
    [
      "heading": pair.heading, "verdict": pair.verdict, "waterfall": pair.chart.markup,
      "waterfallCaption": pair.chart.caption,
      "quotes": pair.quotes.map { quote in
        let start = shortened(quote.text)
        return [
          "quoteName": quote.name, "start": start ?? quote.text,
          "whole": start == nil
            ? [] : [["wholeText": quote.text, "length": PaletteNarrative.grouped(quote.text.count)]],
        ] as [String: Any]
      },
    ]
  }

  private static func context(_ card: PaletteSection.Card) -> [String: Any] {
    [
      "cardName": card.name, "poles": card.poles, "badge": card.badge,
      "badgeStyle": card.isValidated ? "good" : "open", "cardNote": card.note,
      "lines": card.lines.map { ["lineName": $0.name, "lineValue": $0.value] },
    ]
  }

  /// Characters of a quoted text that stand open in the page.
  private static let quoted = 600

  /// The start of a long text, to the end of a word; nil for a text that can stand whole.
  private static func shortened(_ text: String) -> String? {
    guard text.count > quoted + quoted / 5 else { return nil }
    let start = text.prefix(quoted)
    let end = start.lastIndex(where: \.isWhitespace) ?? start.endIndex
    return start[..<end] + " …"
  }
}
