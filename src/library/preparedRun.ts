/**
 * From what a caller said to the bytes that go out: everything is looked at here, before anything is sent. Files are
 * read once to know their digests and whether they are what they have to be, and are checked against these while they
 * are sent; directories become archives; nothing is held but what the caller holds anyway.
 */
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { ArtefactFile, ContentType } from '../core/content.ts';
import { RuntrackdError } from '../core/failure.ts';
import type { Role } from '../core/run.ts';
import { errorTail } from '../platform/runRequest.ts';
import type { ContentFormat } from '../platform/wire.ts';
import { spoolArchive, SpoolTrouble, type SpooledArchive } from '../reading/archive.ts';
import { archiveLimits } from '../reading/archiveLimits.ts';
import { readArtefact, Verdict } from '../reading/artefact.ts';
import { bodyOf, documentPieces, readBody, SourceChanged, whole, type Piece } from '../reading/bodies.ts';
import { JsonProblem, JsonScanner } from '../reading/jsonScan.ts';
import { contentTypeOf } from '../reading/mapping.ts';
import { errorCode, markOf, OpenFolder } from '../system/files.ts';
import { badInput } from './badInput.ts';
import { jsonDocument, jsonText, type JsonDocument } from './jsonDocument.ts';
import { completeAsset, Input, Output, type TrackedRun } from './trackedRun.ts';

/** One upload: its bytes can be read as often as it takes. */
export interface PreparedBody {
  readonly role: Role;
  readonly bytes: number;
  readonly read: () => AsyncIterable<Uint8Array>;
}

export interface Formats {
  readonly input: ContentFormat;
  readonly output: ContentFormat;
}

export interface PreparedRun {
  readonly bodies: readonly PreparedBody[];
  readonly formats: Formats;
  /** Of the output as it is sent; 0 without one. */
  readonly outputBytes: number;
  /** Ends the hold on files and archives. */
  close(): Promise<void>;
}

/** Formats that a caller names in the configuration, instead of those that the content has by itself. */
export type FormatWishes = Partial<Formats>;

const jsonDepthMax = 1_000;
/** The hints of the reading rules speak of a daemon that looks again by itself. */
const correctIt = 'Correct the file and track the run again.';
const memberRoles = ['metrics', 'statistics', 'assets'] as const;

/**
 * @param spoolDir where archives of directories lie until they are sent
 * @throws RuntrackdError (bad-input, source-changed)
 */
export async function prepareRun(
  run: TrackedRun,
  wishes: FormatWishes,
  spoolDir: string,
  signal: AbortSignal,
): Promise<PreparedRun> {
  const preparing = new Preparing(spoolDir, signal);
  try {
    const input = await preparing.side('input', run.input, run.inputFilePath, run.inputDirPath);
    if (input === null) throw badInput('the run has no input', 'Give input, inputFilePath or inputDirPath.');
    const output = await preparing.side('output', outputData(run), run.outputFilePath, run.outputDirPath);
    const formats = {
      input: chosenFormat('input', input.format, wishes.input),
      // A failed run may have no output; the platform's default is then as good as any.
      output: chosenFormat('output', output?.format ?? 'json', output === null ? undefined : wishes.output),
    };
    const extras = extrasOf(run);
    const isMerged = output?.document !== undefined;
    const bodies = [
      input.body(new Map()),
      ...(output === null ? [] : [output.body(isMerged ? extras : new Map<string, string>())]),
      ...(await preparing.logs(run)),
      ...(isMerged ? [] : separateBodies(extras)),
    ];
    return {
      bodies,
      formats,
      outputBytes: bodies.find(({ role }) => role === 'output')?.bytes ?? 0,
      close: () => preparing.close(),
    };
  } catch (error) {
    await preparing.close();
    throw named(error);
  }
}

/** Input or output, before it is known what is put into it. */
interface Side {
  readonly format: ContentFormat;
  /** JSON of one object: figures can be put into it. */
  readonly document: true | undefined;
  /** @param extras members to add where the document has none of that name, as JSON text */
  body(extras: ReadonlyMap<string, string>): PreparedBody;
}

/** What is open while a run is prepared and sent. */
class Preparing {
  readonly #spoolDir: string;
  readonly #signal: AbortSignal;
  readonly #closers: (() => Promise<void>)[] = [];

  constructor(spoolDir: string, signal: AbortSignal) {
    this.#spoolDir = spoolDir;
    this.#signal = signal;
  }

  async side(
    role: 'input' | 'output',
    data: Input | object | string | undefined,
    filePath: string | undefined,
    dirPath: string | undefined,
  ): Promise<Side | null> {
    if (data !== undefined) return dataSide(role, data);
    if (filePath !== undefined) return await this.#fileSide(role, filePath);
    if (dirPath !== undefined) return await this.#dirSide(role, dirPath);
    return null;
  }

