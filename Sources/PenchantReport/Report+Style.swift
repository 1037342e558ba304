extension Report {
  static let style = """
    :root { --paper: #fdfdfc; --ink: #1c1e21; --soft: #5b6169; --rule: #dcdfe3; --panel: #f3f4f5;
      --c0: #2f6fb5; --c1: #d9722b; --c2: #3d8f5f; --c3: #a14fa0; --c4: #8a7a1e; --c5: #b23b4a;
      --plus: #2b6cb3; --minus: #bd5a10; --warn: #a8590a; }
    @media (prefers-color-scheme: dark) {
      :root { --paper: #15171a; --ink: #e7e9ec; --soft: #a3aab3; --rule: #353a41; --panel: #1e2125;
        --c0: #6aa9ea; --c1: #f09a5c; --c2: #6fc493; --c3: #cf8ad0; --c4: #cdbb57; --c5: #ec7f8b;
        --plus: #62a5ea; --minus: #f0924e; --warn: #f0b25c; } }
    @media print {
      :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --rule: #bbb; --panel: #f5f5f5;
        --c0: #2f6fb5; --c1: #d9722b; --c2: #3d8f5f; --c3: #a14fa0; --c4: #8a7a1e; --c5: #b23b4a;
        --plus: #2b6cb3; --minus: #bd5a10; --warn: #a8590a; }
      * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      figure, section { break-inside: avoid; }
      @page { margin: 14mm; }
    }
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
    .prose th, .prose td { text-align: left; white-space: normal; min-width: 4.5rem; vertical-align: top; }
    th:first-child, td:first-child { text-align: left; padding-left: 0; }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 2rem; }
    figure { margin: 0; }
    figure.wide { grid-column: 1 / -1; max-width: 860px; }
    svg { width: 100%; height: auto; display: block; overflow: visible; }
    .narrow { display: none; }
    @media (max-width: 640px) { .broad { display: none; } .narrow { display: block; max-width: 460px; } }
    .grid { stroke: var(--rule); stroke-width: 1; }
    .axis { stroke: var(--soft); stroke-width: 1; }
    .diagonal { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 5 4; fill: none; }
    .whisker { stroke: var(--ink); stroke-width: 1.2; fill: none; }
    .series { fill: none; stroke-width: 2; stroke-linejoin: round; }
    .label { font-size: 12px; fill: var(--soft); }
    .axis-name { font-size: 12px; fill: var(--ink); }
    .row-name { font-size: 12px; fill: var(--ink); }
    .names { font-size: 12px; fill: var(--ink); text-anchor: end; }
    .cells { font-size: 11px; fill: var(--ink); text-anchor: middle; }
    .cells path { stroke: var(--paper); stroke-width: 1; } .deep { fill: var(--paper); }
    .bar { opacity: .85; }
    .plus { fill: var(--plus); } .minus { fill: var(--minus); } .total { fill: var(--soft); }
    .frame { fill: none; stroke: var(--ink); stroke-width: 1.5; }
    .tree, .link { fill: none; stroke: var(--soft); stroke-width: 1; }
    .link { stroke-dasharray: 2 2; }
    .shares { fill: var(--c3); }
    .warning { fill: none; stroke: var(--warn); stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round; }
    .faint { stroke: var(--soft); stroke-width: 1; opacity: .3; }
    .band { opacity: .16; }
    .cloud { fill: none; stroke-width: 2.6; stroke-linecap: round; opacity: .5; }
    .pixels { image-rendering: pixelated; }
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
