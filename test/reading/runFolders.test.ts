/** Small folders are read in threads, and it makes no difference but who waits. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test as plainTest } from 'vitest';
import { rootForOutside, rulesOf } from '../../src/intake/rules.ts';
import { artefactBodies, SourceChanged, type ArtefactBody } from '../../src/reading/bodies.ts';
import { readFolder } from '../../src/reading/readFolder.ts';
import { RunFolders, type Patience } from '../../src/reading/runFolders.ts';
import { sightFolder } from '../../src/reading/sightFolder.ts';
import { isSmall } from '../../src/reading/smallBody.ts';
import { quietLog } from '../../src/system/log.ts';
import { isUnshareable, mountShared } from '../journey/mounts.ts';
import { until } from '../journey/waiting.ts';
import { contentOf, folderWith, seed, temporaryFolder } from './folder.ts';

const rules = rulesOf(rootForOutside('hare-app'));
const root = '/somewhere';
const noArchive = {
  role: 'input',
  name: 'input/',
  base: 'input/',
  place: 'input',
  files: 0,
  bytes: 0,
  digest: '',
  filesDigest: '',
  mark: '',
  writtenMs: 0,
} as const;

const test = plainTest.extend<{ begin: (patience?: Patience) => RunFolders }>({
  // eslint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
  begin: async ({}, use) => {
    const begun: RunFolders[] = [];
    await use((patience) => {
      const folders = new RunFolders(quietLog(), patience);
      begun.push(folders);
      return folders;
    });
    for (const folders of begun) await folders.close();
  },
});

async function bodiesOf(path: string): Promise<ArtefactBody[]> {
  return artefactBodies(await contentOf(path), '').filter(isSmall);
}

test.for([
  { name: 'a small folder', files: seed },
  {
    name: 'one with a log and statistics',
    files: { ...seed, 'run.log': 'log', 'statistics.json': '{"a":1}' },
  },
  { name: 'one that is too large for a thread', files: { ...seed, 'run.log': 'x'.repeat(300_000) } },
  {
    name: 'one with an archive',
    files: { 'input/a.csv': '1', 'output.json': '{}', 'meta.json': seed['meta.json'] ?? '' },
  },
  { name: 'one that does not parse', files: { ...seed, 'output.json': '{' } },
  { name: 'one that is refused', files: { ...seed, 'meta.json': '{"status":"odd","duration":1}' } },
])('$name is seen and read like here', async ({ files }, { begin }) => {
  const folders = begin();
  const path = folderWith(files);
  const sight = await sightFolder(path, rules.sight);
  if (sight === null) throw new Error('it is not there');
  expect(await folders.look(root, path, rules)).toEqual(sight);
  const { read } = await folders.read(root, path, sight, rules);
  expect(read).toEqual(await readFolder(path, sight, rules.reading));
});

test('a folder that is not there is none', async ({ begin }) => {
  expect(await begin().look(root, join(temporaryFolder(), 'nothing'), rules)).toBeNull();
});

test('each look goes by its own rules, also after more of them than a thread remembers', async ({
  begin,
}) => {
  const folders = begin();
  const path = folderWith(seed);
  const markers = Array.from({ length: 250 }, (_, n) => `DONE-${n}`);
  const ruled = markers.map((marker) => ({ ...rules, sight: { ...rules.sight, marker } }));
  const missing = () =>
    Promise.all(
      ruled.map(async (one) => (await folders.look(root, path, one))?.sighting.missingMarker ?? null),
    );
  expect(await missing()).toEqual(markers);
  expect(await missing()).toEqual(markers);
  expect(await folders.look(root, path, rules)).toEqual(await sightFolder(path, rules.sight));
});

test('what is held are the bytes that were recorded', async ({ begin }) => {
  const path = folderWith({ ...seed, 'statistics.json': '{"run":{"duration":1}}' });
  const bodies = await bodiesOf(path);
  const held = await begin().hold(root, path, bodies);
  expect(held.map((bytes) => Buffer.from(bytes).toString())).toEqual([
    seed['input.json'],
    '{"solution":{"sample":"output"},"statistics":{"run":{"duration":1}}}',
  ]);
});

test('of a file that has changed nothing is held, and it is named', async ({ begin }) => {
  const path = folderWith(seed);
  const bodies = await bodiesOf(path);
  writeFileSync(join(path, 'input.json'), '{"sample":"INPUT"}');
  const folders = begin();
  await expect(folders.hold(root, path, bodies)).rejects.toThrow(SourceChanged);
  await expect(folders.hold(root, path, bodies)).rejects.toThrow('input.json changed while it was uploaded');
});

test('a folder that has gone is told by the system’s own error', async ({ begin }) => {
  const path = folderWith(seed);
  const bodies = await bodiesOf(path);
  await expect(begin().hold(root, `${path}-gone`, bodies)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a text is put whole, with its mode, and what it replaces goes', async ({ begin }) => {
  const path = folderWith({ 'nextmv-problem.json': '{}' });
  const { gid } = statSync(path);
  const file = {
    name: 'nextmv-result.json',
    text: '{"id":"r"}',
    mode: 0o640,
    gid,
    replaces: 'nextmv-problem.json',
  };
  await begin().put(root, path, file);
  expect(readFileSync(join(path, file.name), 'utf8')).toBe(file.text);
  expect(statSync(join(path, file.name)).mode & 0o777).toBe(0o640);
  expect(existsSync(join(path, file.replaces))).toBe(false);
});

test('through a link on the way from the drop root nothing is listed, looked at, read or written', async ({
  begin,
}) => {
  const folders = begin();
  const path = folderWith(seed);
  const [sight, bodies] = [await sightFolder(path, rules.sight), await bodiesOf(path)];
  if (sight === null) throw new Error('it is not there');
  const above = temporaryFolder();
  symlinkSync(dirname(path), join(above, 'day'));
  const linked = join(above, 'day', basename(path));
  expect(await folders.look(above, linked, rules)).toBeNull();
  const large = { ...sight, archives: [{ ...noArchive, entries: [] }] };
  for (const seen of [sight, large])
    expect((await folders.read(above, linked, seen, rules)).read).toEqual({
      kind: 'notYet',
      reason: 'the folder changed while it was read',
      isMendedUnseen: true,
    });
  const notThere = { code: 'ENOTDIR' };
  await expect(folders.names(above, dirname(linked), null)).rejects.toMatchObject(notThere);
  await expect(folders.hold(above, linked, bodies)).rejects.toMatchObject(notThere);
  const file = { name: 'nextmv-result.json', text: '{}', mode: 0o640, gid: 0, replaces: 'input.json' };
  await expect(folders.put(above, linked, file)).rejects.toMatchObject(notThere);
  expect(readdirSync(path).sort()).toEqual(Object.keys(seed).sort());
});

test('a link is followed to a directory, in the root or out of it, and to nothing else', async ({
  begin,
}) => {
  const folders = begin();
  const [above, outside] = [temporaryFolder(), temporaryFolder()];
  mkdirSync(join(above, 'day/plan'), { recursive: true });
  writeFileSync(join(above, 'file'), '');
  // The root may be a link itself.
  const linkedRoot = join(outside, 'root');
  symlinkSync(above, linkedRoot);
  const follow = async (to: string): Promise<string | null> => {
    const link = join(above, `link-${to.replaceAll('/', '-')}`);
    symlinkSync(to, link);
    return await folders.follow(linkedRoot, link);
  };
  expect(await follow('day/plan')).toBe('day/plan');
  expect(await follow(join(linkedRoot, 'day'))).toBe('day');
  expect(await follow('.')).toBe('');
  expect(await follow(outside)).toBeNull();
  await expect(follow('file')).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(follow('nothing')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(follow('link-itself')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a link that leads to what does not answer does not take its root with it', async ({ begin }) => {
  // So impatient that a thread which only begins is taken for one that hangs.
  const folders = begin({ tickMs: 1, silentTicks: 2 });
  const above = temporaryFolder();
  symlinkSync('/etc', join(above, 'link'));
  const silent = { code: 'ETIMEDOUT' };
  await expect(folders.follow(above, join(above, 'link'))).rejects.toMatchObject(silent);
  expect(folders.trouble(above)).toBeNull();
  // Nor is it waited for again, nor another link beside it.
  await expect(folders.follow(above, join(above, 'other'))).rejects.toMatchObject(silent);
});

test('a root that does not answer is left alone until it does', async ({ begin }) => {
  // Far more impatient than usual: what takes long enough here is a directory with many files.
  const folders = begin({ tickMs: 1, silentTicks: 2 });
  const path = folderWith(seed);
  const large = join(path, 'input');
  mkdirSync(large);
  for (let n = 0; n < 8_000; n += 1) writeFileSync(join(large, String(n)), '');
  const usual = rulesOf({
    ...rootForOutside('hare-app'),
    files: { ...rules.sight.names, input: ['input/'] },
  });
  await expect(folders.look('/slow', path, usual)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  expect(folders.trouble('/slow')).toContain('does not answer');
  await expect(folders.look('/slow', path, usual)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  expect(folders.trouble('/other')).toBeNull();
  await until('the root to answer again', () => folders.trouble('/slow') === null);
});

/** Looks at a folder with many files, less patient than that takes, and says what came of it. */
const lookSlowly = `
  import { rootForOutside, rulesOf } from './dist/intake/rules.js';
  import { RunFolders } from './dist/reading/runFolders.js';
  import { quietLog } from './dist/system/log.js';
  const [root, path] = process.argv.slice(1);
  const usual = rootForOutside('hare-app');
  const rules = rulesOf({ ...usual, files: { ...usual.files, input: ['input/'] } });
  const folders = new RunFolders(quietLog(), { tickMs: 100, silentTicks: 30 });
  // A thread takes a while to begin.
  await folders.mark(root);
  const beganMs = performance.now();
  const sight = await folders.look(root, path, rules).catch((error) => error);
  const lookedMs = performance.now() - beganMs;
  console.log(JSON.stringify({ files: sight.archives?.[0].files, error: sight.code, isSlow: lookedMs > 4_000 }));
  process.exit();
`;
const isUntraceable = spawnSync('strace', ['-o', '/dev/null', '/bin/true']).status !== 0;

