/** How a stranger gets access: what to type, or a form for the password. */
import { html } from 'hono/html';
import type { AccessMode } from '../../core/accessMode.ts';
import type { Markup } from '../../markup/wording.ts';

/** @param to the page that was wanted */
export function entrance(mode: AccessMode, to: string, problem: string | null): Markup {
  return html`<section aria-labelledby="access">
    <h2 id="access">Access</h2>
    <p>What runs contain, and the buttons, are for those who may use this daemon.</p>
    ${mode === 'password' ? passwordForm(to, problem) : ''}
    <div class="empty">
      <p>On this machine, as the daemon’s user (or with sudo), type:</p>
      <pre tabindex="0" role="region" aria-label="What to type">runtrackd status --open</pre>
      <p>It prints a link that lets one browser in. It is good once, and for ten minutes.</p>
    </div>
  </section>`;
}

function passwordForm(to: string, problem: string | null): Markup {
  return html`${problem === null ? '' : html`<p class="problem" role="alert" id="problem">${problem}</p>`}
    <form class="key" method="post" action="/enter">
      <input type="hidden" name="to" value="${to}" />
      <label for="password">Password</label>
      <input
        id="password"
        name="password"
        type="password"
        autocomplete="current-password"
        required
        ${problem === null ? '' : html`aria-invalid="true" aria-describedby="problem"`}
      />
      <button type="submit">Enter</button>
    </form>`;
}

/** Where one may be led to afterwards: pages of this daemon, by their path. */
export function ownPath(to: unknown): string {
  return typeof to === 'string' && /^\/(?![/\\])[^\\\s]{0,2000}$/.test(to) ? to : '/';
}
