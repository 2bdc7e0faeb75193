/** `/`: which apps there are, how many runs each has, and the newest runs of all. */
import type { Context } from 'hono';
import { html } from 'hono/html';
import type { Platform } from '../platform.ts';
import type { RunCount } from '../records.ts';
import { count, moment, type Markup } from '../../markup/wording.ts';
import { framed } from './frame.ts';
import type { PageEnv } from './guard.ts';
import { appPath } from './paths.ts';
import { howToRecord, runTable } from './runTable.ts';

const newestRunsMax = 20;

export function startPage(c: Context<PageEnv>, platform: Platform): Response | Promise<Response> {
  const nowMs = platform.now();
  const at = { nowMs, finalAfterMs: platform.faults.finalAfterMs };
  const apps = appTotals(platform.records.countRuns(at), platform.apps);
  const total = apps.reduce((sum, { runs }) => sum + runs, 0);
  const newest = platform.records.lines({
    ...at,
    app: null,
    status: null,
    before: null,
    limit: newestRunsMax,
  });
  const { origin } = new URL(c.req.url);
  const content = html`<h1>What was recorded here</h1>
    <p class="lead">
      ${count(total)} ${total === 1 ? 'run' : 'runs'} in ${count(apps.length)}
      ${apps.length === 1 ? 'app' : 'apps'}, kept by the server at <span class="id">${origin}</span>
    </p>
    ${total === 0 ? howToRecord(origin, platform.apiKey !== null, null) : ''}
    ${apps.length === 0 ? '' : appTable(apps, nowMs)}
    ${
      newest.length === 0
        ? ''
        : html`<h2>Newest runs</h2>
            ${runTable(newest, nowMs, 'Newest runs', true)}`
    }`;
  return c.html(framed({ title: 'Stand-in', above: [], content }));
}

interface AppTotals {
  readonly app: string;
  readonly runs: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly newestAtMs: number | null;
}

/** Apps that have runs, and those that are said to exist; the one that something happened in last comes first. */
function appTotals(counts: readonly RunCount[], existing: ReadonlySet<string> | null): AppTotals[] {
  const ids = new Set([...counts.map(({ app }) => app), ...(existing ?? [])]);
  const totals = [...ids].map((app) => {
    const own = counts.filter((found) => found.app === app);
    const runsOf = (status: string) => own.find((found) => found.status === status)?.runs ?? 0;
    return {
      app,
      runs: own.reduce((sum, { runs }) => sum + runs, 0),
      succeeded: runsOf('succeeded'),
      failed: runsOf('failed'),
      newestAtMs: own.length === 0 ? null : Math.max(...own.map(({ newestAtMs }) => newestAtMs)),
    };
  });
  return totals.sort((a, b) => (b.newestAtMs ?? -1) - (a.newestAtMs ?? -1) || (a.app < b.app ? -1 : 1));
}

function appTable(apps: readonly AppTotals[], nowMs: number): Markup {
  return html`<h2>Apps</h2>
    <div class="wide" tabindex="0" role="region" aria-label="Apps">
      <table>
        <thead>
          <tr>
            <th scope="col">App</th>
            <th scope="col" class="number">Runs</th>
            <th scope="col" class="number">Succeeded</th>
            <th scope="col" class="number">Failed</th>
            <th scope="col" class="roomy">Newest run</th>
          </tr>
        </thead>
        <tbody>
          ${apps.map(
            ({ app, runs, succeeded, failed, newestAtMs }) =>
              html`<tr>
                <th scope="row"><a href="${appPath(app)}" class="id">${app}</a></th>
                <td class="number">${count(runs)}</td>
                <td class="number">${count(succeeded)}</td>
                <td class="number">${count(failed)}</td>
                <td class="roomy">
                  ${newestAtMs === null ? html`<span class="hint">none yet</span>` : moment(newestAtMs, nowMs)}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}
