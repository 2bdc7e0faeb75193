/** A stand-in of its own, a client that is not patient, and what was asked of the one by the other. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import SQLite from 'better-sqlite3';
import { Header, Parser, Pax } from 'tar';
import { onTestFinished } from 'vitest';
import {
  Application,
  Client,
  RuntrackdError,
  type ClientOptions,
  type ContentFormat,
} from '../../src/index.ts';
import type { RequestKind } from '../../src/standin/requestKind.ts';
import { startStandIn, type StandIn, type StandInOptions } from '../../src/standin/standin.ts';

export const app = 'hare-app';
export const key = 'some-key';

/** A run as the stand-in keeps it: the request that made it, and the bytes of each artefact. */
export interface Recorded {
  readonly id: string;
  readonly instance: string;
  readonly name: string;
  readonly description: string;
  readonly request: Readonly<Record<string, unknown>> & {
    readonly result: Readonly<Record<string, unknown>>;
  };
  readonly files: Readonly<Partial<Record<string, Buffer>>>;
}

export interface Place {
  readonly standIn: StandIn;
  readonly client: Client;
  readonly application: Application;
  /** The kinds of all requests since the beginning, or since `forget`. */
  asked(): RequestKind[];
  count(...kinds: RequestKind[]): number;
  forget(): void;
  /** Every run that is kept, in the order in which they were made. */
  runs(): Recorded[];
  recorded(runId: string): Recorded;
  /** The only run. */
  only(): Recorded;
}

export async function begun(
  options: Partial<ClientOptions> = {},
  standInOptions: Partial<StandInOptions> = {},
): Promise<Place> {
  const dataDir = temporaryFolder();
  const standIn = await startStandIn({ port: 0, apps: null, apiKey: null, ...standInOptions, dataDir });
  // Waits of a millisecond: what is tested is whether something is asked again, not when.
  const client = new Client({ apiKey: key, endpoint: standIn.endpoint, retry: { delay: 0.001 }, ...options });
  onTestFinished(async () => {
    await client.close();
    await standIn.close();
  });
  const seen: RequestKind[] = [];
  standIn.faults.onRequest = ({ kind, phase }) => {
    if (phase === 'received') seen.push(kind);
  };
  const runs = () => runsOf(dataDir);
  return {
    standIn,
    client,
    application: new Application({ client, id: app }),
    asked: () => [...seen],
    count: (...kinds) => seen.filter((kind) => kinds.includes(kind)).length,
    forget: () => void seen.splice(0),
    runs,
    recorded: (runId) => found(runs().find(({ id }) => id === runId)),
    only: () => {
      if (runs().length !== 1) throw new Error(`there are ${runs().length} runs`);
      return found(runs()[0]);
    },
  };
}

function runsOf(dataDir: string): Recorded[] {
  const db = new SQLite(join(dataDir, 'stand-in.db'), { readonly: true });
  try {
    const rows = db
      .prepare<[], Record<'id' | 'instance' | 'name' | 'description' | 'request' | 'files', string>>(
        'select id, instance, name, description, request, files from run order by seq',
      )
      .all();
    return rows.map(({ request, files, ...row }) => ({
      ...row,
      request: JSON.parse(request) as Recorded['request'],
      files: Object.fromEntries(
        Object.entries(JSON.parse(files) as Record<string, { name: string }>).map(([role, { name }]) => [
          role,
          readFileSync(join(dataDir, 'uploads', name)),
        ]),
      ),
    }));
  } finally {
    db.close();
  }
}

/** Bytes as text, for expectations that read like documents. */
export function textsOf({ files }: Recorded): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([role, bytes]) => [role, String(bytes)]));
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'library-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export type Files = Readonly<Record<string, string | Buffer>>;

/** @returns the path of a directory with these files in it, by their paths */
export function directoryWith(files: Files): string {
  const folder = temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

export function fileWith(content: string | Buffer, name = 'document.json'): string {
  return join(directoryWith({ [name]: content }), name);
}

export function makePipe(path: string): void {
  execFileSync('mkfifo', [path]);
}

/** The paths of what this process has open. */
export function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    const path = join('/proc/self/fd', fd);
    return existsSync(path) ? [readlinkSync(path)] : [];
  });
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => {
      throw new Error(`it was not rejected, and gave ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}

/** The library throws no other errors than its own. */
export async function failure(promise: Promise<unknown>): Promise<RuntrackdError> {
  const error = await rejection(promise);
  if (error instanceof RuntrackdError) return error;
  throw error;
}

/** An archive's members by path. */
export async function membersOf(archive: Buffer | undefined): Promise<Record<string, string>> {
  const members: Record<string, string> = {};
  await new Promise<void>((resolve, reject) => {
    const parser = new Parser({
      strict: true,
      onReadEntry: (entry) => {
        const chunks: Buffer[] = [];
        entry.on('data', (chunk: Buffer) => chunks.push(chunk));
        entry.on('end', () => (members[entry.path] = Buffer.concat(chunks).toString()));
      },
    });
    parser.on('end', resolve).on('error', reject);
    parser.end(gunzipSync(found(archive)));
  });
  return members;
}

export interface Member {
  readonly path: string;
  readonly type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'FIFO' | 'CharacterDevice';
  readonly content?: string | Buffer;
  readonly linkpath?: string;
  readonly mode?: number;
  /** What the header says, where it is a lie. */
  readonly size?: number;
}

/** An archive byte by byte, so that it can say what no honest packer says. */
export function archiveOf(members: readonly Member[]): Buffer {
  return gzipSync(tarOf(members));
}

export function tarOf(members: readonly Member[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { path, type = 'File', content = '', linkpath, mode = 0o644, size } of members) {
    const bytes = Buffer.from(content);
    const header = new Header({
      path,
      mode,
      type,
      size: size ?? bytes.length,
      mtime: new Date(0),
      ...(linkpath === undefined ? {} : { linkpath }),
    });
    const block = Buffer.alloc(512);
    if (header.encode(block)) blocks.push(new Pax({ path }).encode());
    blocks.push(block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not there');
  return value;
}

/** A run as another client makes it, with whatever bytes and whatever is said of them. */
export async function foreignRun(
  { client }: Place,
  {
    input = '{}',
    output,
    inputFormat = 'json',
    outputFormat = 'json',
    status = 'succeeded',
  }: {
    readonly input?: string | Buffer;
    readonly output?: string | Buffer;
    readonly inputFormat?: ContentFormat;
    readonly outputFormat?: ContentFormat;
    readonly status?: 'succeeded' | 'failed';
  },
): Promise<string> {
  const { signal } = new AbortController();
  const upload = async (content: string | Buffer): Promise<string> => {
    const ticket = await client.platform.createUpload(app, signal);
    const bytes = Buffer.from(content);
    await client.platform.putUpload(ticket, Readable.from([bytes]), bytes.length, signal);
    return ticket.uploadId;
  };
  const body = {
    upload_id: await upload(input),
    configuration: { format: { input: { type: inputFormat }, output: { type: outputFormat } } },
    result: { status, ...(output === undefined ? {} : { output_upload_id: await upload(output) }) },
  };
  const made = await client.platform.createRun(app, null, body, signal);
  if (made.kind !== 'made') throw new Error(made.failure.text);
  return made.runId;
}
