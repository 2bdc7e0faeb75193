/** `/runs/42`: everything that is known of one run, and of a folder that is no run yet what there is. */
import { html } from 'hono/html';
import { figureTable } from '../../markup/figures.ts';
import { count, duration, mark, moment, size, visible, type Markup } from '../../markup/wording.ts';
import type { RunStory } from '../operations.ts';
import { convergencePicture, percent } from './pictures.ts';
import type { FilePart, RunContents } from './questions.ts';
import { buttons } from './sections.ts';

/** More entries are in `runtrackd show`; a run that was tried for days has very many. */
const historyShownMax = 100;
const sameFolderShownMax = 20;

export function runContent(story: RunStory, contents: RunContents | null, nowMs: number): Markup {
  const name = visible(story.folder.split('/').at(-1) ?? story.folder);
  return html`<h1>
      ${story.run === null ? '' : html`<span class="id">#${story.run}</span> `}<bdi>${name}</bdi>
    </h1>
    <p class="lead">${mark(story.state)} since ${moment(Date.parse(story.since), nowMs)}</p>
    ${asked(story)} ${facts(story, contents, nowMs)} ${warnings(story)} ${solver(story)}
    <div class="two">${timeline(story, nowMs)} ${artefacts(story)}</div>
    ${contents === null ? '' : html`${metadata(contents)} ${part('log', 'Log', contents.log)} ${part('result', 'Result', contents.result)}`}`;
}

function asked(story: RunStory): Markup | '' {
  const { reason, hint } = story;
  const answers = buttons(story);
  if (reason === null && answers === '') return '';
  return html`<div class="cards">
    <div class="problem">
      <h2>Why it is where it is</h2>
      <p><bdi>${visible(reason?.text ?? '')}</bdi></p>
      ${hint === null ? '' : html`<p><bdi>${visible(hint)}</bdi></p>`}
    </div>
    ${answers}
  </div>`;
}

function facts(story: RunStory, contents: RunContents | null, nowMs: number): Markup {
  const rows: readonly (readonly [string, Markup | null])[] = [
    ['Folder', html`<span class="id"><bdi>${visible(story.folder)}</bdi></span>`],
    ['What happens next', html`${visible(story.next)}`],
    ['Run on the platform', idOnPlatform(story)],
    ['Solver says', contents === null ? null : mark(contents.status)],
    ['Duration', contents === null ? null : duration(contents.durationMs)],
    ['App', html`<span class="id">${story.app}</span>`],
    ['Instance', text(story.instance)],
    ['Drop root', html`<bdi>${story.drop_root}</bdi>`],
    ['Tries', story.run === null ? null : html`${count(story.tries)}`],
    ['Due', story.due_at === null ? null : moment(Date.parse(story.due_at), nowMs)],
    ['Fingerprint', text(story.fingerprint)],
    ['Generation', text(story.generation)],
    ['Archived to', text(story.archived_to ?? null)],
    ['Same folder', sameFolder(story)],
  ];
  const long = new Set(['Folder', 'What happens next', 'Generation', 'Archived to', 'Same folder']);
  return html`<dl class="facts">
    ${rows.map(([name, value]) =>
      value === null
        ? ''
        : html`<div class="${long.has(name) ? 'long' : ''}">
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
    )}
  </dl>`;
}

function text(value: string | null): Markup | null {
  return value === null ? null : html`<span class="id"><bdi>${visible(value)}</bdi></span>`;
}

function idOnPlatform({ run_id: id, console_url: url }: RunStory): Markup | null {
  if (id === null) return null;
  if (url === null) return html`<span class="id">${id}</span>`;
  return html`<a class="id" href="${url}" rel="noreferrer">${id}</a>
    <span class="hint">in the console</span>`;
}

function sameFolder({ same_folder: others }: RunStory): Markup | null {
  if (others.length === 0) return null;
  return html`${others.slice(0, sameFolderShownMax).map((run) => html`<a href="/runs/${run}">#${run}</a> `)}
  ${others.length > sameFolderShownMax ? html`and ${count(others.length - sameFolderShownMax)} more` : ''}`;
}

function warnings({ warnings: all, inferred }: RunStory): Markup | '' {
  if (all.length + inferred.length === 0) return '';
  return html`<section aria-labelledby="warnings">
    <h2 id="warnings">Worth knowing</h2>
    <ul>
      ${all.map((warning) => html`<li><bdi>${visible(warning)}</bdi></li>`)}
      ${inferred.map((rule) => html`<li>Inferred: <bdi>${visible(rule)}</bdi></li>`)}
    </ul>
  </section>`;
}

/** Drawn, or said otherwise. */
const drawnOrOdd = new Set(['incumbents', 'bounds', 'evidence', 'gap_relative']);

function solver({ facts: said }: RunStory): Markup | '' {
  if (said === null) return '';
  const { incumbents, bounds, gap_relative: gap } = said;
  const figures = Object.fromEntries(Object.entries(said).filter(([name]) => !drawnOrOdd.has(name)));
  return html`<section aria-labelledby="solver">
    <h2 id="solver">What the solver’s log says</h2>
    <div class="two">
      <div>${convergencePicture(incumbents, bounds, said.runtime_seconds ?? null)}</div>
      <div>
        ${figureTable({ ...figures, ...(gap === undefined ? {} : { gap: percent(gap) }) }, 'What the log says')}
      </div>
    </div>
  </section>`;
}

function timeline({ history, thinned }: RunStory, nowMs: number): Markup | '' {
  if (history.length === 0) return thinned ? storyLetGo : '';
  return html`<section aria-labelledby="history">
    <h2 id="history">What happened</h2>
    <ol class="timeline">
      ${history.slice(-historyShownMax).map(
        ({ at, state, note }) =>
          html`<li>
            <p>${mark(state)} ${moment(Date.parse(at), nowMs)}</p>
            <p><bdi>${visible(note)}</bdi></p>
          </li>`,
      )}
    </ol>
    ${history.length > historyShownMax ? html`<p class="hint">These are the last ${count(historyShownMax)} entries.</p>` : ''}
  </section>`;
}

const storyLetGo = html`<section aria-labelledby="history">
  <h2 id="history">What happened</h2>
  <p>Its story was let go: it ended longer ago than <code>history.keep</code> says.</p>
</section>`;

function artefacts({ artefacts: all }: RunStory): Markup | '' {
  if (all.length === 0) return '';
  return html`<section aria-labelledby="files">
    <h2 id="files">Files</h2>
    <div class="wide" tabindex="0" role="region" aria-label="Files, as a table">
      <table>
        <thead>
          <tr>
            <th scope="col">Role</th>
            <th scope="col">Name</th>
            <th scope="col" class="number">Size</th>
          </tr>
        </thead>
        <tbody>
          ${all.map(
            ({ role, name, bytes, sha256, files }) =>
              html`<tr>
                <th scope="row">${role}</th>
                <td>
                  <span class="id" title="sha256 ${sha256}"><bdi>${visible(name)}</bdi></span>
                  ${files > 1 ? html`<span class="hint">${count(files)} files</span>` : ''}
                </td>
                <td class="number">${size(bytes)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function metadata({ name, description, options, error, metrics }: RunContents): Markup {
  const said = {
    name,
    ...(description === '' ? {} : { description }),
    ...(error === null ? {} : { error }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(metrics === null ? {} : { metrics }),
  };
  return html`<section aria-labelledby="metadata">
    <h2 id="metadata">Metadata</h2>
    ${figureTable(said, 'Metadata')}
  </section>`;
}

function part(id: string, heading: string, file: FilePart | null): Markup | '' {
  if (file === null) return '';
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${heading}</h2>
    <p class="about">
      <span class="id"><bdi>${visible(file.name)}</bdi></span> ${size(file.bytes)}
      ${file.isCut ? html`<span>This is only a part of it.</span>` : ''}
    </p>
    <pre tabindex="0" role="region" aria-label="${heading}, what is shown of it">${visible(file.text)}</pre>
  </section>`;
}
