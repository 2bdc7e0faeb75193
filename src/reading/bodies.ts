/**
 * What is uploaded for a run, artefact by artefact: which bytes, how many, and from where. A body is made of pieces of
 * text and of files, so that members can be added to a document of any size without holding it.
 */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { addedFrom, type Enrichment } from '../core/enrichment.ts';
import type { Role } from '../core/run.ts';
import { readChunkBytes, type HeldFile } from '../system/files.ts';
import { fileOf, type ArchiveFacts, type ArtefactFile, type FolderContent } from '../core/content.ts';

/** In the order of their uploads. Statistics and assets on their own travel in an envelope of their name. */
const extraRoles = ['metrics', 'statistics', 'assets'] as const;

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  /** A file, of which only a part may be wanted, with pieces put in at an offset (all in bytes). */
  | {
      readonly kind: 'file';
      readonly file: ArtefactFile;
      readonly part: { readonly from: number; readonly to: number } | null;
      readonly insert: { readonly at: number; readonly pieces: readonly Piece[] } | null;
    };

export interface ArtefactBody {
  readonly role: Role;
  readonly pieces: readonly Piece[];
  readonly bytes: number;
}

/** An archive: how long it is shows when it is made. */
export interface ArchiveBody {
  readonly role: Role;
  readonly archive: ArtefactFile & { readonly archive: ArchiveFacts };
}

/** The source is not what it was when the run was recorded: nothing of it may be sent. */
export class SourceChanged extends Error {
  readonly fileName: string;

  constructor(fileName: string, what: string) {
    super(`${fileName} ${what}`);
    this.name = 'SourceChanged';
    this.fileName = fileName;
  }
}

/**
 * @param logTail full text of an error that the wire's short form had to cut; '' when nothing was lost
 * @param enrich what is added from the solver's log, where the run has nothing of the kind
 * @returns one body per upload, in the order of the uploads
 */
export function artefactBodies(
  content: FolderContent,
  logTail: string,
  enrich: readonly Enrichment[] = [],
): (ArtefactBody | ArchiveBody)[] {
  const input = fileOf(content, 'input');
  const output = fileOf(content, 'output');
  const extras = extraMembers(content, enrich);
  const merged = output?.object ? extras : [];
  const bodies: (ArtefactBody | ArchiveBody)[] = [];
  const add = (role: Role, pieces: readonly Piece[]): void => {
    bodies.push(bodyOf(role, pieces));
  };
  if (input !== undefined) {
    if (isArchive(input)) bodies.push({ role: 'input', archive: input });
    else add('input', [whole(input)]);
  }
  if (output !== undefined) {
    if (isArchive(output)) bodies.push({ role: 'output', archive: output });
    else add('output', [documentPieces(output, merged)]);
  }
  const logs = logPieces(content, logTail);
  if (bytesOf(logs) > 0) add('logs', logs);
  // Beside an output that is one JSON document they are part of it; else each travels on its own.
  if (output === undefined || output.object === null) {
    for (const { name, pieces } of extras)
      add(name, name === 'metrics' ? pieces : [text(`{"${name}":`), ...pieces, text('}')]);
  }
  return bodies;
}

function isArchive(file: ArtefactFile): file is ArchiveBody['archive'] {
  return file.archive !== undefined;
}

export function bodyOf(role: Role, pieces: readonly Piece[]): ArtefactBody {
  return { role, pieces, bytes: bytesOf(pieces) };
}

/** A file as it is. */
export const whole = (file: ArtefactFile): Piece => ({ kind: 'file', file, part: null, insert: null });

/** The value itself, where the file wraps it as `{"metrics": …}`, which is how an app's own output folder has it. */
function valueOf(file: ArtefactFile): Piece {
  const { object, role } = file;
  if (object?.onlyValueOffset == null || !object.keys.includes(role)) return whole(file);
  return { kind: 'file', file, part: { from: object.onlyValueOffset, to: object.closeOffset }, insert: null };
}
const text = (value: string): Piece => ({ kind: 'text', text: value });

/**
 * What there is beside the output's own members: metrics.json and its like, meta.json's metrics, and what is added from
 * the log where the run has nothing of that name.
 */
function extraMembers(
  content: FolderContent,
  enrich: readonly Enrichment[],
): { readonly name: (typeof extraRoles)[number]; readonly pieces: readonly Piece[] }[] {
  const added = addedFrom(content.facts, enrich);
  return extraRoles.flatMap((name) => {
    const file = fileOf(content, name);
    if (file !== undefined) return [{ name, pieces: [valueOf(file)] }];
    if (name === 'metrics' && content.meta.metrics !== null)
      return [{ name, pieces: [text(JSON.stringify(content.meta.metrics))] }];
    const json = added.find((one) => one.name === name)?.json;
    return json === undefined ? [] : [{ name, pieces: [text(json)] }];
  });
}

/** @returns which of the wanted things were really added to the run: what the solver wrote itself wins */
export function enrichedWith(content: FolderContent, enrich: readonly Enrichment[]): readonly string[] {
  const { metrics } = content.meta;
  const document = fileOf(content, 'output')?.object?.keys ?? [];
  return addedFrom(content.facts, enrich)
    .map(({ name }) => name)
    .filter(
      (name) =>
        fileOf(content, name) === undefined &&
        !document.includes(name) &&
        (name !== 'metrics' || metrics === null),
    );
}

