/** Reading one file of a run folder: its digest, whether it is what it has to be, and that it held still meanwhile. */
import { createHash } from 'node:crypto';
import type { ArtefactFile, ContentType } from '../core/content.ts';
import { bytesPerTurn } from '../solverlog/logReader.ts';
import { markOf, readChunkBytes, sameMark, type OpenFolder } from '../system/files.ts';
import type { Beat } from './beat.ts';
import { JsonProblem, JsonScanner, type JsonShape } from './jsonScan.ts';
import { shown } from './shown.ts';
import type { SeenFile } from './sight.ts';

/** Why a folder or a file is not read to its end: waiting may mend it, or it cannot. */
export class Verdict extends Error {
  readonly verdict:
    | { readonly kind: 'notYet'; readonly reason: string; readonly isMendedUnseen?: true }
    | { readonly kind: 'rejected'; readonly text: string; readonly hint: string };

  constructor(verdict: Verdict['verdict']) {
    super(verdict.kind === 'notYet' ? verdict.reason : verdict.text);
    this.verdict = verdict;
  }
}

export const notYet = (reason: string): Verdict => new Verdict({ kind: 'notYet', reason });
/** To be read again in any case: what was renamed away and back looks as it did before. */
export const changedMeanwhile = (what: string): Verdict =>
  new Verdict({ kind: 'notYet', reason: `${shown(what)} changed while it was read`, isMendedUnseen: true });
export const rejected = (text: string, hint: string): Verdict =>
  new Verdict({ kind: 'rejected', text, hint });

/** Members of an output document that may also lie beside it as files. */
const memberNames = ['metrics', 'statistics', 'assets'];

export type RoleFile = SeenFile & { readonly role: ArtefactFile['role'] };

/**
 * Reads one artefact from its beginning to its end: its digest, and for JSON that it is JSON and where it ends.
 * @param goOn called with each chunk; what it throws is the end of it
 * @param warn told what looks odd and is sent all the same
 * @param use given the bytes as they come by, as many in one turn of the loop as of a log may be
 * @throws Verdict
 */
export async function readArtefact(
  folder: OpenFolder,
  seen: RoleFile,
  type: ContentType,
  jsonDepthMax: number,
  goOn?: Beat,
  warn?: (text: string) => void,
  use?: (chunk: Buffer) => void,
): Promise<ArtefactFile> {
  const hash = createHash('sha256');
  const scanner = type === 'json' ? new JsonScanner(jsonDepthMax, memberNames) : null;
  const take = (chunk: Buffer): void => {
    goOn?.();
    hash.update(chunk);
    use?.(chunk);
    if (scanner !== null) scanning(seen.name, () => scanner.push(chunk));
  };
  const chunkBytes = (read: number): number =>
    // Little at the beginning: neither the scanner nor the reader of logs may be compiled yet.
    scanner !== null || use !== undefined ? bytesPerTurn(read) : readChunkBytes;
  const bytes = await readWhole(folder, seen, take, chunkBytes);
  const shape = scanner === null ? null : scanning(seen.name, () => scanner.end());
  if (shape !== null) {
    checkShape(seen, shape);
    for (const text of namesTwice(seen.name, shape)) warn?.(text);
  }
  return {
    role: seen.role,
    name: seen.name,
    type,
    bytes,
    sha256: hash.digest('hex'),
    object:
      shape?.topLevel === 'object'
        ? {
            closeOffset: shape.closeOffset,
            isEmpty: shape.isEmpty,
            onlyValueOffset: shape.onlyValueOffset,
            keys: [...shape.keys],
          }
        : null,
  };
}

function scanning<T>(name: string, scan: () => T): T {
  try {
    return scan();
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    if (error.lastingHint !== null) throw rejected(`${shown(name)}: ${error.message}`, error.lastingHint);
    throw notYet(`${shown(name)} does not parse yet: ${error.message}`);
  }
}

/** What is odd in a document in which a name stands twice; of others nothing. */
export function namesTwice(file: string, { repeatedAtLine }: JsonShape): string[] {
  if (repeatedAtLine === null) return [];
  return [
    `${shown(file)}: line ${String(repeatedAtLine)}: a name stands twice in one object, and most readers see the last one`,
  ];
}

function checkShape(seen: RoleFile, { topLevel }: JsonShape): void {
  if (topLevel === 'object' || (seen.role === 'assets' && topLevel === 'array')) return;
  throw rejected(
    `${shown(seen.name)} must be a JSON object at its top, and it is ${topLevel === 'array' ? 'an array' : `a ${topLevel}`}`,
    'Put it into an object, for example {"data": …}.',
  );
}

/**
 * Reads a regular file from its beginning to its end.
 * @param use is given the bytes, which the next ones take the place of
 * @param chunkBytes that are read at once, after so many
 * @returns its bytes; a file that moves meanwhile is not complete
 */
export async function readWhole(
  folder: OpenFolder,
  seen: Pick<SeenFile, 'name' | 'mark'>,
  use: (chunk: Buffer) => void,
  chunkBytes: (read: number) => number = () => readChunkBytes,
): Promise<number> {
  const file = await folder.openFile(seen.name);
  try {
    const before = markOf(await file.stat({ bigint: true }));
    if (!sameMark(before, seen.mark)) throw changedMeanwhile(seen.name);
    // Two of them: one is filled while the other is used.
    const buffers = [0, 1].map(() => Buffer.allocUnsafe(Math.min(readChunkBytes, before.bytes)));
    const read = async (from: number): Promise<Buffer> => {
      const buffer = buffers.reverse()[0] ?? Buffer.alloc(0);
      // Never beyond the size it had: a file that grows for ever ends here, and is found to have changed.
      const length = Math.min(chunkBytes(from), buffer.length, before.bytes - from);
      const { bytesRead } = await file.read(buffer, 0, length, from);
      return buffer.subarray(0, bytesRead);
    };
    let total = 0;
    let reading: Promise<Buffer> | null = null;
    while (total < before.bytes) {
      const chunk = await (reading ?? read(total));
      if (chunk.length === 0) break;
      total += chunk.length;
      reading = total < before.bytes ? read(total) : null;
      // Where `use` throws, nobody waits for it but the file, to be closed.
      reading?.catch(() => undefined);
      use(chunk);
    }
    const after = markOf(await file.stat({ bigint: true }));
    if (total !== before.bytes || !sameMark(before, after)) throw changedMeanwhile(seen.name);
    return total;
  } finally {
    await file.close();
  }
}
