/** What the page asks for beside what commands ask for: what lies in a run's folder now, and rows for its pictures. */
import { join } from 'node:path';
import { mayBeAnothers } from '../core/hardLinks.ts';
import { resultFileName } from '../core/ownFiles.ts';
import type { FilePart, PageQuestions, RecentOfRoot, RunContents } from '../http/page/questions.ts';
import type { Run } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { errorCode, OpenFolder } from '../system/files.ts';
import { openResultDirIfThere } from '../system/resultDirectory.ts';
import type { ViewContext } from './views.ts';

/** Of a log its end, of a result its beginning: more is for an editor. */
const logBytesMax = 16 * 1024;
const resultBytesMax = 32 * 1024;
/** So many of the newest runs of a drop root are shown. */
const recentOfRootMax = 60;

export class PageAnswers implements PageQuestions {
  readonly #outbox: Outbox;
  readonly #view: ViewContext;

  constructor(outbox: Outbox, view: ViewContext) {
    this.#outbox = outbox;
    this.#view = view;
  }

  async contents(number: number): Promise<RunContents | null> {
    const run = await this.#outbox.run(number);
    if (run === null) return null;
    const { settings, content } = run;
    const { status, durationMs, error, metrics } = content.meta;
    return {
      ...{ name: settings.name, description: settings.description, options: settings.options },
      ...{ status, durationMs, error, metrics },
      log: await this.#log(run),
      result: await this.#result(run),
    };
  }

  async recent(rootsMax: number): Promise<readonly RecentOfRoot[]> {
    const byRoot = new Map<string, RecentOfRoot['runs'][number][]>();
    for (const { dropRoot, ...run } of await this.#outbox.recentRuns(rootsMax, recentOfRootMax))
      byRoot.set(dropRoot, [...(byRoot.get(dropRoot) ?? []), run]);
    return [...byRoot].map(([root, runs]) => ({ root, runs }));
  }

  async #log({ key, path, archivedTo, content }: Run): Promise<FilePart | null> {
    const file = content.files.find(({ role }) => role === 'logs');
    if (file === undefined) return partOf('meta.json', content.meta.logs ?? '', logBytesMax);
    const places = this.#view.placesOfRoot(key.dropRoot);
    if (archivedTo !== null)
      return await partOfFile(() => OpenFolder.open(archivedTo), file.name, 'end', logBytesMax);
    if (places === null) return null;
    const open = () => OpenFolder.openIn(places.path, join(places.path, path));
    return await partOfFile(open, file.name, 'end', logBytesMax);
  }

  async #result({ key, path, archivedTo }: Run): Promise<FilePart | null> {
    const places = this.#view.placesOfRoot(key.dropRoot);
    if (places === null) return null;
    const isArchived = places.resultsDir === null && archivedTo !== null;
    const open = () => (isArchived ? OpenFolder.open(archivedTo) : openResultDirIfThere(places, path));
    return await partOfFile(open, resultFileName, 'beginning', resultBytesMax);
  }
}

function partOf(name: string, text: string, charsMax: number): FilePart | null {
  if (text === '') return null;
  return { name, text: text.slice(-charsMax), bytes: Buffer.byteLength(text), isCut: text.length > charsMax };
}

/**
 * A part of a file as it is now. The folder is another user's: nothing is read through a link, from a pipe, or of a file
 * that its owner could not read.
 */
async function partOfFile(
  folder: () => Promise<OpenFolder>,
  name: string,
  which: 'beginning' | 'end',
  bytesMax: number,
): Promise<FilePart | null> {
  if (name.includes('/')) return null;
  try {
    const open = await folder();
    try {
      const file = await open.openFile(name);
      try {
        const stats = await file.stat({ bigint: true });
        if (!stats.isFile() || mayBeAnothers(stats, (await open.stats()).uid)) return null;
        const size = Number(stats.size);
        const bytes = Buffer.alloc(Math.min(bytesMax, size));
        const from = which === 'end' ? size - bytes.length : 0;
        const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
        // What is cut within a character begins with the next one.
        const text = bytes.toString('utf8', 0, bytesRead).replace(from > 0 ? /^\ufffd+/ : /\ufffd+$/, '');
        return { name, text, bytes: size, isCut: size > bytesMax };
      } finally {
        await file.close();
      }
    } finally {
      await open.close();
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return null;
  }
}