/** A document of one JSON object, with members added at its end where it has none of that name. */
export function documentPieces(
  output: ArtefactFile,
  members: readonly { readonly name: string; readonly pieces: readonly Piece[] }[],
): Piece {
  const added = members.filter(({ name }) => output.object?.keys.includes(name) === false);
  if (output.object === null || added.length === 0) return whole(output);
  const pieces = added.flatMap(({ name, pieces: value }, index) => [
    text(`${output.object?.isEmpty === true && index === 0 ? '' : ','}${JSON.stringify(name)}:`),
    ...value,
  ]);
  return { kind: 'file', file: output, part: null, insert: { at: output.object.closeOffset, pieces } };
}

function logPieces(content: FolderContent, logTail: string): Piece[] {
  const file = fileOf(content, 'logs');
  const pieces: Piece[] = file !== undefined && file.bytes > 0 ? [whole(file)] : [];
  if (file === undefined && content.meta.logs !== null) pieces.push(text(content.meta.logs));
  if (logTail !== '') pieces.push(text(pieces.length === 0 ? logTail : `\n${logTail}`));
  return pieces;
}

function bytesOf(pieces: readonly Piece[]): number {
  let bytes = 0;
  for (const piece of pieces) {
    if (piece.kind === 'text') bytes += Buffer.byteLength(piece.text);
    else {
      bytes += piece.part === null ? piece.file.bytes : piece.part.to - piece.part.from;
      bytes += piece.insert === null ? 0 : bytesOf(piece.insert.pieces);
    }
  }
  return bytes;
}

/** An open file, as far as it takes to read it. */
export type ReadableFile = Pick<HeldFile, 'stat' | 'read' | 'close'>;

/** Where the files of a body are: the folder, or whoever holds them open. */
export interface FileOpener {
  openFile(name: string): Promise<ReadableFile>;
}

/** The files that a body has bytes of, each once. */
export function filesOf(pieces: readonly Piece[]): ArtefactFile[] {
  const files = new Map<string, ArtefactFile>();
  for (const piece of pieces) {
    if (piece.kind === 'text') continue;
    files.set(piece.file.name, piece.file);
    for (const file of filesOf(piece.insert?.pieces ?? [])) files.set(file.name, file);
  }
  return [...files.values()];
}

/**
 * The body's bytes, read from the folder as they are wanted; every file is checked against what was recorded of it.
 * @throws SourceChanged before or after the last byte: what was sent until then must not be used
 */
export async function* readBody(
  folder: FileOpener,
  body: Pick<ArtefactBody, 'pieces'>,
): AsyncGenerator<Buffer> {
  for (const piece of body.pieces) {
    if (piece.kind === 'text') yield Buffer.from(piece.text);
    else yield* readFile(folder, piece);
  }
}

async function* readFile(
  folder: FileOpener,
  piece: Extract<Piece, { kind: 'file' }>,
): AsyncGenerator<Buffer> {
  const { file, part, insert } = piece;
  const handle = await folder.openFile(file.name).catch((error: unknown) => {
    throw new SourceChanged(file.name, `cannot be opened any more (${String(error)})`);
  });
  // The disk under this one file: everybody else's may be well.
  const unreadable = (error: unknown): never => {
    throw new SourceChanged(file.name, `cannot be read any more (${String(error)})`);
  };
  const statsNow = async (): Promise<BigIntStats> => await handle.stat({ bigint: true }).catch(unreadable);
  try {
    const stats = await statsNow();
    if (!stats.isFile()) throw new SourceChanged(file.name, 'is another file now');
    if (stats.size !== BigInt(file.bytes)) throw new SourceChanged(file.name, 'has another size now');
    const hash = createHash('sha256');
    const readFrom = async (from: number): Promise<Buffer> => {
      const until = insert !== null && from < insert.at ? insert.at : file.bytes;
      const buffer = Buffer.allocUnsafe(Math.min(readChunkBytes, until - from));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, from).catch(unreadable);
      return buffer.subarray(0, bytesRead);
    };
    let at = 0;
    let reading: Promise<Buffer> | null = null;
    while (at < file.bytes) {
      const chunk = await (reading ?? readFrom(at));
      if (chunk.length === 0) throw new SourceChanged(file.name, 'became shorter while it was uploaded');
      at += chunk.length;
      // The next one is read while this one is digested and sent.
      reading = at < file.bytes ? readFrom(at) : null;
      // Where it goes no further, nobody waits for it but the file, to be closed.
      reading?.catch(() => undefined);
      hash.update(chunk);
      // The last bytes are held back until the whole is known to be right: a body cut short is never taken for whole.
      if (
        at === file.bytes &&
        (hash.digest('hex') !== file.sha256 || (await statsNow()).size !== BigInt(file.bytes))
      ) {
        throw new SourceChanged(file.name, 'changed while it was uploaded');
      }
      yield part === null ? chunk : within(chunk, at - chunk.length, part);
      if (insert !== null && at === insert.at) yield* readBody(folder, insert);
    }
  } finally {
    await handle.close();
  }
}

/** What of a chunk lies in the wanted part. The whole file is read all the same: it is checked as a whole. */
function within(
  chunk: Buffer,
  offset: number,
  { from, to }: { readonly from: number; readonly to: number },
): Buffer {
  return chunk.subarray(Math.max(0, from - offset), Math.max(0, to - offset));
}
