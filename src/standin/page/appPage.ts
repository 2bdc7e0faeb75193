/**
 * `/apps/:app`: its runs, newest first, a page at a time, of one status if asked. A page begins below a run and not
 * after so many of them, so that runs which come in while someone turns the pages shift nothing.
 */
import type { Context } from 'hono';
import { html } from 'hono/html';
import { appIdPattern } from '../../platform/wire.ts';
import type { Platform } from '../platform.ts';
import type { RunCount } from '../records.ts';
import { Refusal } from '../refusal.ts';
import { runStatuses, type RunStatus } from '../status.ts';
import { count, type Markup } from '../../markup/wording.ts';
import { framed } from './frame.ts';
import type { PageEnv } from './guard.ts';
import { turnPath, type Turn } from './paths.ts';
import { howToRecord, runTable } from './runTable.ts';

const runsPerPage = 50;

export function appPage(c: Context<PageEnv>, platform: Platform, app: string): Response | Promise<Response> {
  const nowMs = platform.now();
  const at = { nowMs, finalAfterMs: platform.faults.finalAfterMs };
  const counts = platform.records.countRuns(at).filter((found) => found.app === app);
  const exists = platform.apps === null ? appIdPattern.test(app) : platform.apps.has(app);
  if (counts.length === 0 && !exists) throw new Refusal(404, `There is no app ${app}.`);

  const turn = turnOf(c);
  const found = platform.records.lines({ ...at, ...turn, app, limit: runsPerPage + 1 });
  const runs = found.slice(0, runsPerPage);
  const last = found.length > runsPerPage ? runs.at(-1) : undefined;
  const { origin } = new URL(c.req.url);
  const shown = turn.status === null ? 'Runs' : `Runs that are ${turn.status}`;
  const content = html`<h1><span class="id">${app}</span></h1>
    ${
      counts.length === 0
        ? howToRecord(origin, platform.apiKey !== null, app)
        : html`${filter(app, counts, turn.status)}
          ${
            runs.length === 0
              ? html`<p class="empty">No run here is ${turn.status ?? 'left'}.</p>`
              : runTable(runs, nowMs, `${shown}, newest first`, false)
          }
          ${pager(app, turn, last?.place ?? null)}`
    }`;
  return c.html(framed({ title: app, above: [{ words: 'Stand-in', path: '/' }], content }));
}

/** What cannot be understood is as if it had not been said. */
function turnOf(c: Context<PageEnv>): Turn {
  const { status, before } = c.req.query();
  return {
    status: runStatuses.find((known) => known === status) ?? null,
    before: before !== undefined && /^\d{1,15}$/.test(before) ? Number(before) : null,
  };
}

function filter(app: string, counts: readonly RunCount[], chosen: RunStatus | null): Markup {
  const total = counts.reduce((sum, { runs }) => sum + runs, 0);
  const choice = (status: RunStatus | null, words: string, runs: number) =>
    html`<li>
      <a
        href="${turnPath(app, { status, before: null })}"
        ${status === chosen ? html`aria-current="true"` : ''}
        >${words} <span class="count">${count(runs)}</span></a
      >
    </li>`;
  return html`<nav aria-label="Filter by status">
    <ul class="filter">
      ${choice(null, 'all', total)}
      ${runStatuses.map((status) =>
        choice(status, status, counts.find((found) => found.status === status)?.runs ?? 0),
      )}
    </ul>
  </nav>`;
}

function pager(app: string, { status, before }: Turn, lastPlace: number | null): Markup | '' {
  if (before === null && lastPlace === null) return '';
  return html`<nav aria-label="Pages">
    <ul class="pager">
      ${before === null ? '' : html`<li><a href="${turnPath(app, { status, before: null })}">Newest runs</a></li>`}
      ${
        lastPlace === null
          ? html`<li class="hint">These are the oldest.</li>`
          : html`<li><a href="${turnPath(app, { status, before: lastPlace })}" rel="next">Older runs</a></li>`
      }
    </ul>
  </nav>`;
}
