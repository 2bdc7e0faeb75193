/** The API key and signed URLs appear nowhere, also when everything that can go wrong goes wrong and says so loudly. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { expect, test as plainTest } from 'vitest';
import { SignedUrls } from '../../src/standin/signing.ts';
import { plan, problemIn } from './folders.ts';
import { app, Scene } from './scene.ts';
import { until } from './waiting.ts';

/** What a careless server or a proxy sends back, for everything that is asked on the way of a run. */
function careless(scene: Scene, key: string): void {
  const { faults } = scene;
  const body = `Authorization: Bearer ${key}; the key ${key} is not known`;
  const xml = `<Error><Code>AccessDenied</Code><Resource>${urlOfAnother}</Resource><Key>${key}</Key></Error>`;
  faults.next({ kind: 'uploadurl' }, { kind: 'answer', status: 400, body });
  faults.next({ kind: 'uploadurl' }, { kind: 'answer', status: 401, body });
  faults.next({ kind: 'uploadurl', skip: 2 }, { kind: 'answer', status: 200, body });
  faults.next({ kind: 'put' }, { kind: 'answer', status: 403, body: xml });
  faults.next({ kind: 'put', skip: 2 }, { kind: 'drop', when: 'midway' });
  faults.next({ kind: 'create', app }, { kind: 'answer', status: 500, body, carriedOut: true });
  faults.next({ kind: 'create', app }, { kind: 'drop', when: 'midway' });
  faults.next({ kind: 'run', app }, { kind: 'answer', status: 502, body });
  faults.next({ kind: 'list', app }, { kind: 'answer', status: 400, body });
  faults.always(
    { kind: 'create', app: 'strict-app' },
    { kind: 'answer', status: 422, body: `${body} ${xml}` },
  );
}

const urlOfAnother = 'https://storage.example.com/a/b?X-Amz-Signature=0123abcdefghij&expires=9';

/** Every file below, but those of the stand-in, which is not ours. */
function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The signatures of all uploads that the stand-in gave out. */
function signaturesOf(scene: Scene): string[] {
  const db = new SQLite(join(scene.dir, 'platform', 'stand-in.db'), { readonly: true });
  try {
    const secret =
      db.prepare<[], string>("select value from setting where name = 'secret'").pluck().get() ?? '';
    const urls = new SignedUrls(secret, () => scene.standIn.endpoint);
    const uploads = db
      .prepare<[], { id: string; at: number }>('select id, expires_at_ms as at from upload')
      .all();
    return uploads.map(({ id, at }) => new URL(urls.forUpload(id, at)).searchParams.get('signature') ?? '');
  } finally {
    db.close();
  }
}

plainTest.concurrent.for([
  { name: 'short', key: 'sk-canary-0123' },
  { name: 'of usual length', key: 'canary.Key-With_24~chars' },
  { name: 'long', key: `canary-${'0123456789abcdef'.repeat(6)}` },
])('a key that is $name appears nowhere', async ({ key }, { onTestFailed, onTestFinished }) => {
  const scene = await Scene.begin(key);
  onTestFinished(() => scene.end());
  onTestFailed(() => scene.tellAll());
  scene.configure({ log: { level: 'trace' } }, { allow_app_id: ['strict-app'] });
  careless(scene, key);
  const daemon = await scene.daemon();
  const parked = scene.drop('parked', plan('parked', { app_id: 'strict-app' }));
  for (const name of ['one', 'two', 'three']) scene.drop(name, { ...plan(name), 'run.log': 'a log' });
  scene.drop('text', { 'input.txt': 'in', 'output.txt': 'out', 'meta.json': { status: 'succeeded' } });
  // Pauses come one after the other here.
  const everyFate = async (): Promise<boolean> => {
    const { counts } = await daemon.status();
    return counts.recorded === 4 && counts.parked === 1;
  };
  await until('every run to be parked or recorded', everyFate, 45_000);
  const commands = [
    ['status'],
    ['status', '--json'],
    ['list', '--limit', '0'],
    ['list', '--json', '--limit', '0'],
    ['show', 'parked'],
    ['show', 'one', '--json'],
    ['retry', '--all', '--dry-run'],
    ['check-config'],
  ];
  const said: [string, string][] = [];
  for (const [name = '', ...rest] of commands) {
    const { stdout, stderr } = await scene.command(name, ...rest);
    said.push([[name, ...rest].join(' '), stdout + stderr]);
  }
  expect(problemIn(parked)?.reason.text).toContain('422');
  await daemon.stop();
  said.push(['the daemon’s stdout', daemon.stdout], ['the daemon’s stderr', daemon.stderr]);
  for (const file of [...filesBelow(scene.stateDir), ...filesBelow(scene.root)])
    said.push([file, readFileSync(file, 'latin1')]);

  const signatures = signaturesOf(scene);
  expect(signatures.length).toBeGreaterThan(10);
  expect(daemon.stdout).toContain('"level":"error"');
  const canaries = [key, ...signatures, '0123abcdefghij', 'signature=', 'Signature='];
  const found = said.flatMap(([where, text]) =>
    canaries
      .filter((canary) => text.includes(canary))
      .map((canary) => `${canary} in ${where}: ${around(text, canary)}`),
  );
  expect(found).toEqual([]);
});

function around(text: string, canary: string): string {
  const at = text.indexOf(canary);
  return text.slice(Math.max(0, at - 120), at + canary.length + 20);
}
