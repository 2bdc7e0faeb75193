/**
 * The beginning of a document, for people to look at: no page reads a document to its end, whatever its size. Archives
 * are looked into as far as a few MiB of what is in them.
 */
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Parser } from 'tar/parse';
import { indentJson } from '../../core/indentJson.ts';
import { visible } from '../../markup/wording.ts';

/** More of it nobody reads in a browser; all of it is a download away. */
export const shownBytesMax = 64 * 1024;
/** An archive of a few bytes can unpack to very many: counted is what comes out. */
const unpackedBytesMax = 8 * 1024 * 1024;
const membersMax = 200;
/** Of a name or its extended header, in the archive. */
const memberHeaderBytesMax = 64 * 1024;

export type Beginning =
  | { readonly kind: 'text'; readonly text: string; readonly isWhole: boolean }
  /** Bytes that are no text. */
  | { readonly kind: 'binary' }
  | { readonly kind: 'archive'; readonly members: readonly Member[]; readonly isWhole: boolean }
  /** Said to be an archive. */
  | { readonly kind: 'broken archive' };

export interface Member {
  readonly path: string;
  readonly bytes: number;
  readonly isFolder: boolean;
}

/** Text as it is, with JSON that is small laid out. */
export async function beginningOfText(chunks: AsyncIterable<Uint8Array>): Promise<Beginning> {
  const { bytes, isWhole } = await upTo(shownBytesMax, chunks);
  if (bytes.includes(0)) return { kind: 'binary' };
  // A character that is cut in two at the end is left out.
  const text = new TextDecoder().decode(bytes, { stream: !isWhole });
  return { kind: 'text', text: visible(isWhole ? laidOut(text) : text), isWhole };
}

function laidOut(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  return indentJson(text);
}

export async function beginningOfArchive(chunks: AsyncIterable<Uint8Array>): Promise<Beginning> {
  const unpacked = createGunzip();
  // Whoever stops first takes the other along, and with it the open file. The error comes out of the loop as well.
  pipeline(Readable.from(chunks), unpacked, () => undefined);
  try {
    const { bytes, isWhole } = await upTo(unpackedBytesMax, unpacked);
    return membersOf(bytes, isWhole);
  } catch {
    return { kind: 'broken archive' };
  }
}

function membersOf(tar: Buffer, isWhole: boolean): Beginning {
  // The parser would unpack once more, without a limit.
  if (isPacked(tar)) return { kind: 'broken archive' };
  const members: Member[] = [];
  let more = !isWhole;
  const warnings: string[] = [];
  const parser = new Parser({
    maxMetaEntrySize: memberHeaderBytesMax,
    onwarn: (code) => warnings.push(code),
    // Nothing is taken out; the names are all there is to see.
    filter: (path, entry) => {
      if (members.length >= membersMax) more = true;
      else {
        const type = 'type' in entry ? entry.type : 'File';
        members.push({ path: visible(path), bytes: entry.size, isFolder: type === 'Directory' });
      }
      return false;
    },
  });
  parser.write(tar);
  parser.end();
  // What is cut off at the end is not held against an archive whose names could be read.
  if (members.length === 0 && warnings.length > 0) return { kind: 'broken archive' };
  return { kind: 'archive', members, isWhole: !more };
}

function isPacked(bytes: Buffer): boolean {
  return [
    [0x1f, 0x8b],
    [0x28, 0xb5, 0x2f, 0xfd],
  ].some((magic) => magic.every((byte, at) => bytes[at] === byte));
}

async function upTo(
  bytesMax: number,
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ bytes: Buffer; isWhole: boolean }> {
  const taken: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    taken.push(chunk);
    length += chunk.length;
    if (length > bytesMax) break;
  }
  return { bytes: Buffer.concat(taken).subarray(0, bytesMax), isWhole: length <= bytesMax };
}
