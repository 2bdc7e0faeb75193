/** What the status page has beside the look of all pages. */
import { look as sharedLook } from '../../markup/look.ts';

export const look = `${sharedLook}
.top { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1.6rem; max-width: 74.5rem; margin: 0 auto; padding: .9rem 1.25rem .7rem; border-bottom: 1px solid var(--line); }
header.top nav { margin: 0; padding: 0; max-width: none; }
.whose { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
.product { font-weight: 700; color: var(--ink); letter-spacing: -.01em; }
.places { display: flex; gap: .3rem; list-style: none; margin: 0; padding: 0; }
.places a { display: block; padding: .25rem .7rem; border-radius: 2rem; text-decoration: none; color: var(--ink); }
.places a:hover { text-decoration: underline; }
.places [aria-current] { background: var(--line); font-weight: 600; }
.live { margin: 0 0 0 auto; font-size: .85rem; color: var(--soft); }
.live::before { content: ''; display: inline-block; width: .55em; height: .55em; margin-inline-end: .45em; border-radius: 50%; background: var(--succeeded); }
.live.away::before { background: none; border: 2px solid currentColor; }
.foot { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; justify-content: space-between; border-top: 1px solid var(--line); padding-top: .8rem; }
.foot p { border: 0; padding: 0; margin: 0; }
button.quiet, a.quiet { display: inline-block; background: none; border: 1px solid var(--line); color: var(--ink); font-weight: 500; font-size: .875rem; padding: .35rem .8rem; border-radius: 8px; text-decoration: none; }
button.quiet:hover, a.quiet:hover { border-color: var(--accent); }
a.strong { display: inline-block; font-weight: 600; font-size: .9rem; padding: .4rem .95rem; border-radius: 8px; background: var(--accent); color: var(--ground); text-decoration: none; }
a.strong:hover, a.quiet:hover { text-decoration: underline; }

.verdict { display: flex; gap: .9rem; align-items: baseline; padding: 1rem 1.25rem; margin: 1.4rem 0 1rem; border: 1px solid var(--line); border-radius: 12px; background: var(--surface); }
.verdict h1 { margin: 0; font-size: 1.45rem; }
.verdict p { margin: .2rem 0 0; color: var(--soft); }
.verdict ul { margin: .5rem 0 0; padding-inline-start: 1.1rem; overflow-wrap: anywhere; }
.verdict::before { content: ''; flex: none; width: .8rem; height: .8rem; border-radius: 50%; background: var(--succeeded); }
.verdict.ill { border-color: var(--failed); background: var(--failed-ground); }
.verdict.ill::before { background: var(--failed); border-radius: 2px; rotate: 45deg; }
.verdict.ill h1, .verdict.ill li, .verdict.ill p { color: var(--failed); }

.road { display: grid; grid-template-columns: repeat(5, 1fr); gap: .6rem; list-style: none; margin: 0 0 1rem; padding: 0; }
.road li { position: relative; min-width: 0; padding: .75rem .95rem; background: var(--surface); border: 1px solid var(--line); border-radius: 12px; }
.road a { color: inherit; text-decoration: none; }
.road a::after { content: ''; position: absolute; inset: 0; border-radius: 12px; }
.road a:hover { text-decoration: underline; }
.road .figure { display: block; font-size: 1.55rem; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; letter-spacing: -.02em; }
.road .words { color: var(--soft); font-size: .85rem; white-space: normal; }
.road .asks { border-color: var(--failed); }
.road .asks .figure { color: var(--failed); }

.cards { list-style: none; margin: 0; padding: 0; display: grid; gap: .7rem; }
.cards > li { padding: .9rem 1.1rem; background: var(--surface); border: 1px solid var(--line); border-inline-start: 4px solid var(--failed); border-radius: 10px; min-width: 0; }
.cards h3 { display: flex; flex-wrap: wrap; gap: .3rem .7rem; align-items: baseline; }
.cards p { margin: .35rem 0 0; overflow-wrap: anywhere; }
.buttons { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .7rem; }
.buttons form { margin: 0; }

.runs .where { overflow-wrap: anywhere; }
.runs .why { display: block; color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
.settling, .uploaded, .skipped, .superseded { color: var(--queued); background: var(--queued-ground); }
.settling::before, .uploaded::before, .skipped::before, .superseded::before { background: none; border: 2px solid currentColor; }
.intended, .tracked, .final { color: var(--running); background: var(--running-ground); }
.intended::before, .tracked::before, .final::before { background: none; border: 2px solid currentColor; }
.recorded { color: var(--succeeded); background: var(--succeeded-ground); }
.parked, .rejected, .gone { color: var(--failed); background: var(--failed-ground); }
.parked::before, .rejected::before, .gone::before { border-radius: 1px; rotate: 45deg; }
.overdue, .unknown { color: var(--canceled); background: var(--canceled-ground); }

.pictures { margin-top: 1.6rem; display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
.pictures > section { min-width: 0; padding: .9rem 1.1rem; background: var(--surface); border: 1px solid var(--line); border-radius: 12px; }
.pictures h2, .pictures h3 { font-size: 1rem; margin: 0 0 .5rem; }
.pictures .wide { background: var(--ground); }
.picture { margin: 0; max-width: 46rem; }
.picture > svg { display: block; width: 100%; height: auto; }
.picture text { font: 12px var(--text); fill: var(--chart-ink); }
.picture .grid { stroke: var(--chart-line); stroke-width: 1; }
.picture .good { fill: var(--accent); }
.picture .bad { fill: var(--failed); }
.picture .odd { fill: var(--notable); }
.picture .unsure { fill-opacity: .35; }
.picture .gap { fill: var(--notable); }
.picture .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.picture .line.incumbent { stroke: var(--accent); }
.picture .line.bound { stroke: var(--notable); stroke-dasharray: 5 3; }
.picture .dot.incumbent { fill: var(--accent); }
.picture .dot.bound { fill: var(--notable); }
.picture figcaption { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .5rem 0 .3rem; font-size: .85rem; color: var(--soft); }
.swatch::before { content: ''; display: inline-block; width: .75em; height: .75em; margin-inline-end: .4em; border-radius: 2px; background: var(--accent); }
.swatch.bad::before { background: var(--failed); }
.swatch.odd::before { background: var(--notable); }
.swatch.gap::before { background: var(--notable); border-radius: 50%; }
.swatch.incumbent::before, .swatch.bound::before { width: 1.4em; height: 0; border-top: 2px solid var(--accent); background: none; vertical-align: .25em; border-radius: 0; }
.swatch.bound::before { border-top: 2px dashed var(--notable); }
.swatch.beyond::before { content: none; }
:root { --notable: #b06a00; }
@media (prefers-color-scheme: dark) { :root { --notable: #f0b65a; } }

.timeline { list-style: none; margin: 0; padding: 0 0 0 .4rem; }
.timeline li { position: relative; padding: 0 0 .9rem 1.4rem; border-inline-start: 2px solid var(--line); }
.timeline li::before { content: ''; position: absolute; left: -6px; top: .5em; width: 10px; height: 10px; border-radius: 50%; background: var(--accent); border: 2px solid var(--ground); }
.timeline li:last-child { border-color: transparent; padding-bottom: 0; }
.timeline p { margin: 0; overflow-wrap: anywhere; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 0 2rem; }
.two > * { min-width: 0; }
.filters { display: flex; flex-wrap: wrap; gap: .7rem 1rem; align-items: end; margin: 1rem 0; }
.filters label { display: grid; gap: .2rem; font-size: .85rem; font-weight: 600; color: var(--soft); }
.filters select { font: inherit; padding: .4rem .6rem; color: var(--ink); background: var(--surface); border: 1px solid var(--soft); border-radius: 8px; max-width: 100%; }

@media (max-width: 42rem) {
  .top { padding-inline: 1rem; }
  .road { grid-template-columns: repeat(2, 1fr); }
  .road li:first-child { grid-column: 1 / -1; }
  .verdict { padding: .9rem 1rem; }
}
`;
