import Foundation
import Mustache

/// One self-contained HTML page: figures at the top, tables, charts. No script, no link to another file.
public struct Report: Sendable {
  public struct Figure: Sendable {
    public var name: String
    public var value: String
    public var note: String
    public init(_ name: String, _ value: String, note: String = "") {
      self.name = name
      self.value = value
      self.note = note
    }
  }
  public struct Table: Sendable {
    public var title: String
    public var note: String
    public var header: [String]
    public var rows: [[String]]
    /// Cells hold words, which are wrapped, and not numbers.
    public var isProse: Bool
    public init(
      title: String, note: String = "", header: [String], rows: [[String]], isProse: Bool = false
    ) {
      self.title = title
      self.note = note
      self.header = header
      self.rows = rows
      self.isProse = isProse
    }
  }
  public var title: String
  public var lead: String
  public var figures: [Figure]
  public var tables: [Table]
  public var charts: [any Chart]
  /// How it was made: command, data, seed, threads.
  public var facts: [(name: String, value: String)]

  public init(
    title: String, lead: String, figures: [Figure] = [], tables: [Table] = [], charts: [any Chart] = [],
    facts: [(name: String, value: String)] = []
  ) {
    self.title = title
    self.lead = lead
    self.figures = figures
    self.tables = tables
    self.charts = charts
    self.facts = facts
  }

  /// The page. Text is escaped by the template; charts are markup that this module wrote.
  public func html() throws -> String {
    let template = try MustacheTemplate(string: Self.template)
    return template.render(
      [
        "pageTitle": title,
        "lead": lead,
        "style": Self.style,
        "figures": figures.map { ["name": $0.name, "value": $0.value, "note": $0.note] },
        "tables": tables.map { table -> [String: Any] in
          [
            "title": table.title, "note": table.note, "hasNote": !table.note.isEmpty,
            "kind": table.isProse ? "prose" : "numbers", "header": table.header,
            "rows": table.rows.map { ["cells": $0] },
          ]
        },
        "charts": charts.map {
          [
            "title": $0.title, "caption": $0.caption, "markup": $0.markup,
            "width": $0.isWide ? "wide" : "half",
          ]
        },
        "facts": facts.map { ["name": $0.name, "value": $0.value] },
      ] as [String: Any])
  }

  static let template = """
    \(pageHead)
    <section class="figures">
    {{#figures}}
    <div class="figure"><div class="value">{{value}}</div><div class="name">{{name}}</div><div class="note">{{note}}</div></div>
    {{/figures}}
    </section>
    {{#tables}}
    <section>
    <h2>{{title}}</h2>
    {{#hasNote}}<p class="note">{{note}}</p>{{/hasNote}}
    <div class="scroll"><table class="{{kind}}">
    <thead><tr>{{#header}}<th>{{.}}</th>{{/header}}</tr></thead>
    <tbody>
    {{#rows}}
    <tr>{{#cells}}<td>{{.}}</td>{{/cells}}</tr>
    {{/rows}}
    </tbody>
    </table></div>
    </section>
    {{/tables}}
    <div class="charts">
    {{#charts}}
    <figure class="{{width}}">
    <h2>{{title}}</h2>
    {{{markup}}}
    <figcaption>{{caption}}</figcaption>
    </figure>
    {{/charts}}
    </div>
    <footer>
    <h2>How this was made</h2>
    <dl>
    {{#facts}}
    <dt>{{name}}</dt><dd>{{value}}</dd>
    {{/facts}}
    </dl>
    </footer>
    </main>
    </body>
    </html>
    """
}
