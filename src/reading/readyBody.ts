/** A body that is ready to be sent: its length is known, and it can be read as often as it takes. */
import { mkdir, opendir } from 'node:fs/promises';
import prettyBytes from 'pretty-bytes';
import type { ArtefactFile, FolderContent } from '../core/content.ts';
import { RuntrackdError } from '../core/failure.ts';
import { errorCode, isSystemError, type HeldFile, type OpenFolder } from '../system/files.ts';
import { SpoolTrouble, spoolSelection, type Selection, type SpooledArchive } from './archive.ts';
import { archiveLimits, entriesMax, packedBytesMax } from './archiveLimits.ts';
import { Verdict } from './artefact.ts';
import type { Beat } from './beat.ts';
import {
  filesOf,
  readBody,
  SourceChanged,
  type ArchiveBody,
  type ArtefactBody,
  type FileOpener,
} from './bodies.ts';
import { ignoredBy, mapFiles, type Entry } from './mapping.ts';
import { entryOf } from './sightFolder.ts';

export interface ReadyBody {
  readonly bytes: number;
  readonly read: () => AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/**
 * @param content of the folder, as it was read when it was complete
 * @param spoolDir where an archive lies until it is closed; it is made if it is not there
 * @param beat told of everything that is read before the body is ready
 * @throws SourceChanged where the folder is not what it was; RuntrackdError where the archive finds no room, or cannot be made
 */
export async function readyBody(
  folder: OpenFolder,
  content: FolderContent,
  body: ArtefactBody | ArchiveBody,
  spoolDir: string,
  signal: AbortSignal,
  beat: Beat = () => undefined,
): Promise<ReadyBody> {
  if ('pieces' in body) return await heldBody(folder, body, signal, beat);
  const { name } = body.archive;
  try {
    const spooled = await spool(folder, content, body, spoolDir, signal, beat);
    return {
      bytes: spooled.bytes,
      read: () => readSpooled(spooled, name, spoolDir),
      close: () => spooled.close(),
    };
  } catch (error) {
    if (signal.aborted || error instanceof SourceChanged || error instanceof RuntrackdError) throw error;
    if (error instanceof SpoolTrouble) throw noRoom(name, spoolDir, error);
    // Refused or moved, now that it was neither before: it is another content.
    if (error instanceof Verdict) throw new SourceChanged(name, `is not what it was: ${error.message}`);
    const code = errorCode(error);
    if (code === undefined) throw error;
    if (isSystemError(error)) throw new SourceChanged(name, `cannot be read any more (${code})`);
    throw notMade(name, error);
  }
}

/**
 * Its files are opened, found to be what was recorded of them, and held: what is sent later comes from these and no
 * others. To check while sending would be too late, because the first bytes of another user's file would be gone. Its
 * links would not tell: the second one may be taken away between opening it and asking.
 */
async function heldBody(
  folder: OpenFolder,
  body: ArtefactBody,
  signal: AbortSignal,
  beat: Beat,
): Promise<ReadyBody> {
  const held = new Map<string, HeldFile>();
  const close = async (): Promise<void> => {
    for (const handle of held.values()) await handle.close();
  };
  try {
    for (const file of filesOf(body.pieces)) {
      const handle = await folder.openFile(file.name).catch((error: unknown) => {
        throw new SourceChanged(file.name, `cannot be opened any more (${String(error)})`);
      });
      held.set(file.name, handle);
      await checkWhole(handle, file, signal, beat);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    bytes: body.bytes,
    read: () =>
      readBody(
        openerOf((name) => held.get(name)),
        body,
      ),
    close,
  };
}

async function checkWhole(
  handle: HeldFile,
  file: ArtefactFile,
  signal: AbortSignal,
  beat: Beat,
): Promise<void> {
  const whole = { pieces: [{ kind: 'file', file, part: null, insert: null }] } as const;
  const chunks = readBody(
    openerOf(() => handle),
    whole,
  );
  while ((await chunks.next()).done !== true) {
    signal.throwIfAborted();
    beat();
  }
}

/** Files that are open already. They stay open: a body is read as often as it takes. */
function openerOf(handleOf: (name: string) => HeldFile | undefined): FileOpener {
  return {
    openFile: (name) => {
      const handle = handleOf(name);
      if (handle === undefined) throw new Error(`${name} is no file of the body`);
      const [stat, read] = [handle.stat.bind(handle), handle.read.bind(handle)];
      return Promise.resolve({ stat, read, close: () => Promise.resolve() });
    },
  };
}

async function spool(
  folder: OpenFolder,
  content: FolderContent,
  { role, archive }: ArchiveBody,
  spoolDir: string,
  signal: AbortSignal,
  beat: Beat,
): Promise<SpooledArchive> {
  const selection = await selectionOf(folder, content, role);
  if (selection?.base !== archive.archive.base)
    throw new SourceChanged(archive.name, 'is not there any more');
  await mkdir(spoolDir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new SpoolTrouble(error);
  });
  // More than it had is another content, of which nothing has to be packed.
  const limits = {
    ...archiveLimits,
    filesMax: archive.archive.files,
    unpackedBytesMax: archive.bytes,
  };
  const spooled = await spoolSelection(folder, selection, spoolDir, limits, signal, beat);
  if (spooled.membersSha256 === archive.sha256 && spooled.bytes <= packedBytesMax) return spooled;
  await spooled.close();
  if (spooled.membersSha256 === archive.sha256) throw tooLarge(archive.name, spooled.bytes);
  throw new SourceChanged(archive.name, 'has changed since it was found complete');
}

async function* readSpooled(spooled: SpooledArchive, name: string, spoolDir: string): AsyncGenerator<Buffer> {
  try {
    yield* spooled.read();
  } catch (error) {
    throw error instanceof SpoolTrouble ? noRoom(name, spoolDir, error) : error;
  }
}

/** What of the folder the archive has, by the mapping that was in force then. */
async function selectionOf(
  folder: OpenFolder,
  { mapping }: FolderContent,
  role: ArchiveBody['role'],
): Promise<Selection | undefined> {
  if (mapping === undefined) throw new Error('a run with an archive has the mapping that found it');
  const entries: Entry[] = [];
  for await (const entry of await opendir(folder.pathOf('.'), { bufferSize: 256 })) {
    entries.push(entryOf(entry));
    if (entries.length > entriesMax) throw new SourceChanged('the folder', 'has far more files now');
  }
  const { archives } = mapFiles(entries, mapping, ignoredBy(mapping));
  return archives.find((archive) => archive.role === role);
}

/** Nobody's run is at fault: it waits for room, and what needs none goes on. */
function noRoom(name: string, spoolDir: string, trouble: SpoolTrouble): RuntrackdError {
  return new RuntrackdError(
    {
      class: 'no-room-for-archive',
      text: `the archive of ${name} cannot be kept in ${spoolDir} (${trouble.code ?? trouble.message})`,
      hint: `Make room on the disk of ${spoolDir}, or let the daemon write there; it is tried again until it works.`,
      reach: 'storage',
    },
    { cause: trouble },
  );
}

/** The folder is what it was, and would be found to be so at every scan: only a person ends that. */
function notMade(name: string, error: unknown): RuntrackdError {
  return new RuntrackdError(
    {
      class: 'archive-not-made',
      text: `${name} cannot be packed (${error instanceof Error ? error.message : String(error)})`,
      hint: 'Give what it names another name, or leave it out (files.input, files.output), then `runtrackd retry` it.',
      reach: 'run',
    },
    { cause: error },
  );
}

function tooLarge(name: string, bytes: number): RuntrackdError {
  return new RuntrackdError({
    class: 'archive-too-large',
    text: `the archive of ${name} has ${prettyBytes(bytes)}, more than the ${prettyBytes(packedBytesMax)} that the platform takes`,
    hint: 'Leave out what the run does not need (files.input, files.output), then `runtrackd retry` it.',
    reach: 'run',
  });
}
