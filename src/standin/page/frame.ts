/**
 * What every page has: its head, the sentence that this is not the real platform, a way back, and a place for what it is
 * about.
 */
import { html } from 'hono/html';
import type { Markup } from '../../markup/wording.ts';
import { scripts, type Library } from './served.ts';

export interface Drawing {
  readonly libraries: ReadonlySet<Library>;
  /** Of the answer's Content-Security-Policy. */
  readonly nonce: string;
}

export interface Page {
  /** Of the window; the page's own heading is in its content. */
  readonly title: string;
  /** From the start page down to the page above this one. */
  readonly above: readonly { readonly words: string; readonly path: string }[];
  readonly content: Markup;
  /** What its charts are drawn with, if there are any. */
  readonly drawing?: Drawing;
}

export function framed(page: Page): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${page.title} · local stand-in</title>
        <link rel="icon" type="image/svg+xml" href="/page/icon.svg" />
        <link rel="stylesheet" href="/page/look.css" />
        ${page.drawing === undefined ? '' : drawn(page.drawing)}
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        <header>
          <p class="notice">
            <strong>Local stand-in.</strong> This is not the Nextmv Platform: what you see was recorded by a
            server on this machine, and nothing of it was sent anywhere.
          </p>
          <nav aria-label="Breadcrumb">
            <ol class="crumbs">
              ${page.above.map(({ words, path }) => html`<li><a href="${path}">${words}</a></li>`)}
              <li aria-current="page"><bdi>${page.title}</bdi></li>
            </ol>
          </nav>
        </header>
        <main id="content" tabindex="-1">${page.content}</main>
        <footer>
          <p>The stand-in of runtrackd. Times are in UTC. Reload to see what is new.</p>
        </footer>
      </body>
    </html>`;
}

/** In this order: the libraries are there when the drawing begins. */
function drawn({ libraries, nonce }: Drawing): Markup {
  return html`${
    libraries.has('plotly')
      ? // Plotly takes a style element of this name for its own; one that it made itself would be refused.
        html`<style id="plotly.js-style-global" nonce="${nonce}"></style>`
      : ''
  }
  ${[...libraries].map((library) => html`<script defer src="${scripts[library]}"></script>`)}
  ${libraries.size > 0 ? html`<script type="module" src="${scripts.drawing}"></script>` : ''}`;
}
