/** What every page has: its head, the way to the others, and at the foot which daemon this is. */
import { html } from 'hono/html';
import type { Markup } from '../../markup/wording.ts';

/** Who looks: a member sees contents and has buttons, a stranger sees health and counts. */
export interface Viewer {
  readonly isMember: boolean;
  /** There is a session that can be ended. */
  readonly canLeave: boolean;
  readonly host: string;
  readonly version: string;
}

export interface Page {
  /** Of the window; the page's own heading is in its content. */
  readonly title: string;
  readonly at: 'overview' | 'runs' | null;
  readonly content: Markup;
  /** It shows what changes: the script keeps it so. */
  readonly isLive?: boolean;
}

export const files = { look: '/page/look.css', script: '/page/live.js', icon: '/page/icon.svg' } as const;

export function framed({ title, at, content, isLive = false }: Page, viewer: Viewer): Markup {
  const { host, version, isMember, canLeave } = viewer;
  const here = (place: Page['at']) => (place === at ? html`aria-current="page"` : '');
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · ${host} · runtrackd</title>
        <link rel="icon" type="image/svg+xml" href="${files.icon}" />
        <link rel="stylesheet" href="${files.look}" />
        ${isLive ? html`<script type="module" src="${files.script}"></script>` : ''}
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        <header class="top">
          <p class="whose"><span class="product">runtrackd</span> on <bdi>${host}</bdi></p>
          <nav aria-label="Pages">
            <ul class="places">
              <li><a href="/" ${here('overview')}>Overview</a></li>
              ${isMember ? html`<li><a href="/runs" ${here('runs')}>Runs</a></li>` : ''}
            </ul>
          </nav>
          ${isLive ? html`<p class="live" id="live" role="status" hidden></p>` : ''}
        </header>
        <main id="content" tabindex="-1">${content}</main>
        <footer>
          <div class="foot">
            <p>runtrackd ${version} on <bdi>${host}</bdi>. Times are in UTC.</p>
            ${
              canLeave
                ? html`<form method="post" action="/leave">
                    <button class="quiet">End this session</button>
                  </form>`
                : ''
            }
          </div>
        </footer>
      </body>
    </html>`;
}
