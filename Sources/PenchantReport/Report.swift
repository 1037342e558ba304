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
    public init(title: String, note: String = "", header: [String], rows: [[String]]) {
      self.title = title
      self.note = note
      self.header = header
      self.rows = rows
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
        "title": title,
        "lead": lead,
        "style": Self.style,
        "figures": figures.map { ["name": $0.name, "value": $0.value, "note": $0.note] },
        "tables": tables.map { table -> [String: Any] in
          [
            "title": table.title, "note": table.note, "hasNote": !table.note.isEmpty,
            "header": table.header, "rows": table.rows.map { ["cells": $0] },
          ]
        },
        "charts": charts.map {
          ["title": $0.title, "caption": $0.caption, "svg": $0.svg, "width": $0.isWide ? "wide" : "half"]
        },
        "facts": facts.map { ["name": $0.name, "value": $0.value] },
      ] as [String: Any])
  }

  static let template = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>{{title}}</title>
    <style>
    {{{style}}}
    </style>
    </head>
    <body>
    <main>
    <header>
    <h1>{{title}}</h1>
    <p class="lead">{{lead}}</p>
    </header>
    <section class="figures">
    {{#figures}}
    <div class="figure"><div class="value">{{value}}</div><div class="name">{{name}}</div><div class="note">{{note}}</div></div>
    {{/figures}}
    </section>
    {{#tables}}
    <section>
    <h2>{{title}}</h2>
    {{#hasNote}}<p class="note">{{note}}</p>{{/hasNote}}
    <div class="scroll"><table>
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
    {{{svg}}}
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

  static let style = """
    :root { --paper: #fdfdfc; --ink: #1c1e21; --soft: #5b6169; --rule: #dcdfe3; --panel: #f3f4f5;
      --c0: #2f6fb5; --c1: #d9722b; --c2: #3d8f5f; --c3: #a14fa0; --c4: #8a7a1e; --c5: #b23b4a; }
    @media (prefers-color-scheme: dark) {
      :root { --paper: #15171a; --ink: #e7e9ec; --soft: #a3aab3; --rule: #353a41; --panel: #1e2125;
        --c0: #6aa9ea; --c1: #f09a5c; --c2: #6fc493; --c3: #cf8ad0; --c4: #cdbb57; --c5: #ec7f8b; } }
    @media print { :root { --paper: #fff; --ink: #000; --soft: #444; --rule: #bbb; --panel: #fff; } figure, section { break-inside: avoid; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
    main { max-width: 1180px; margin: 0 auto; padding: 2.5rem 1.5rem 3rem; }
    h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; }
    h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
    .lead { color: var(--soft); margin: 0; max-width: 65ch; }
    .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1rem; margin: 1.8rem 0 2.2rem; }
    .figure { background: var(--panel); border-radius: 8px; padding: .9rem 1rem; }
    .value { font-size: 1.7rem; font-weight: 650; font-variant-numeric: tabular-nums; }
    .name { font-weight: 550; }
    .note, figcaption, .figure .note { color: var(--soft); font-size: .88rem; }
    section { margin-bottom: 2.2rem; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .94rem; }
    th, td { text-align: right; padding: .35rem .7rem; border-bottom: 1px solid var(--rule); white-space: nowrap; }
    th { color: var(--soft); font-weight: 550; }
    th:first-child, td:first-child { text-align: left; padding-left: 0; }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 2rem; }
    figure { margin: 0; }
    figure.wide { grid-column: 1 / -1; max-width: 860px; }
    svg { width: 100%; height: auto; display: block; }
    .grid { stroke: var(--rule); stroke-width: 1; }
    .axis { stroke: var(--soft); stroke-width: 1; }
    .diagonal { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 5 4; fill: none; }
    .whisker { stroke: var(--ink); stroke-width: 1.2; }
    .series { fill: none; stroke-width: 2; stroke-linejoin: round; }
    .label { font-size: 12px; fill: var(--soft); }
    .axis-name { font-size: 12px; fill: var(--ink); }
    .bar { opacity: .85; }
    .dot { stroke: var(--paper); stroke-width: 1; }
    .s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); }
    .s3 { stroke: var(--c3); } .s4 { stroke: var(--c4); } .s5 { stroke: var(--c5); }
    .f0 { fill: var(--c0); } .f1 { fill: var(--c1); } .f2 { fill: var(--c2); }
    .f3 { fill: var(--c3); } .f4 { fill: var(--c4); } .f5 { fill: var(--c5); }
    footer { margin-top: 2.5rem; border-top: 1px solid var(--rule); padding-top: 1.2rem; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: 0; font-size: .9rem; }
    dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
    """
}
