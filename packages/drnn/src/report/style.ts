/** The page's only style sheet. Drawings take it as well: attributes of theirs never hold styles. */
export const style = `
:root { color-scheme: light; }
* { box-sizing: border-box; }
html { background: #fff; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 760px; color: #1c1c1c; background: #fff;
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif;
  overflow-wrap: anywhere; font-variant-numeric: lining-nums; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .35rem; font-weight: 650; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .6rem; padding-top: .6rem; border-top: 1px solid #d5d5d5; font-weight: 650; break-after: avoid; }
p, ul, ol { margin: .55rem 0; }
ul, ol { padding-left: 1.35rem; }
li { margin: .2rem 0; }
a { color: #00588a; }
.by { color: #595959; margin: 0 0 1rem; }
.verdict { font-size: 1.1rem; line-height: 1.4; border-left: 4px solid #0072b2; padding: .1rem 0 .1rem .9rem; margin: 1rem 0; }
.warnings { border: 1.5px solid #b34700; background: #fff6ee; border-radius: 4px; padding: .7rem 1rem; margin: 1rem 0; break-inside: avoid; }
.warnings ul { margin: .3rem 0 0; }
.failings { border-left: 4px solid #b34700; padding: .2rem 0 .2rem 2rem; }
.quiet { color: #666; }
.name { unicode-bidi: isolate; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 1.2rem; font-size: .92rem; }
caption { text-align: left; font-weight: 600; padding: .2rem 0 .35rem; }
th, td { text-align: left; vertical-align: top; padding: .22rem .7rem .22rem 0; border-bottom: 1px solid #e6e6e6; font-weight: 400; }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-weight: 600; border-bottom: 1.5px solid #555; border-top: 1.5px solid #555; }
tbody tr > *[rowspan] { border-bottom-color: #999; }
tbody tr:last-child > * { border-bottom-color: #999; }
tbody:last-child tr:last-child > *, tbody:last-child tr > *[rowspan] { border-bottom: 1.5px solid #555; }
.facts tbody tr:first-child > * { border-top: 1.5px solid #555; }
.facts th { width: 40%; color: #444; }
tr { break-inside: avoid; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums lining-nums; }
code, pre { font-family: ui-monospace, 'Cascadia Mono', 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace; font-size: .88em; }
pre { white-space: pre-wrap; background: #f5f5f5; border: 1px solid #ddd; border-radius: 4px; padding: .7rem .9rem; margin: .6rem 0; }
.proof { font-size: .92rem; color: #333; }
blockquote { margin: .8rem 0; padding: .7rem 1rem; background: #f5f5f5; border: 1px solid #ddd; border-radius: 4px; }
blockquote p { margin: 0; }
figure { margin: 1.4rem 0 1.6rem; break-inside: avoid; }
figcaption { font-size: .88rem; line-height: 1.45; color: #333; margin-top: .5rem; }
.row { display: flex; gap: 6px 10px; align-items: flex-start; }
.drawing { display: block; max-width: 100%; height: auto; overflow: visible; font-size: 11px; --plot-background: #fff; }
.drawing text { white-space: pre; }
.row > .drawing { flex: 0 1 auto; min-width: 0; }
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1.2rem; margin: 0 0 .4rem; font-size: .85rem; color: #333; }
.key { display: inline-flex; align-items: center; gap: .4rem; }
.key i { display: inline-block; width: 22px; height: 0; border-top: 2px solid #333; }
.key .key-recorded { border-top: 3px solid #999; }
.key .key-one-step { border-top: 2px solid #0072b2; }
.key .key-closed-loop { border-top: 2px dashed #d55e00; }
.key .key-restart { border-top: 2px dotted #8a8a8a; }
.key .key-level { border-top: 1px dashed #8a8a8a; }
.key .key-border { border-top: 2px solid #d55e00; }
.key .key-exact-border { border-top: 2px dashed #d55e00; }
.key .key-clear { border-top: 2px solid #0072b2; }
.key .key-unclear { border-top: 2px solid #8a8a8a; }
.key .key-bar { height: 9px; border: 0; background: #0072b28c; }
.key .key-bar-stable { height: 9px; border: 0; background: #333; }
.key .key-bar-unstable { height: 9px; border: 0; background: #d55e00; }
.key .key-bar-other { height: 9px; border: 0; background: #8a8a8a; }
.key .key-bar-reference { height: 9px; border: 0; background: #333333b3; }
.key .key-bar-fit { height: 9px; border: 0; background: #0072b2b3; }
.key .key-bar-none { height: 9px; border: 0; background: #8a8a8ab3; }
.key .key-gaussian { border-top: 2px dashed #333; }
.key .key-pooled { width: 9px; height: 9px; border: 0; border-radius: 50%; background: #0072b2; }
.key .key-median { width: 10px; height: 10px; border: 1.5px solid #d55e00; border-radius: 50%; }
.key .key-baseline { width: 2px; height: 13px; border: 0; background: #333; }
.key .key-stable { width: 9px; height: 9px; border: 0; border-radius: 50%; background: #333; }
.key .key-unstable { width: 9px; height: 9px; border: 0; border-radius: 50%; background: #d55e00; }
.key .key-unstable-open { width: 9px; height: 9px; border: 1.5px solid #d55e00; border-radius: 50%; }
.key .key-slow { width: 10px; height: 10px; border: 1.5px solid #333; border-radius: 50%; }
.key .key-degenerate { width: 9px; height: 9px; border: 1.5px solid #333; transform: rotate(45deg); }
.key .key-median-blue { width: 11px; height: 11px; border: 1.5px solid #0072b2; border-radius: 50%; }
.key .key-proof { width: 13px; height: 13px; border: 1px dashed #0072b2; border-radius: 50%; }
.key .key-cycle { border-top: 2px solid #0072b2; }
.key .key-run { border-top: 1px solid #8a8a8a; }
.key .key-edge { border-top: 2px solid #333; }
.key .key-triangle { width: 0; height: 0; border: 5px solid transparent; border-top: 0; border-bottom: 9px solid #d55e00; }
footer { margin-top: 3rem; color: #666; font-size: .85rem; }
@page { size: A4; margin: 18mm; }
@media screen and (max-width: 600px) { .row { flex-wrap: wrap; } }
@media print {
  html { font-size: 13px; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2 { margin-top: 1.8rem; }
  a { color: inherit; text-decoration: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  p, li, figcaption { orphans: 3; widows: 3; }
}
`;
