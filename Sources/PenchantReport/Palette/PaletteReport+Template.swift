extension PaletteReport {
  static let template = """
    \(pageHead)
    <section class="figures">
    {{#figures}}
    <div class="figure"><div class="value">{{value}}</div><div class="name">{{figureName}}</div><div class="note">{{figureNote}}</div></div>
    {{/figures}}
    </section>
    <section class="cautions">
    <h2>Before you believe it</h2>
    <ul>
    {{#cautions}}
    <li><strong>{{cautionName}}</strong> {{cautionText}}</li>
    {{/cautions}}
    </ul>
    </section>
    <nav aria-label="Contents"><ol>
    {{#contents}}
    <li><a href="#{{link}}">{{linkTitle}}</a></li>
    {{/contents}}
    </ol></nav>
    {{#sections}}
    <section id="{{id}}">
    <h2>{{sectionTitle}}</h2>
    {{#paragraphs}}
    <p class="prose">{{.}}</p>
    {{/paragraphs}}
    {{#grid}}
    <table class="stacking">
    <thead><tr>{{#header}}<th scope="col">{{.}}</th>{{/header}}</tr></thead>
    <tbody>
    {{#gridRows}}
    <tr class="{{rowStyle}}"><th scope="row">{{model}}<span class="note">{{meaning}}</span></th>{{#gridCells}}<td><span class="cell-name">{{cellHeader}}</span><span>{{cellValue}}<span class="note">{{cellNote}}</span></span></td>{{/gridCells}}</tr>
    {{/gridRows}}
    </tbody>
    </table>
    {{/grid}}
    {{#charts}}
    <figure class="{{chartWidth}}">
    <h3>{{chartTitle}}</h3>
    {{{markup}}}
    <figcaption>{{caption}}</figcaption>
    </figure>
    {{/charts}}
    {{#hasPanels}}
    <div class="panels">
    {{#panels}}
    <figure class="panel">
    <h3 dir="auto">{{chartTitle}}</h3>
    <figcaption>{{caption}}</figcaption>
    {{{markup}}}
    </figure>
    {{/panels}}
    </div>
    {{/hasPanels}}
    {{#pairs}}
    <article class="pair">
    <h3 dir="auto">{{heading}}</h3>
    <div class="sides">
    <div class="quotes">
    {{#quotes}}
    <div class="quote {{quoteName}}">
    <div class="quote-name">{{quoteName}}</div>
    <blockquote dir="auto">{{start}}</blockquote>
    {{#whole}}<details><summary>the whole text, {{length}} characters</summary><blockquote dir="auto">{{wholeText}}</blockquote></details>{{/whole}}
    </div>
    {{/quotes}}
    </div>
    <figure>
    {{{waterfall}}}
    <figcaption>{{waterfallCaption}} {{verdict}}</figcaption>
    </figure>
    </div>
    </article>
    {{/pairs}}
    {{#hasCards}}
    <div class="cards">
    {{#cards}}
    <div class="card">
    <h3 dir="auto">{{cardName}}</h3>
    <p class="note">{{poles}}</p>
    <p class="badge {{badgeStyle}}">{{badge}}</p>
    <dl>
    {{#lines}}
    <dt>{{lineName}}</dt><dd>{{lineValue}}</dd>
    {{/lines}}
    </dl>
    <p class="note">{{cardNote}}</p>
    </div>
    {{/cards}}
    </div>
    {{/hasCards}}
    {{#lastCharts}}
    <figure class="{{chartWidth}}">
    <h3>{{chartTitle}}</h3>
    {{{markup}}}
    <figcaption>{{caption}}</figcaption>
    </figure>
    {{/lastCharts}}
    {{#tables}}
    <details class="numbers">
    <summary>The numbers: {{tableTitle}} <span class="note">also in {{file}}.csv</span></summary>
    <div class="scroll"><table>
    <thead><tr>{{#columns}}<th scope="col">{{.}}</th>{{/columns}}</tr></thead>
    <tbody>
    {{#rows}}
    <tr>{{#cells}}<td>{{.}}</td>{{/cells}}</tr>
    {{/rows}}
    </tbody>
    </table></div>
    </details>
    {{/tables}}
    </section>
    {{/sections}}
    <section id="words">
    <h2>Words used here</h2>
    <dl class="words">
    <dt>attribute</dt><dd>A quality that every text has more or less of, such as formality.</dd>
    <dt>utility</dt><dd>The model's score of a text in a community. Of two texts, the higher one is expected to win.</dd>
    <dt>log-odds</dt><dd>The unit of utility. A difference of 0 is 50 to 50, 0.4 is 60 to 40, 1 is 73 to 27, 2 is 88 to 12.</dd>
    <dt>weight</dt><dd>How much utility one standard deviation more of an attribute brings; below zero, it costs.</dd>
    <dt>standard deviation</dt><dd>The usual distance from the average. One more than average: the top sixth of texts.</dd>
    <dt>95% interval</dt><dd>The range in which the number would mostly land had other posts been drawn.</dd>
    <dt>stands out</dt><dd>Of all effects that are told as real, about one in twenty is expected to be chance (Benjamini and Hochberg).</dd>
    </dl>
    </section>
    <footer>
    <h2>How this was made</h2>
    <dl>
    {{#facts}}
    <dt>{{factName}}</dt><dd>{{factValue}}</dd>
    {{/facts}}
    <dt>numbers</dt><dd>{{files}}</dd>
    </dl>
    </footer>
    </main>
    </body>
    </html>
    """

  static let style = """
    main > section, nav { margin-bottom: 2.8rem; }
    section > h2 { font-size: 1.35rem; line-height: 1.25; margin: 0 0 .6rem; }
    h3 { font-size: 1.02rem; line-height: 1.3; margin: 0 0 .35rem; }
    h1, h2, h3, p, li, th, td, figcaption, summary, dd, dt { overflow-wrap: anywhere; }
    .lead { color: var(--ink); font-size: 1.15rem; }
    .prose { max-width: 72ch; margin: 0 0 .9rem; }
    .cautions { border-left: 4px solid var(--warn); background: var(--panel); padding: 1rem 1.3rem; border-radius: 0 8px 8px 0; }
    .cautions h2 { font-size: 1.1rem; }
    .cautions ul { margin: 0; padding-left: 1.1rem; max-width: 80ch; }
    .cautions li { margin: .3rem 0; }
    nav ol { display: flex; flex-wrap: wrap; gap: .3rem 1.6rem; margin: 0; padding-left: 1.3rem; }
    nav li { padding-right: .6rem; }
    a { color: var(--c0); }
    section > figure { margin: 1.4rem 0 1.8rem; }
    figure.half { max-width: 600px; }
    figcaption { margin-top: .4rem; max-width: 75ch; }
    .panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 2rem 1.6rem; margin-top: 1.4rem; }
    .panel { max-width: 420px; display: flex; flex-direction: column; }
    .panel figcaption { margin: 0 0 .4rem; }
    .panel svg { margin-top: auto; }
    .pair { border-top: 1px solid var(--rule); padding: 1.1rem 0; }
    .sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 1.2rem 2rem; align-items: start; }
    .quotes { display: grid; gap: .8rem; min-width: 0; }
    .quote { border-left: 4px solid var(--rule); padding-left: .9rem; min-width: 0; }
    .quote.chosen { border-color: var(--c0); } .quote.rejected { border-color: var(--c1); }
    .quote-name { color: var(--soft); font-size: .8rem; font-weight: 600; letter-spacing: .04em; text-transform: uppercase; }
    blockquote { margin: .1rem 0; white-space: pre-line; overflow-wrap: anywhere; }
    .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr)); gap: 1rem; margin: 1.2rem 0; }
    .card { background: var(--panel); border-radius: 8px; padding: .9rem 1rem; min-width: 0; }
    .card p { margin: .25rem 0; }
    .card dl { grid-template-columns: 1fr auto; gap: .1rem .8rem; margin: .5rem 0; font-variant-numeric: tabular-nums; }
    .card dd { text-align: right; }
    .badge { font-size: .86rem; font-weight: 600; }
    .badge.good { color: var(--c2); } .badge.open { color: var(--warn); }
    .words { grid-template-columns: minmax(0, max-content) minmax(0, 70ch); }
    .words dt { font-weight: 600; color: var(--ink); }
    details { margin: .8rem 0; }
    summary { cursor: pointer; color: var(--c0); }
    details.numbers td, details.numbers th { white-space: normal; overflow-wrap: normal; unicode-bidi: plaintext; min-width: 4.5em; max-width: 22em; }
    details.numbers td:first-child { overflow-wrap: anywhere; min-width: 7em; }
    .stacking { max-width: 980px; margin-bottom: 1rem; }
    .stacking th, .stacking td { white-space: normal; vertical-align: top; }
    .stacking tbody th { color: var(--ink); font-weight: 500; }
    .stacking .note { display: block; font-weight: 400; }
    .stacking .cell-name { display: none; }
    .stacking tr.ours > * { font-weight: 650; background: var(--panel); }
    @media (max-width: 700px) {
      main { padding: 1.5rem 1rem 2rem; }
      .stacking thead { display: none; }
      .stacking, .stacking tbody, .stacking tr, .stacking th, .stacking td { display: block; text-align: left; }
      .stacking tr { border-bottom: 1px solid var(--rule); padding: .5rem .6rem; }
      .stacking tr.ours { background: var(--panel); }
      .stacking th, .stacking td { border: 0; padding: .1rem 0; }
      .stacking td { display: grid; grid-template-columns: 1fr auto; gap: 1rem; }
      .stacking td .note { display: inline; margin-left: .6rem; }
      .stacking .cell-name { display: block; color: var(--soft); font-weight: 400; }
      .words { grid-template-columns: 1fr; } .words dd { margin-bottom: .6rem; }
    }
    @media print {
      main { max-width: none; padding: 0; }
      body { font-size: 10.5pt; }
      main > section { break-inside: auto; }
      h2, h3, summary { break-after: avoid; }
      .card, .panel, .quote, .figure, .cautions { break-inside: avoid; }
      nav, details { display: none; }
      .panels { grid-template-columns: 1fr 1fr; gap: 1rem 1.6rem; }
      .cards { grid-template-columns: 1fr 1fr 1fr; gap: .6rem; }
      .card { padding: .6rem .7rem; }
      .pair { break-inside: avoid; }
      .sides { grid-template-columns: 1fr 1fr; gap: 1.2rem; }
      .sides .broad { display: none; } .sides .narrow { display: block; }
    }
    """
}
