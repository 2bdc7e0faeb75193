/**
 * What guards whoever looks at the page. All that is shown was sent by others, so the browser is told what little the
 * page needs, and to refuse the rest:
 *
 * - Scripts only from here, none in the markup: text that got into a page as markup would still not run.
 * - Styles from here. Only a page on which Plotly draws allows two things more: one style element, known by the nonce of
 *   the answer, to which Plotly adds its rules, and style attributes, which it gives to the parts of a text that are
 *   bold or in colour. No other element with styles, and nothing that a style could fetch.
 * - Images from here and out of the page itself: Plotly takes a figure's logo as a data URL.
 * - No connections at all, no frames in or around it, forms only to here.
 */
import { randomBytes } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { StandInEnv } from '../platform.ts';

export interface PageEnv extends StandInEnv {
  Variables: StandInEnv['Variables'] & { nonce: string; drawsPlotly: boolean };
}

export const guarded: MiddlewareHandler<PageEnv> = async (c, next) => {
  const nonce = randomBytes(16).toString('base64');
  c.set('nonce', nonce);
  c.set('drawsPlotly', false);
  await next();
  for (const [name, value] of Object.entries(headers(nonce, c.get('drawsPlotly')))) c.header(name, value);
  return undefined;
};

function headers(nonce: string, drawsPlotly: boolean): Readonly<Record<string, string>> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      ...(drawsPlotly
        ? [`style-src-elem 'self' 'nonce-${nonce}'`, "style-src-attr 'unsafe-inline'"]
        : ["style-src 'self'"]),
      "img-src 'self' data:",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    // Not "no-referrer": the browser would then send the key's form as from nowhere, and be refused.
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  };
}
