/** A run's input, output and log: their beginning on its page, and each as a download, streamed from the disk. */
import type { Context } from 'hono';
import { html } from 'hono/html';
import type { ContentFormat } from '../../platform/wire.ts';
import { bytesStream } from '../answers.ts';
import type { Artefact, StoredFile } from '../artefacts.ts';
import { assetContent, isArchive } from '../findings.ts';
import type { Platform } from '../platform.ts';
import type { RecordedRun } from '../records.ts';
import { Refusal } from '../refusal.ts';
import type { Storage } from '../storage.ts';
import { beginningOfArchive, beginningOfText, type Beginning, type Member } from './beginning.ts';
import { count, size, type Markup } from '../../markup/wording.ts';
import type { PageEnv } from './guard.ts';
import { runPath } from './paths.ts';

const shownDocuments = ['output', 'logs', 'input'] as const;
type ShownDocument = (typeof shownDocuments)[number];

const names: Readonly<Record<ShownDocument, string>> = { output: 'Output', logs: 'Log', input: 'Input' };

export async function documentView(
  platform: Platform,
  run: RecordedRun,
  which: ShownDocument,
): Promise<Markup> {
  const file = run.files[which];
  if (file === undefined) return html`<p class="hint">The run was recorded without.</p>`;
  const format = formatOf(run, which);
  return html`<p class="about">
      <span>${size(file.bytes)}, ${format}</span>
      <a href="${runPath(run.app, run.id)}/${which}" download
        >Download<span class="unseen"> the ${names[which].toLowerCase()}</span></a
      >
    </p>
    ${shown(await beginningOf(platform.storage, file, format), names[which])}`;
}

/** Null: the file is not there any more, or cannot be read. */
async function beginningOf(
  storage: Storage,
  file: StoredFile,
  format: ContentFormat,
): Promise<Beginning | null> {
  const chunks = storage.chunks(file.name);
  return (isArchive(format) ? beginningOfArchive(chunks) : beginningOfText(chunks)).catch(() => null);
}

function shown(beginning: Beginning | null, name: string): Markup {
  switch (beginning?.kind) {
    case undefined:
      return html`<p class="problem">The stored file cannot be read.</p>`;
    case 'text':
      if (beginning.text === '') return html`<p class="hint">It is empty.</p>`;
      return html`${beginning.isWhole ? '' : html`<p class="hint">Its first 64 KiB:</p>`}${preformatted(beginning.text, name)}`;
    case 'binary':
      return html`<p class="hint">These bytes are no text: download them to look at them.</p>`;
    case 'broken archive':
      return html`<p class="hint">It is said to be an archive, but cannot be read as a .tar.gz.</p>`;
    case 'archive':
      return memberTable(beginning.members, beginning.isWhole, name);
  }
}

export function preformatted(text: string, label: string): Markup {
  return html`<pre tabindex="0" role="region" aria-label="${label}, as text">${text}</pre>`;
}

function memberTable(members: readonly Member[], isWhole: boolean, name: string): Markup {
  if (members.length === 0) return html`<p class="hint">The archive is empty.</p>`;
  return html`${isWhole ? '' : html`<p class="hint">The first ${count(members.length)} files in it:</p>`}
    <div class="wide" tabindex="0" role="region" aria-label="${name}, what is in the archive">
      <table class="figures">
        <thead>
          <tr>
            <th scope="col">In the archive</th>
            <th scope="col" class="number">Size</th>
          </tr>
        </thead>
        <tbody>
          ${members.map(
            ({ path, bytes, isFolder }) =>
              html`<tr>
                <th scope="row" class="id"><bdi>${path}</bdi></th>
                <td class="number">${isFolder ? html`<span class="hint">folder</span>` : size(bytes)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

/** `GET …/runs/:run/input` and its siblings. */
export function download(platform: Platform, run: RecordedRun, name: string): Response {
  const which = shownDocuments.find((known) => known === name);
  const file = which === undefined ? undefined : run.files[which];
  if (which === undefined || file === undefined) throw new Refusal(404, `Run ${run.id} has no ${name}.`);
  const { ending, contentType } = kinds[formatOf(run, which)];
  const answer = bytesStream(platform.storage.chunks(file.name), file.bytes, contentType);
  return attached(answer, `${run.id}-${which}.${which === 'logs' ? 'log' : ending}`);
}

/** `GET …/runs/:run/assets/:place`: the content of one asset. */
export async function downloadAsset(
  c: Context<PageEnv>,
  platform: Platform,
  run: RecordedRun,
  place: string,
): Promise<Response> {
  const file = run.files[run.findings.assetsIn];
  const known = /^\d{1,9}$/.test(place) && Number(place) < run.findings.assets.length;
  if (!known || file === undefined) throw new Refusal(404, `Run ${run.id} has no asset ${place}.`);
  const content = await assetContent(file, Number(place), platform.storage);
  return attached(c.json(content ?? null), `${run.id}-asset-${place}.json`);
}

const kinds: Readonly<Record<ContentFormat, { ending: string; contentType: string }>> = {
  json: { ending: 'json', contentType: 'application/json' },
  text: { ending: 'txt', contentType: 'text/plain; charset=utf-8' },
  'multi-file': { ending: 'tar.gz', contentType: 'application/gzip' },
  'csv-archive': { ending: 'tar.gz', contentType: 'application/gzip' },
};

function formatOf(run: RecordedRun, which: Artefact): ContentFormat {
  if (which === 'input') return run.findings.inputFormat;
  return which === 'output' ? run.findings.outputFormat : 'text';
}

/** A download, never a page: what others sent must not be opened as part of this site. Run ids need no quoting. */
function attached(answer: Response, name: string): Response {
  answer.headers.set('content-disposition', `attachment; filename="${name}"`);
  answer.headers.set('cache-control', 'no-store');
  return answer;
}
