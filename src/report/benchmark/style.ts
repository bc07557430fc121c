/** The style sheet of every page. */
export const STYLE = `
:root {
  color-scheme: light;
  --ink: #1f2933; --faint: #55606b; --rule: #d5dbe1; --wash: #f5f7f9; --accent: #0072b2; --control: #d55e00;
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 0 1.25rem 4rem; max-width: 72rem; background: #fff; color: var(--ink);
  font: 1rem/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
p, ul, dl { margin: 0 0 1rem; }
p, figcaption, dd, .inside > ul { max-width: 46rem; }
h1, h2, h3, h4 { line-height: 1.25; font-weight: 650; text-wrap: balance; }
h1 { margin: 0 0 .75rem; font-size: clamp(1.7rem, 5vw, 2.4rem); letter-spacing: -.015em; }
h2 { margin: 3.5rem 0 1rem; padding-top: 1rem; border-top: 2px solid var(--ink); font-size: 1.5rem; }
h2 code { font-size: .6em; font-weight: 400; color: var(--faint); white-space: nowrap; }
h3 { margin: 2.25rem 0 .5rem; font-size: 1.125rem; }
h4 { margin: 0 0 .25rem; font-size: 1rem; }
a { color: #00588a; text-underline-offset: .15em; }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
code, pre { font-family: ui-monospace, "SF Mono", "DejaVu Sans Mono", Consolas, monospace; font-size: .875em; }
code { overflow-wrap: anywhere; }

header { padding-top: 2.5rem; }
.kicker { margin: 0 0 .25rem; color: var(--faint); font-size: .875rem; }
.facts-line { color: var(--faint); }
.facts-line strong { color: var(--ink); font-weight: 600; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0; padding: 0; list-style: none; }

.verdicts h2 { margin-top: 2rem; }
.verdicts > div { margin: 0 0 1.25rem; padding: .1rem 0 .1rem 1.1rem; border-left: 4px solid var(--accent); }
.verdicts h3 { margin: 0; font-size: .95rem; font-weight: 600; }
.verdicts p, p.verdict { margin: 0; font-size: 1.2rem; line-height: 1.45; max-width: 50rem; }
p.verdict { margin-bottom: 1rem; }

details { margin: .75rem 0 1rem; border: 1px solid var(--rule); border-radius: 6px; }
summary { padding: .5rem .9rem; cursor: pointer; font-weight: 550; }
details[open] > summary { border-bottom: 1px solid var(--rule); }
.inside { padding: .75rem .9rem .25rem; }
.terms dt { font-weight: 650; }
.terms dd { margin: 0 0 .7rem; }

.scroll { margin: 0 0 1rem; overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; line-height: 1.35; }
caption { padding: 0 0 .6rem; color: var(--faint); text-align: left; }
caption span { position: sticky; left: 0; display: block; max-width: min(54rem, calc(100vw - 2.5rem)); }
.inside caption span { max-width: min(52rem, calc(100vw - 4.5rem)); }
th, td { padding: .4rem .55rem; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
thead th { border-bottom: 1.5px solid var(--ink); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 550; }
th[scope=row], thead th:first-child { position: sticky; left: 0; background: #fff; min-width: 7.5rem; }
th.number, td.number { text-align: right; }
td.number { white-space: nowrap; }
tr.group th { padding-top: .9rem; color: var(--faint); font-size: .8125rem; font-weight: 600; }
tr.group span { position: sticky; left: .55rem; }
tbody tr:not(.group):hover > * { background: var(--wash); }
.label { display: block; min-width: 7.5rem; color: var(--faint); font-size: .8125rem; font-weight: 400; }
.interval { display: block; color: var(--faint); font-size: .8125rem; white-space: nowrap; }
.hint { color: var(--faint); font-size: .75rem; font-weight: 400; }
.best { font-weight: 750; }
.best::before { content: "\\2605\\00a0"; color: var(--accent); font-size: .8em; }
.note { color: var(--faint); font-size: .875rem; }
.whisker { display: block; flex: none; }
.whisker .reference { stroke: #9aa5b1; stroke-dasharray: 2 2; }
.whisker .line { fill: none; stroke: var(--ink); stroke-width: 1.5; }
.whisker .full { fill: var(--accent); stroke: #fff; }
.whisker .control, .whisker .first { fill: #fff; stroke: var(--control); stroke-width: 2; }
.whisker .first { stroke: var(--accent); }
.pictured { display: flex; gap: .6rem; align-items: center; }

.whole { white-space: nowrap; }

figure { margin: 0; }
figure svg { display: block; width: 100%; height: auto; }
section > figure { max-width: 35rem; margin-bottom: 1rem; }
figcaption { margin-top: .25rem; color: var(--faint); font-size: .875rem; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18.5rem), 1fr)); gap: 1.5rem; margin-bottom: 1rem; }
.gallery figure { max-width: 26rem; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 2rem 1.5rem; margin: 0; padding: 0; list-style: none; }
.pairs p { margin-bottom: .5rem; }
.pairs .two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
.pairs > li:has(.two) { grid-column: 1 / -1; }
.rank { display: inline-block; min-width: 1.7em; padding: 0 .4em; border-radius: 1em; background: var(--ink); color: #fff; text-align: center; font-size: .8125rem; }

.command { padding: .75rem .9rem; background: var(--wash); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
.facts { margin: 0 0 1rem; }
.facts > div { display: grid; grid-template-columns: 12rem 1fr; gap: 0 1rem; padding: .3rem 0; border-bottom: 1px solid var(--rule); }
.facts dt { color: var(--faint); }
.facts dd { margin: 0; max-width: none; min-width: 0; }
@media (max-width: 40rem) {
  body { padding: 0 .9rem 3rem; }
  .facts > div { grid-template-columns: 1fr; }
  th[scope=row], thead th:first-child { max-width: 9rem; }
  .name { font-size: .8125rem; }
  .pictured { flex-direction: column; align-items: flex-start; gap: 0; }
  .pictured .whisker { width: 90px; height: auto; }
  .verdicts p, p.verdict { font-size: 1.1rem; }
}

@page { size: A4; margin: 14mm 13mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 9.5pt; }
  nav, .screen-only { display: none; }
  header { padding-top: 0; }
  p { break-inside: avoid; }
  .label { min-width: 27mm; }
  h2 { margin-top: 2rem; break-after: avoid; }
  h3, h4, dt, summary, caption, h3 + p, tr.group { break-after: avoid; }
  section.split, section.run { break-before: page; }
  section.split > h2, section.run > h2 { margin-top: 0; }
  details { border: 0; margin: .5rem 0; }
  details > summary { list-style: none; padding: 0; border: 0; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; height: auto; }
  .inside { padding: .3rem 0 0; }
  .scroll { overflow: visible; break-inside: avoid; }
  table { font-size: 7.2pt; }
  .label, .interval, tr.group th, .hint { font-size: 6.6pt; }
  caption { font-size: 8pt; }
  caption span, .inside caption span { position: static; max-width: none; }
  th, td { padding: 2pt 3pt; }
  th[scope=row], thead th:first-child { position: static; min-width: 3.5em; max-width: none; }
  thead { display: table-header-group; }
  tr, figure, .pairs > li, .verdicts > div, .facts > div { break-inside: avoid; }
  .whisker { width: 70pt; height: auto; }
  .gallery { grid-template-columns: repeat(3, 1fr); gap: .75rem .9rem; max-width: 17cm; }
  section > figure { max-width: 12cm; }
  .note, figcaption { font-size: 8pt; }
  .pairs, .pairs .two { grid-template-columns: 1fr 1fr; }
  a { color: inherit; text-decoration: none; }
}
`;
