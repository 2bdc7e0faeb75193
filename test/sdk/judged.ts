/** A stand-in for the SDK to judge, and what it recorded: from outside, over its API, to the byte. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { extract } from 'tar';
import { test } from 'vitest';
import type { RequestKind } from '../../src/standin/requestKind.ts';
import type { StandInOptions } from '../../src/standin/standin.ts';
import { started, temporaryFolder, type Client, type Finish } from '../standin/harness.ts';
import { sayIfSkipped, whyNoSdk, type Target } from './python.ts';

export { app } from '../standin/harness.ts';

export interface Judged {
  readonly client: Client;
  readonly target: Target;
  /** How many requests of each kind came, since the start or the last `forget`. */
  readonly counts: () => Partial<Record<RequestKind, number>>;
  readonly forget: () => void;
}

interface Fixtures {
  /** Starts a stand-in that ends with the test. */
  readonly judged: (options?: Partial<StandInOptions>) => Promise<Judged>;
  /** Makes a folder that goes with the test. */
  readonly folder: () => string;
}

sayIfSkipped();

const withScene = test.extend<Fixtures>({
  judged: async ({ onTestFinished }, use) => {
    await use((options) => startJudged(options ?? {}, onTestFinished));
  },
  folder: async ({ onTestFinished }, use) => {
    await use(() => temporaryFolder(onTestFinished));
  },
});

/** A test that needs the SDK; where there is none it is skipped. */
export const sdkTest = withScene.skipIf(whyNoSdk !== null);

async function startJudged(options: Partial<StandInOptions>, finish: Finish): Promise<Judged> {
  const client = await started(options, finish);
  const { endpoint, certificateFile } = client.standIn;
  let counts: Partial<Record<RequestKind, number>> = {};
  client.standIn.faults.onRequest = ({ kind, phase }) => {
    if (phase === 'received') counts[kind] = (counts[kind] ?? 0) + 1;
  };
  return {
    client,
    target: { endpoint, apiKey: options.apiKey ?? 'some-key', certificateFile },
    counts: () => counts,
    forget: () => (counts = {}),
  };
}

export interface Recorded {
  readonly name: string;
  readonly description: string;
  readonly metadata: Record<string, unknown>;
  /** Null: there is none. */
  readonly input: Buffer | null;
  readonly output: Buffer | null;
  readonly logs: string;
}

/** A run as the stand-in has it. */
export async function recorded({ client }: Judged, runId: string): Promise<Recorded> {
  const { json } = await client.call('GET', `/runs/${runId}/metadata`);
  return {
    name: String(json['name']),
    description: String(json['description']),
    metadata: json['metadata'] as Record<string, unknown>,
    input: await bytesOf(client, `/runs/${runId}/input?format=url`),
    output: await bytesOf(client, `/runs/${runId}/output?format=url`),
    logs: String((await client.call('GET', `/runs/${runId}/logs`)).json['log']),
  };
}

/** Of all runs of the app, the newest first. */
export async function recordedIds({ client }: Judged): Promise<string[]> {
  const { json } = await client.call('GET', '/runs');
  return (json['runs'] as { id: string }[]).map(({ id }) => id);
}

async function bytesOf(client: Client, path: string): Promise<Buffer | null> {
  const answer = await client.call('GET', path);
  if (answer.status === 404) return null;
  return await client.fetchBytes(String(answer.json['url']));
}

/** Files by their way below a folder, as text in Latin-1 so that every byte counts. */
export type Files = Readonly<Record<string, string>>;

export function writeFiles(folder: string, files: Files): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content, 'latin1');
  }
  return folder;
}

export function readFiles(folder: string): Files {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(join(folder, name)).isFile()).toSorted();
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}

/** What is in a `.tar.gz`, which is unpacked in a folder of its own. */
export async function filesIn(archive: Buffer | null, folder: string): Promise<Files> {
  const file = join(folder, 'archive.tar.gz');
  writeFileSync(file, archive ?? '');
  const cwd = join(folder, 'files');
  mkdirSync(cwd);
  await extract({ file, cwd });
  return readFiles(cwd);
}
