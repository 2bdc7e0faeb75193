/** The style sheet that all pages share. Colours are named once, for light and for dark; both have the contrast that text needs. */
export const look = `
:root {
  color-scheme: light dark;
  --ground: #faf9f6;
  --surface: #ffffff;
  --ink: #1d2226;
  --soft: #59626b;
  --line: #e0dcd3;
  --accent: #0b5c6b;
  --succeeded: #14622f; --succeeded-ground: #e2f3e5;
  --failed: #9b1c1c; --failed-ground: #fde7e5;
  --running: #0b4f9c; --running-ground: #e2edfb;
  --queued: #545d66; --queued-ground: #eaecee;
  --canceled: #6b4b00; --canceled-ground: #f5ecd6;
  --chart-ink: #59626b;
  --chart-line: #e6e3dc;
  --text: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', sans-serif;
  --code: ui-monospace, 'SF Mono', SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a;
    --surface: #1b1f23;
    --ink: #e7e9eb;
    --soft: #a4adb5;
    --line: #31373d;
    --accent: #74cbdb;
    --succeeded: #86d99f; --succeeded-ground: #16301e;
    --failed: #ffa79f; --failed-ground: #3c1a19;
    --running: #9cc7ff; --running-ground: #172a43;
    --queued: #b6bec6; --queued-ground: #292e33;
    --canceled: #e6c982; --canceled-ground: #33290f;
    --chart-ink: #a4adb5;
    --chart-line: #31373d;
  }
}
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0;
  background: var(--ground);
  color: var(--ink);
  font: 1rem/1.55 var(--text);
  overflow-wrap: break-word;
}
a { color: var(--accent); text-underline-offset: .2em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: .5rem; background: var(--surface); padding: .4rem .8rem; z-index: 1; }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}

header nav, main, footer { max-width: 74.5rem; margin: 0 auto; padding: 0 1.25rem; }
.crumbs { display: flex; flex-wrap: wrap; list-style: none; margin: 1.1rem 0 0; padding: 0; font-size: .9rem; }
.crumbs li { min-width: 0; overflow-wrap: anywhere; }
.crumbs li + li::before { content: '/'; color: var(--soft); margin: 0 .55rem; }
.crumbs [aria-current] { color: var(--soft); }
main { padding-bottom: 3rem; }
footer { color: var(--soft); font-size: .85rem; padding-bottom: 1.5rem; }
footer p { border-top: 1px solid var(--line); padding-top: .8rem; }

h1 { font-size: clamp(1.5rem, 1.1rem + 1.8vw, 2.1rem); line-height: 1.2; letter-spacing: -.015em; margin: .7rem 0 .5rem; overflow-wrap: anywhere; text-wrap: balance; }
h2 { font-size: 1.2rem; letter-spacing: -.005em; margin: 2.4rem 0 .7rem; }
h3 { font-size: 1rem; margin: 0 0 .1rem; overflow-wrap: anywhere; }
.lead { margin: 0 0 1.4rem; color: var(--soft); }
.hint { color: var(--soft); font-size: .875rem; }
.nowrap { white-space: nowrap; }
.id, pre { font-family: var(--code); font-size: .875em; overflow-wrap: anywhere; }
h1 .id { font-size: .92em; }
.words { white-space: pre-wrap; overflow-wrap: anywhere; }
.about { margin: 0 0 .6rem; color: var(--soft); font-size: .9rem; display: flex; flex-wrap: wrap; gap: .2rem .9rem; align-items: baseline; }

.wide { overflow-x: auto; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; }
.low { max-height: 20rem; overflow-y: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: start; vertical-align: baseline; padding: .6rem .9rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-size: .8rem; font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 500; }
.number { text-align: end; }
.runs tbody th { width: 45%; overflow-wrap: anywhere; }
.runs th .hint { display: block; font-weight: 400; }
td time .hint { display: block; }
.runs th .narrow { display: none; }
.runs td .id { white-space: nowrap; }
.figures th, .figures td { padding-block: .38rem; font-size: .925rem; }
.figures tbody th { font-weight: 400; }
.figures td { overflow-wrap: anywhere; }
section > .wide:has(> .figures), .chart .wide { max-width: 46rem; }

.status { display: inline-flex; align-items: center; gap: .45em; padding: .1rem .65rem .12rem .55rem; border-radius: 1rem; font-size: .85rem; font-weight: 600; white-space: nowrap; }
.status::before { content: ''; width: .5em; height: .5em; border-radius: 50%; background: currentColor; }
.succeeded { color: var(--succeeded); background: var(--succeeded-ground); }
.failed { color: var(--failed); background: var(--failed-ground); }
.failed::before { border-radius: 1px; rotate: 45deg; }
.running { color: var(--running); background: var(--running-ground); }
.queued { color: var(--queued); background: var(--queued-ground); }
.queued::before, .running::before { background: none; border: 2px solid currentColor; }
.canceled { color: var(--canceled); background: var(--canceled-ground); }
.canceled::before { height: 2px; border-radius: 0; }

.filter, .pager { list-style: none; display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0; padding: 0; }
.filter a { display: block; padding: .3rem .8rem; border: 1px solid var(--line); border-radius: 2rem; background: var(--surface); color: var(--ink); text-decoration: none; font-size: .9rem; }
.filter a:hover { border-color: var(--accent); }
.filter .count { color: var(--soft); font-variant-numeric: tabular-nums; margin-inline-start: .2rem; }
.filter [aria-current] { background: var(--accent); border-color: var(--accent); color: var(--ground); font-weight: 600; }
.filter [aria-current] .count { color: inherit; }
.pager { gap: 1.5rem; }

.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); gap: .9rem 1.5rem; margin: 0; padding: 1.1rem 1.25rem; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; }
.facts > div { min-width: 0; }
.facts .long { grid-column: 1 / -1; }
dt { color: var(--soft); font-size: .8rem; font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }

.parts { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; list-style: none; margin: 1.2rem 0 0; padding: 0; font-size: .9rem; }

.problem { margin: 0 0 1.2rem; padding: .7rem 1rem; border-inline-start: 4px solid var(--failed); border-radius: 0 8px 8px 0; background: var(--failed-ground); color: var(--failed); }
.problem h2 { font-size: .9rem; margin: 0; }
.problem p { margin: .2rem 0 0; }
.empty { padding: 1.1rem 1.25rem; border: 1px dashed var(--line); border-radius: 10px; background: var(--surface); }
.empty p { margin: 0 0 .7rem; max-width: 44rem; }
.empty p:last-child { margin: 0; }
pre { margin: 0 0 .8rem; padding: .9rem 1rem; max-height: 26rem; overflow: auto; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; line-height: 1.5; white-space: pre-wrap; tab-size: 4; }
.empty pre { background: var(--ground); }

.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; margin-bottom: 1rem; }
.beside h3 { margin-bottom: .5rem; }
.beside > div { padding: .9rem 1rem; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; min-width: 0; }
figure { margin: 0 0 .7rem; min-width: 0; }
figcaption { margin-top: .4rem; }
details { margin-bottom: .4rem; }
summary { cursor: pointer; color: var(--accent); font-size: .9rem; width: fit-content; padding: .15rem 0; }
details[open] > summary { margin-bottom: .5rem; }

.key { display: grid; gap: .5rem; max-width: 24rem; margin: 1.2rem 0; }
.key label { font-weight: 600; }
.key input { font: inherit; padding: .55rem .75rem; color: var(--ink); background: var(--surface); border: 1px solid var(--soft); border-radius: 8px; width: 100%; }
button { font: inherit; font-weight: 600; padding: .55rem 1.1rem; justify-self: start; border: 0; border-radius: 8px; background: var(--accent); color: var(--ground); cursor: pointer; }

@media (max-width: 42rem) {
  .roomy { display: none; }
  .runs th .narrow { display: block; }
  .runs tbody th { width: 99%; }
  .facts { grid-template-columns: repeat(auto-fill, minmax(min(100%, 8.5rem), 1fr)); }
  th, td { padding-inline: .65rem; }
  header nav, main, footer { padding-inline: 1rem; }
}
@media print {
  .skip, .filter, .pager { display: none; }
  pre { max-height: none; }
}
`;