  async logs(run: TrackedRun): Promise<PreparedBody[]> {
    const tail = errorTail(run.error ?? null);
    const pieces: Piece[] = [];
    const folder = run.logsFilePath === undefined ? null : await this.#folderOf(run.logsFilePath);
    if (folder !== null) {
      const file = await this.#artefact(folder, run.logsFilePath ?? '', 'logs', 'text');
      if (file.bytes > 0) pieces.push(whole(file));
    }
    // Joined with real newlines; the official SDK joins with a backslash and an n.
    const text = typeof run.logs === 'object' ? run.logs.join('\n') : (run.logs ?? '');
    if (text !== '') pieces.push({ kind: 'text', text });
    if (tail !== '') pieces.push({ kind: 'text', text: pieces.length === 0 ? tail : `\n${tail}` });
    const body = bodyOf('logs', pieces);
    if (body.bytes === 0) return [];
    return [{ ...body, read: () => (folder === null ? textBytes(pieces) : readBody(folder, body)) }];
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }

  async #fileSide(role: 'input' | 'output', path: string): Promise<Side> {
    const folder = await this.#folderOf(path);
    const type = contentTypeOf(path);
    const file = await this.#artefact(folder, path, role, type);
    if (file.bytes === 0)
      throw badInput(`${role}: ${path} is empty`, 'Track the run when the file is written.');
    return {
      format: type,
      document: file.object === null ? undefined : true,
      body: (extras) => {
        const members = [...extras].map(([name, text]) => ({
          name,
          pieces: [{ kind: 'text', text } as const],
        }));
        const body = bodyOf(role, [documentPieces(file, members)]);
        return { ...body, read: () => readBody(folder, body) };
      },
    };
  }

  async #dirSide(role: 'input' | 'output', path: string): Promise<Side> {
    const archive: SpooledArchive = await spoolArchive(
      await realDirectory(role, path),
      this.#spoolDir,
      archiveLimits,
      this.#signal,
    ).catch((error: unknown) => {
      throw inWords(error, `${role}: ${path}`);
    });
    this.#closers.push(() => archive.close());
    if (archive.files === 0)
      throw badInput(`${role}: ${path} has no files in it`, 'Track the run when the directory is filled.');
    return {
      format: 'multi-file',
      document: undefined,
      body: () => ({ role, bytes: archive.bytes, read: () => archive.read() }),
    };
  }

  /** The directory of a file, held open; the path itself may lead through links, since it is the caller's own. */
  async #folderOf(path: string): Promise<OpenFolder> {
    const folder = await OpenFolder.open(dirname(await realpath(path)));
    this.#closers.push(() => folder.close());
    return folder;
  }

  async #artefact(
    folder: OpenFolder,
    path: string,
    role: 'input' | 'output' | 'logs',
    type: ContentType,
  ): Promise<ArtefactFile> {
    this.#signal.throwIfAborted();
    const name = basename(await realpath(path));
    const file = await folder.openFile(name);
    let mark;
    try {
      const stats = await file.stat({ bigint: true });
      if (!stats.isFile())
        throw badInput(`${role}: ${path} is no regular file`, `Give a directory as ${role}DirPath.`);
      mark = markOf(stats);
    } finally {
      await file.close();
    }
    const seen = { role, name, mark };
    return await readArtefact(folder, seen, type, jsonDepthMax, () => this.#signal.throwIfAborted()).catch(
      (error: unknown) => {
        throw inWords(error, `${role}: ${path}`, correctIt);
      },
    );
  }
}

function outputData(run: TrackedRun): object | string | undefined {
  return run.output instanceof Output ? run.output.toDocument() : run.output;
}

function dataSide(role: 'input' | 'output', data: Input | object | string): Side {
  const { value, format } =
    data instanceof Input ? { value: data.data, format: data.format } : { value: data, format: undefined };
  if (typeof value === 'string') {
    if (value === '') throw badInput(`${role} is an empty text`, 'Give what the solver was given.');
    if (format === 'json') checkJsonText(value, role);
    return { format: format ?? 'text', document: undefined, body: () => textBody(role, value) };
  }
  const document = jsonDocument(value, role);
  return {
    format: 'json',
    document: true,
    body: (extras) => textBody(role, withMembers(document, extras)),
  };
}

/** The text of an object, with members added that it has not: its own text stays as it is. */
function withMembers({ text, names }: JsonDocument, extras: ReadonlyMap<string, string>): string {
  const added = [...extras].filter(([name]) => !names.has(name));
  if (added.length === 0) return text;
  const members = added.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',');
  return text === '{}' ? `{${members}}` : `${text.slice(0, -1)},${members}}`;
}

