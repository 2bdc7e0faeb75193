/** What the pages of the stand-in have beside the look of all pages: their notice, and what assets are drawn in. */
import { look as sharedLook } from '../../markup/look.ts';

export const look = `${sharedLook}
:root {
  --notice-ground: #fff1cc;
  --notice-ink: #5a3c00;
  --notice-line: #dfa92a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --notice-ground: #33280c;
    --notice-ink: #f6dc94;
    --notice-line: #b98a1e;
  }
}
.notice {
  margin: 0;
  padding: .55rem max(1.25rem, calc(50vw - 36rem));
  background: var(--notice-ground);
  color: var(--notice-ink);
  border-bottom: 2px dashed var(--notice-line);
  font-size: .9rem;
}
.asset { padding: 1rem 1.25rem 1.1rem; margin: 0 0 1rem; background: var(--surface); border: 1px solid var(--line); border-radius: 10px; }
.asset p { margin-top: 0; }
.asset pre, .asset .wide { background: var(--ground); }
.tab { font-weight: 600; }
figure.paper { background: #ffffff; color: #444444; --chart-ink: #555555; --chart-line: #e3e3e3; border-radius: 8px; padding: .7rem; border: 1px solid var(--line); }
.canvas { position: relative; height: 19rem; min-width: 0; }
.plain .canvas { height: 14rem; }
.plotly { height: 26rem; min-width: 0; overflow: hidden; }
/* A figure may hold links of its author's: this page leads nowhere else. */
.plotly a { pointer-events: none; }
.map { display: block; width: 100%; max-height: 28rem; background: var(--ground); border: 1px solid var(--line); border-radius: 8px; color: var(--accent); }
.map path { stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.map .area { fill-opacity: .18; fill-rule: evenodd; }
.map .point { stroke: var(--ground); stroke-width: 1.5; }

@media (max-width: 42rem) {
  .notice { padding-inline: 1rem; }
  .plotly { height: 21rem; }
  .asset { padding-inline: .9rem; }
}
`;
