/**
 * Runs as a table, newest first, as the start page and the page of an app show them. A narrow screen has room for two
 * columns; there a line below a run's name says what the others would.
 */
import { html } from 'hono/html';
import type { RunLine } from '../records.ts';
import { timestamp } from '../runDocument.ts';
import { ago, duration, moment, mark, visible, type Markup } from '../../markup/wording.ts';
import { appPath, runPath } from './paths.ts';

/** @param label what the table is, for those who hear it */
export function runTable(runs: readonly RunLine[], nowMs: number, label: string, withApp: boolean): Markup {
  return html`<div class="wide" tabindex="0" role="region" aria-label="${label}">
    <table class="runs">
      <thead>
        <tr>
          <th scope="col">Status</th>
          <th scope="col">Run</th>
          ${withApp ? html`<th scope="col" class="roomy">App</th>` : ''}
          <th scope="col" class="roomy">Instance</th>
          <th scope="col" class="roomy">Created</th>
          <th scope="col" class="roomy number">Duration</th>
        </tr>
      </thead>
      <tbody>
        ${runs.map((run) => row(run, nowMs, withApp))}
      </tbody>
    </table>
  </div>`;
}

function row(run: RunLine, nowMs: number, withApp: boolean): Markup {
  return html`<tr>
    <td>${mark(run.status)}</td>
    <th scope="row">
      <a href="${runPath(run.app, run.id)}"><bdi>${visible(run.name) || run.id}</bdi></a>
      ${run.name === '' ? '' : html`<span class="hint id">${run.id}</span>`}
      <span class="hint narrow"
        >${withApp ? html`<a href="${appPath(run.app)}" class="id">${run.app}</a> · ` : ''}${timestamp(
          run.createdAtMs,
        )
          .replace('T', ' ')
          .replace('Z', '')}
        · ${ago(nowMs - run.createdAtMs)}</span
      >
    </th>
    ${withApp ? html`<td class="roomy"><a href="${appPath(run.app)}" class="id">${run.app}</a></td>` : ''}
    <td class="roomy"><span class="id">${run.instance}</span></td>
    <td class="roomy">${moment(run.createdAtMs, nowMs)}</td>
    <td class="roomy number">${duration(run.durationMs)}</td>
  </tr>`;
}

/** What to do where there is nothing yet. */
export function howToRecord(origin: string, needsKey: boolean, app: string | null): Markup {
  const key = needsKey ? '<the key it was started with>' : 'x';
  return html`<div class="empty">
    <p>
      ${app === null ? 'Nothing was recorded here yet.' : html`Nothing was recorded for <span class="id">${app}</span> yet.`}
      Point anything that speaks to the platform at this address, such as the official Python SDK or its
      command line:
    </p>
    <pre tabindex="0" role="region" aria-label="What to type">
NEXTMV_ENDPOINT=${origin} NEXTMV_API_KEY=${key} python my_script.py</pre>
    <p>Its runs then show here. Reload this page to see them.</p>
  </div>`;
}
