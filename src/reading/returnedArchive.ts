/** An archive that came back: is what is in it what was sent? Nothing of it is kept but digests. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import type { ArtefactFile } from '../core/content.ts';
import { membersPiecewise } from '../core/identity.ts';
import { errorCode } from '../system/files.ts';
import { inTurns } from './inTurns.ts';
import { memberPaths } from './memberPaths.ts';

const fileTypes: readonly string[] = ['File', 'OldFile', 'ContiguousFile'];

/** There is more in it, or something else, than was sent: the rest says nothing new. */
class Differs extends Error {}

/**
 * @param sent what was known of the archive when it was sent
 * @returns whether it holds the same files with the same bytes; modes and times are not compared
 * @throws what `chunks` throws
 */
export async function isSameArchive(chunks: AsyncIterable<Uint8Array>, sent: ArtefactFile): Promise<boolean> {
  const { base = '', files = 0 } = sent.archive ?? {};
  const members: { path: string; bytes: number; sha256: string }[] = [];
  let entries = 0;
  let bytes = 0;
  const found = { differs: false };
  const take = (entry: ReadEntry): void => {
    const path = pathOf(entry);
    if (entry.type === 'Directory') {
      entry.resume();
      return;
    }
    entries += 1;
    bytes += entry.size;
    found.differs ||= !fileTypes.includes(entry.type) || entries > files || bytes > sent.bytes;
    const hash = createHash('sha256');
    entry.on('data', (chunk: Buffer) => hash.update(chunk));
    entry.on('end', () => {
      members.push({ path: `${base}${path}`, bytes: entry.size, sha256: hash.digest('hex') });
    });
  };
  const parser = new Parser({ strict: true, onReadEntry: take });
  const pathOf = memberPaths(parser);
  const failure = new AbortController();
  parser.on('error', (error) => failure.abort(error));
  try {
    await pipeline(Readable.from(chunks), createGunzip(), async (unpacked: AsyncIterable<Buffer>) => {
      for await (const chunk of unpacked) {
        const goesOn = parser.write(chunk);
        failure.signal.throwIfAborted();
        if (found.differs) throw new Differs();
        if (!goesOn) await once(parser, 'drain', { signal: failure.signal });
      }
      const over = once(parser, 'end', { signal: failure.signal });
      parser.end();
      await over;
    });
  } catch (error) {
    if (error instanceof Differs || failure.signal.aborted || isNoArchive(error)) return false;
    throw error;
  }
  return !found.differs && (await inTurns(membersPiecewise(members))) === sent.sha256;
}

function isNoArchive(error: unknown): boolean {
  return /^(Z_|TAR_)/.test(errorCode(error) ?? '');
}
