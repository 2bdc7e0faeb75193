/**
 * A stand-in that was started with a key shows its runs to those who know it. A browser cannot send the key by itself,
 * so it is asked for once; what is kept in the browser is a proof that it was known, good for some hours. The key
 * itself must not be kept there: cookies know no ports, and every other server of this machine gets to see them.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Context, Hono, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import type { Platform } from '../platform.ts';
import { Refusal } from '../refusal.ts';
import { framed } from './frame.ts';
import type { PageEnv } from './guard.ts';

const proofLifetimeMs = 12 * 60 * 60_000;
const formBytesMax = 16 * 1024;
const shortForm = bodyLimit({
  maxSize: formBytesMax,
  onError: () => {
    throw new Refusal(413, 'No key is that long.');
  },
});
/** Where one may be led to afterwards: pages of this server, by their path. */
const ownPage = /^\/(?:apps\/[^\\\s]*)?(?:\?[^\\\s]*)?$/;

export function keyOnly(platform: Platform): MiddlewareHandler<PageEnv> {
  return async (c, next) => {
    if (platform.apiKey === null) return next();
    const proof = getCookie(c, cookieName(platform));
    if (proof !== undefined && isGood(platform, platform.apiKey, proof)) return next();
    const { pathname, search } = new URL(c.req.url);
    return asked(c, pathname + search, null);
  };
}

export function serveKey(page: Hono<PageEnv>, platform: Platform): void {
  page.post('/page/key', shortForm, async (c) => {
    const form = await c.req.parseBody();
    const wanted = typeof form['to'] === 'string' && ownPage.test(form['to']) ? form['to'] : '/';
    if (platform.apiKey === null) return c.redirect(wanted, 303);
    const given = typeof form['key'] === 'string' ? form['key'].trim() : '';
    const expiresAtMs = platform.now() + proofLifetimeMs;
    const proof = proofOf(platform, platform.apiKey, expiresAtMs);
    if (!isSame(proofOf(platform, given, expiresAtMs), proof)) {
      return asked(c, wanted, 'That is not the key this stand-in was started with.');
    }
    setCookie(c, cookieName(platform), proof, {
      httpOnly: true,
      sameSite: 'Strict',
      secure: new URL(c.req.url).protocol === 'https:',
      path: '/',
      maxAge: proofLifetimeMs / 1000,
    });
    return c.redirect(wanted, 303);
  });
}

function asked(c: Context<PageEnv>, to: string, problem: string | null): Response | Promise<Response> {
  const content = html`<h1>Which key?</h1>
    <p>This stand-in was started with an API key, and shows what it recorded to those who know it.</p>
    ${problem === null ? '' : html`<p class="problem" role="alert" id="problem">${problem}</p>`}
    <form class="key" method="post" action="/page/key">
      <input type="hidden" name="to" value="${to}" />
      <label for="key">API key</label>
      <input
        id="key"
        name="key"
        type="password"
        autocomplete="current-password"
        required
        ${problem === null ? '' : html`aria-invalid="true" aria-describedby="problem"`}
      />
      <button type="submit">Show the runs</button>
    </form>
    <p class="hint">
      The key is checked here. Your browser keeps a proof of it for 12 hours, never the key.
    </p>`;
  c.header('www-authenticate', 'Bearer');
  return c.html(framed({ title: 'API key', above: [{ words: 'Stand-in', path: '/' }], content }), 401);
}

/** Another name for each stand-in: two on this machine would overwrite each other's proof. */
function cookieName(platform: Platform): string {
  return `stand-in-${platform.records.id}`;
}

/** It says until when it is good, and that whoever made it knew the secret of this stand-in and the key. */
function proofOf(platform: Platform, key: string, expiresAtMs: number): string {
  const mac = createHmac('sha256', platform.records.secret).update(`page\n${expiresAtMs}\n${key}`);
  return `${expiresAtMs}.${mac.digest('base64url')}`;
}

function isGood(platform: Platform, key: string, proof: string): boolean {
  const expiresAtMs = Number(proof.split('.')[0]);
  if (!Number.isSafeInteger(expiresAtMs) || platform.now() >= expiresAtMs) return false;
  return isSame(proof, proofOf(platform, key, expiresAtMs));
}

function isSame(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