function checkJsonText(text: string, role: string): void {
  try {
    const scanner = new JsonScanner(jsonDepthMax);
    scanner.push(Buffer.from(text));
    const { topLevel } = scanner.end();
    if (topLevel !== 'object')
      throw badInput(
        `${role} is JSON with ${topLevel} at its top`,
        'Put it into an object, for example {"data": …}.',
      );
  } catch (error) {
    if (error instanceof JsonProblem)
      throw badInput(
        `${role} is no JSON: ${error.message}`,
        'Correct it, or leave format out: a text is sent as text.',
      );
    throw error;
  }
}

/** Metrics, statistics and assets as JSON text, by name. */
function extrasOf(run: TrackedRun): Map<string, string> {
  const extras = new Map<string, string>();
  const { metrics, statistics, assets } = run;
  if (metrics !== undefined) extras.set('metrics', jsonDocument(metrics, 'metrics').text);
  if (statistics !== undefined) extras.set('statistics', statisticsText(statistics));
  if (assets !== undefined) extras.set('assets', jsonText(assets.map(completeAsset), 'assets'));
  return extras;
}

/** Those that come in their envelope are taken out of it: it is put around them again where they travel on their own. */
function statisticsText(statistics: object): string {
  const { text, names } = jsonDocument(statistics, 'statistics');
  if (names.size !== 1 || !names.has('statistics')) return text;
  return JSON.stringify((JSON.parse(text) as { readonly statistics: unknown }).statistics);
}

/** Beside an output that is not JSON: statistics and assets in an envelope of their own name, metrics without one. */
function separateBodies(extras: ReadonlyMap<string, string>): PreparedBody[] {
  return memberRoles.flatMap((role) => {
    const json = extras.get(role);
    if (json === undefined) return [];
    return [textBody(role, role === 'metrics' ? json : `{"${role}":${json}}`)];
  });
}

function textBody(role: Role, text: string): PreparedBody {
  const pieces: Piece[] = [{ kind: 'text', text }];
  return { ...bodyOf(role, pieces), read: () => textBytes(pieces) };
}

async function* textBytes(pieces: readonly Piece[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) if (piece.kind === 'text') yield await Promise.resolve(Buffer.from(piece.text));
}

/** A wish that the content cannot be is refused: it would not come back. */
function chosenFormat(role: string, is: ContentFormat, wish: ContentFormat | undefined): ContentFormat {
  if (wish === undefined || wish === is) return is;
  const isArchive = is === 'multi-file';
  if ((isArchive && wish === 'csv-archive') || (is === 'json' && wish === 'text')) return wish;
  throw badInput(
    `configuration.format.${role} says ${wish}, and the ${role} is ${is}`,
    'Leave the format out: it is told from the content.',
  );
}

async function realDirectory(role: string, path: string): Promise<string> {
  const real = await realpath(path);
  if (!(await lstat(real)).isDirectory())
    throw badInput(`${role}: ${path} is no directory`, `Give a file as ${role}FilePath.`);
  return real;
}

/** Trouble with the caller's files, with the path that the caller knows. */
function inWords(error: unknown, what: string, hint?: string): unknown {
  if (!(error instanceof Verdict)) return error;
  const { verdict } = error;
  if (verdict.kind === 'rejected') return badInput(`${what}: ${verdict.text}`, hint ?? verdict.hint);
  const isMoving = verdict.reason.includes('changed while');
  return isMoving
    ? sourceChanged(`${what}: ${verdict.reason}`)
    : badInput(`${what}: ${verdict.reason}`, correctIt);
}

export function sourceChanged(text: string): RuntrackdError {
  return new RuntrackdError({
    class: 'source-changed',
    text: `the run was not recorded, because ${text}`,
    hint: 'Track it again when nothing writes to it any more.',
    reach: 'run',
  });
}

/** Errors of the machine about the caller's own files become errors about the run. */
export function named(error: unknown): unknown {
  if (error instanceof SourceChanged) return sourceChanged(error.message);
  if (error instanceof SpoolTrouble)
    return noPlaceForArchive(
      `the archive of a directory cannot be kept (${error.code ?? error.message})`,
      error,
    );
  if (error instanceof RuntrackdError)
    return error.reason === 'no-room-for-archive' ? noPlaceForArchive(error.message, error.cause) : error;
  const code = errorCode(error);
  if (code === undefined || !(error instanceof Error)) return error;
  if (!/^E[A-Z0-9]+$/.test(code)) return error;
  return new RuntrackdError(
    {
      class: 'bad-input',
      text: `a file of the run cannot be read: ${error.message}`,
      hint: 'Check the path and its permissions.',
      reach: 'run',
    },
    { cause: error },
  );
}

/** The temporary directory is full, not there, or not for this user: the run is well. */
function noPlaceForArchive(text: string, cause: unknown): RuntrackdError {
  return new RuntrackdError(
    {
      class: 'machine-trouble',
      text,
      hint: 'Make room, or set temporaryDirectory of the client to a directory that has it and that this user may write.',
      reach: 'run',
    },
    { cause },
  );
}
