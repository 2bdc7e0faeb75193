/** The API key and signed URLs appear nowhere, also when everything that can go wrong goes wrong and says so loudly. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { expect, test as plainTest } from 'vitest';
import { program } from '../../src/cli/program.ts';
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
  const away = { kind: 'answer', status: 307, location: urlOfAnother, body: '', carriedOut: true } as const;
  faults.next({ kind: 'create', app }, away);
  faults.next({ kind: 'run', app }, { kind: 'answer', status: 502, body });
  faults.next({ kind: 'run', app }, away);
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

type Line = readonly string[];

/** What is typed of each command while the daemon runs; a command that is new has to be put in here. */
function linesWhileItRuns({
  configFile,
  dir,
  root,
  keyFile,
}: Scene): Readonly<Record<string, readonly Line[]>> {
  const c = ['-c', configFile];
  return {
    // The daemon is looked at itself; a second one is refused.
    run: [c],
    track: [
      [...c, join(root, 'one')],
      [...c, join(root, 'nowhere')],
    ],
    status: [c, [...c, '--json']],
    list: [
      [...c, '--limit', '0'],
      [...c, '--limit', '0', '--json'],
    ],
    show: [
      [...c, 'parked'],
      [...c, 'one', '--json'],
    ],
    explain: [['refused']],
    retry: [[...c, '--all', '--dry-run']],
    skip: [[...c, '--all', '--dry-run', '--json']],
    scan: [c, [...c, '--dry-run']],
    reload: [c, [...c, '--json']],
    backup: [[...c, join(dir, 'copy.db')]],
    // While a daemon runs it is refused.
    restore: [[...c, join(dir, 'copy.db')]],
    'check-config': [c],
    'systemd-unit': [[...c, '--install', '--dry-run'], c],
    'parse-log': [[join(root, 'one', 'run.log'), '--json']],
    doctor: [c, [...c, '--json']],
    init: [[dir, '--root', root, '--app', app, '--key-file', keyFile]],
    // It would listen until it is ended: the stand-in of this scene is one, in this process.
    platform: [['--no-such-option']],
    completion: [['bash']],
  };
}

/** What is typed when the daemon has ended. */
function linesWithoutDaemon({ configFile, root }: Scene): readonly Line[] {
  return [
    ['status', '-c', configFile],
    ['show', '-c', configFile, 'parked'],
    ['track', '-c', configFile, join(root, 'two')],
    ['run', '-c', configFile, '--once', '--wait-max', '1s'],
  ];
}

function cmdlineOf(pid: number): string {
  return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');
}

plainTest('every command that there is has a line here', async ({ onTestFinished }) => {
  const scene = await Scene.begin();
  onTestFinished(() => scene.end());
  const names = (await program()).commands.map((command) => command.name());
  expect(Object.keys(linesWhileItRuns(scene)).sort()).toEqual(names.filter((name) => name !== 'help').sort());
});

plainTest.concurrent.for([
  { name: 'short', key: 'sk-canary-0123' },
  // With this one every command is asked; the others are about what is kept and said by the daemon.
  { name: 'of usual length', key: 'canary.Key-With_24~chars', isEveryCommand: true },
  { name: 'long', key: `canary-${'0123456789abcdef'.repeat(6)}` },
])(
  'a key that is $name appears nowhere',
  { timeout: 400_000 },
  async ({ key, isEveryCommand = false }, { onTestFailed, onTestFinished }) => {
    const scene = await Scene.begin(key);
    onTestFinished(() => scene.end());
    onTestFailed(() => scene.tellAll());
    scene.configure(
      { log: { level: 'trace' }, http: { listen: '127.0.0.1:0' } },
      { allow_app_id: ['strict-app'] },
    );
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
    const said: [string, string][] = [[`/proc/${String(daemon.pid)}/cmdline`, cmdlineOf(daemon.pid)]];
    const every = Object.entries(linesWhileItRuns(scene));
    for (const [name, lines] of isEveryCommand ? every : every.filter(([name]) => name === 'status'))
      for (const line of lines) {
        const { stdout, stderr } = await scene.start([name, ...line]).end();
        said.push([[name, ...line].join(' '), stdout + stderr]);
      }
    const { http } = await daemon.status();
    for (const path of ['/metrics', '/healthz', '/readyz', '/'])
      said.push([path, await (await fetch(new URL(path, http ?? ''))).text()]);
    expect(problemIn(parked)?.reason.text).toContain('422');
    await daemon.stop();
    for (const line of isEveryCommand ? linesWithoutDaemon(scene) : []) {
      const { stdout, stderr } = await scene.start(line).end();
      said.push([line.join(' '), stdout + stderr]);
    }
    said.push(['the daemon’s stdout', daemon.stdout], ['the daemon’s stderr', daemon.stderr]);
    const copies = isEveryCommand ? [join(scene.dir, 'copy.db')] : [];
    for (const file of [...filesBelow(scene.stateDir), ...filesBelow(scene.root), ...copies])
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
  },
);

function around(text: string, canary: string): string {
  const at = text.indexOf(canary);
  return text.slice(Math.max(0, at - 120), at + canary.length + 20);
}
