/** Runs and folders as a table. A narrow screen has room for two columns; a line below the name says what the others would. */
import { html } from 'hono/html';
import { ago, mark, moment, visible, type Markup } from '../../markup/wording.ts';
import type { RunView } from '../operations.ts';
import { storyPath } from './paths.ts';

/** @param label what the table is, for those who hear it */
export function runTable(runs: readonly RunView[], nowMs: number, label: string): Markup {
  return html`<div class="wide" tabindex="0" role="region" aria-label="${label}">
    <table class="runs">
      <thead>
        <tr>
          <th scope="col">State</th>
          <th scope="col">Folder</th>
          <th scope="col" class="roomy">Drop root</th>
          <th scope="col" class="roomy">App</th>
          <th scope="col" class="roomy">Since</th>
        </tr>
      </thead>
      <tbody>
        ${runs.map((run) => row(run, nowMs))}
      </tbody>
    </table>
  </div>`;
}

function row(run: RunView, nowMs: number): Markup {
  const name = visible(run.folder.split('/').at(-1) ?? run.folder);
  const sinceMs = Date.parse(run.since);
  return html`<tr>
    <td>${mark(run.state)}</td>
    <th scope="row">
      <a href="${storyPath(run)}"><bdi>${name}</bdi></a>
      ${run.run === null ? '' : html`<span class="nowrap id">#${run.run}</span>`}
      ${run.reason === null ? '' : html`<span class="why"><bdi>${visible(run.reason.text)}</bdi></span>`}
      <span class="hint narrow"><bdi>${run.drop_root}</bdi> · ${ago(nowMs - sinceMs)}</span>
    </th>
    <td class="roomy"><bdi>${run.drop_root}</bdi></td>
    <td class="roomy"><span class="id">${run.app}</span></td>
    <td class="roomy">${moment(sinceMs, nowMs)}</td>
  </tr>`;
}