test.skipIf(isUntraceable)(
  'a folder whose disk is slow is looked at to its end',
  async () => {
    const path = folderWith({ 'meta.json': '{}' });
    mkdirSync(join(path, 'input'));
    const count = 1_200;
    for (let n = 0; n < count; n += 1) writeFileSync(join(path, 'input', String(n)), '');
    // Each question takes 4 ms, as over a wide network.
    const slowly = ['-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-e', 'inject=statx:delay_enter=4000'];
    const node = [process.execPath, '--input-type=module', '-e', lookSlowly, dirname(path), path];
    const { stdout } = await promisify(execFile)('strace', [...slowly, ...node], { timeout: 60_000 });
    expect(JSON.parse(stdout)).toEqual({ files: count, isSlow: true });
  },
  70_000,
);

/** In a process with as many threads for files as the unit gives the service: says whose large folder was read first. */
const firstOf = `
  import { rootForOutside, rulesOf } from './dist/intake/rules.js';
  import { RunFolders } from './dist/reading/runFolders.js';
  import { quietLog } from './dist/system/log.js';
  const [share, own, ...names] = process.argv.slice(1);
  const rules = rulesOf(rootForOutside('hare-app'));
  const folders = new RunFolders(quietLog());
  const sights = await Promise.all(names.map((name) => folders.look(share, share + '/' + name, rules)));
  const sight = await folders.look(own, own + '/run', rules);
  const slow = names.map((name, n) => folders.read(share, share + '/' + name, sights[n], rules).catch((error) => error));
  const { read } = await Promise.race([folders.read(own, own + '/run', sight, rules), ...slow]);
  console.log(read.kind);
  process.kill(process.pid, 'SIGKILL');
`;

test.skipIf(isUnshareable)(
  'large folders on a share that hangs keep no large one of another root waiting',
  async ({ onTestFinished }) => {
    const dir = temporaryFolder();
    const [share, own, elsewhere] = [join(dir, 'share'), join(dir, 'own'), join(dir, 'elsewhere')];
    const large = { ...seed, 'input.json': `{"rows":"${'x'.repeat(1024 * 1024)}"}` };
    const put = (at: string, name: string): void => {
      mkdirSync(join(at, name), { recursive: true });
      for (const [file, text] of Object.entries(large)) writeFileSync(join(at, name, file), text);
    };
    // More than are read at once.
    const names = Array.from({ length: 12 }, (_, n) => `run-${String(n)}`);
    for (const name of names) put(elsewhere, name);
    put(own, 'run');
    // A byte a second.
    onTestFinished(mountShared(elsewhere, share, '--read-rate=1'));
    const reader = spawn(process.execPath, ['--input-type=module', '-e', firstOf, share, own, ...names], {
      env: { ...process.env, UV_THREADPOOL_SIZE: '64' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void reader.kill('SIGKILL'));
    let said = '';
    reader.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await until('the one of the other root to be read', () => said === 'complete\n', 30_000);
  },
);
