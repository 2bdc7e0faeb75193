/** The API key and signed URLs appear nowhere, also when everything that can go wrong goes wrong and says so loudly. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { expect, test as plainTest } from 'vitest';
import type { Misbehaviour, SeenRequest } from '../../src/standin/faults.ts';
import { SignedUrls } from '../../src/standin/signing.ts';
import { plan } from './folders.ts';
import { Scene } from './scene.ts';
import { until } from './waiting.ts';

interface Fault {
  readonly kind: SeenRequest['kind'];
  readonly fault: Misbehaviour;
}

/** Bodies that a careless server or a proxy might send back. */
function echoes(key: string, url: string): string[] {
  return [
    `{"message":"bad header Authorization: Bearer ${key}"}`,
    `{"message":"the key ${key} is not known"}`,
    `{"authorization":"bearer  ${key}"}`,
    `<html>${Buffer.from(key).toString('base64')} ${encodeURIComponent(key)} ${key}</html>`,
    `<Error><Code>AccessDenied</Code><Resource>${url}</Resource></Error>`,
    `moved to ${url.replace('?', '?X-Amz-Credential=x&')}`,
    'x'.repeat(490) + key,
  ];
}

const urlOfAnother = 'https://storage.example.com/a/b?X-Amz-Signature=0123abcdefghij&expires=9';

function everyFault(key: string): Fault[] {
  const kinds = ['uploadurl', 'put', 'create', 'run', 'list', 'application'] as const;
  const bodies = echoes(key, urlOfAnother);
  const answers = [401, 403, 500, 400, 200, 503, 307].flatMap((status, index) => {
    const body = bodies[index % bodies.length] ?? '';
    return [{ kind: 'answer', status, body } as const];
  });
  const cuts: Misbehaviour[] = [
    { kind: 'drop', when: 'before' },
    { kind: 'drop', when: 'midway' },
  ];
  return kinds.flatMap((kind) => [...answers, ...cuts].map((fault) => ({ kind, fault })));
}

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
    const secret = db.prepare<[], string>("select value from setting where name = 'secret'").pluck().get() ?? '';
    const urls = new SignedUrls(secret, () => scene.standIn.endpoint);
    const uploads = db.prepare<[], { id: string; at: number }>('select id, expires_at_ms as at from upload').all();
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
  scene.configure({ log: { level: 'trace' } });
  for (const { kind, fault } of everyFault(key)) scene.faults.next({ kind }, fault);
  const daemon = await scene.daemon();
  const names = Array.from({ length: 12 }, (_, index) => `run-${index}`);
  for (const name of names) scene.drop(name, { ...plan(name), 'run.log': 'a log' });
  scene.drop('text', { 'input.txt': 'in', 'output.txt': 'out', 'meta.json': { status: 'succeeded' } });
  await until('every run to have met its fate so far', async () => {
    const { counts } = await daemon.status();
    return scene.faults.pending < 20 || (counts.queued ?? 0) + (counts.uploaded ?? 0) + (counts.tracked ?? 0) === 0;
  });
  const commands = [
    ['status'],
    ['status', '--json'],
    ['list', '--limit', '0'],
    ['list', '--json', '--limit', '0'],
    ['show', '#1'],
    ['show', '#2', '--json'],
    ['retry', '--all', '--dry-run'],
    ['check-config'],
  ];
  const said: [string, string][] = [];
  for (const [name = '', ...rest] of commands) {
    const { stdout, stderr } = await scene.command(name, ...rest);
    said.push([[name, ...rest].join(' '), stdout + stderr]);
  }
  scene.calm();
  await scene.command('retry', '--all');
  await scene.result('text');
  await daemon.stop();
  said.push(['the daemon’s stdout', daemon.stdout], ['the daemon’s stderr', daemon.stderr]);
  for (const file of [...filesBelow(scene.stateDir), ...filesBelow(scene.root)])
    said.push([file, readFileSync(file, 'latin1')]);

  const signatures = signaturesOf(scene);
  expect(signatures.length).toBeGreaterThan(names.length);
  expect(daemon.stdout).toContain('"level":"error"');
  const canaries = [key, ...signatures, '0123abcdefghij', 'signature=', 'Signature='];
  const found = said.flatMap(([where, text]) =>
    canaries.filter((canary) => text.includes(canary)).map((canary) => `${canary} in ${where}: ${around(text, canary)}`),
  );
  expect(found).toEqual([]);
});

function around(text: string, canary: string): string {
  const at = text.indexOf(canary);
  return text.slice(Math.max(0, at - 120), at + canary.length + 20);
}
