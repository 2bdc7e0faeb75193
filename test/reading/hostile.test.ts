/**
 * A run folder is another user's input. Whatever lies in it: it is refused with a reason, or read for what it is, and
 * nothing of anybody else's gets out.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FolderContent } from '../../src/core/content.ts';
import { artefactBodies } from '../../src/reading/bodies.ts';
import { defaultFileNames } from '../../src/reading/mapping.ts';
import { readFolder, type ReadFolder } from '../../src/reading/readFolder.ts';
import { readyBody } from '../../src/reading/readyBody.ts';
import { look, type Answer } from '../../src/reading/sight.ts';
import { sightFolder, sightFolderSync } from '../../src/reading/sightFolder.ts';
import { OpenFolder } from '../../src/system/files.ts';
import { anotherUser, isUngiving, linkToAnothers } from './anothersFile.ts';
import { folderWith, meta, names, readingRules, sightRules, temporaryFolder, type Files } from './folder.ts';

const mapping = { ...names, input: defaultFileNames.input, output: defaultFileNames.output };
const looking = { ...sightRules, names: mapping };
const reading = { ...readingRules, names: mapping };
const { signal: never } = new AbortController();

const seed: Files = {
  'input/a.csv': 'harmless',
  'input/sub/b.csv': 'harmless',
  'output.json': '{"solution":1}',
  'run.log': 'log',
  'meta.json': meta,
};

/** What becomes of a folder as it lies there. */
async function verdictOn(path: string): Promise<ReadFolder> {
  const sight = await sightFolder(path, looking);
  expect(sightFolderSync(path, looking)).toEqual(sight);
  if (sight === null) return { kind: 'notYet', reason: 'no folder' };
  if (sight.refusal !== null) return { kind: 'rejected', ...sight.refusal };
  const { missing } = sight.sighting;
  if (missing.length > 0) return { kind: 'notYet', reason: `waiting for ${missing.join()}` };
  return await readFolder(path, sight, reading);
}

/** A script in a process of its own: a working directory is the only way into depths that no path reaches. */
function scripted(script: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, ['-e', script, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

const deepDirectories = `
  process.chdir(process.argv[1]);
  for (let level = 0; level < 10000; level += 1) { fs.mkdirSync('d'); process.chdir('d'); }
  fs.writeFileSync('end', 'x');`;
const removeDeepDirectories = `
  process.chdir(process.argv[1]);
  let levels = 0;
  for (; fs.existsSync('d'); levels += 1) process.chdir('d');
  fs.rmSync('end', { force: true });
  for (; levels > 0; levels -= 1) { process.chdir('..'); fs.rmdirSync('d'); }`;

describe('what is refused, with a reason and what to do', () => {
  test.each<{ name: string; make: (path: string) => void; says: string }>([
    {
      name: 'a link in place of a file',
      make: (path) => {
        rmSync(join(path, 'output.json'));
        symlinkSync('/etc/passwd', join(path, 'output.json'));
      },
      says: 'output.json is a symbolic link',
    },
    {
      name: 'a link in place of a directory',
      make: (path) => {
        rmSync(join(path, 'input'), { recursive: true });
        symlinkSync('/etc', join(path, 'input'));
      },
      says: 'input is a symbolic link',
    },
    {
      name: 'a link deep in a directory',
      make: (path) => symlinkSync('/etc/passwd', join(path, 'input/sub/link')),
      says: 'input/sub/link is a symbolic link',
    },
    {
      name: 'a link to a directory deep in a directory',
      make: (path) => symlinkSync('/etc', join(path, 'input/sub/link')),
      says: 'input/sub/link is a symbolic link',
    },
    {
      name: 'a link that leads up',
      make: (path) => symlinkSync('../..', join(path, 'input/up')),
      says: 'input/up is a symbolic link',
    },
    {
      name: 'a link in a circle',
      make: (path) => symlinkSync('link', join(path, 'input/link')),
      says: 'input/link is a symbolic link',
    },
    {
      name: 'a pipe',
      make: (path) => void spawnSync('mkfifo', [join(path, 'input/pipe')]),
      says: 'input/pipe is a pipe',
    },
    ...(isUngiving
      ? []
      : [
          {
            name: 'a hard link to another user’s file',
            make: (path: string) => linkToAnothers(`${path}.secret`, join(path, 'input/linked')),
            says: 'input/linked has hard links',
          },
        ]),
    {
      name: 'a name with a newline and an escape in it, told without them',
      make: (path) => symlinkSync('/etc', join(path, 'input/a\n\u001b[31mERROR')),
      says: 'input/a\\u{a}\\u{1b}[31mERROR is a symbolic link',
    },
    {
      name: 'a name that is not UTF-8',
      make: (path) =>
        writeFileSync(Buffer.concat([Buffer.from(join(path, 'input/')), Buffer.of(0xff, 0xfe)]), ''),
      says: 'has a name that is not UTF-8',
    },
    {
      name: 'a sparse file of 10 GB',
      make: (path) => truncateSync(join(path, 'input/a.csv'), 10e9),
      says: 'input/a.csv has 10000000000 bytes, more than limits.file_bytes',
    },
    {
      name: 'JSON of 100,000 levels',
      make: (path) =>
        writeFileSync(join(path, 'output.json'), `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
      says: 'output.json: line 1: is nested deeper than 200 levels',
    },
    {
      name: 'a byte order mark',
      make: (path) => writeFileSync(join(path, 'output.json'), '\ufeff{}'),
      says: 'output.json: line 1: begins with a byte order mark',
    },
    {
      name: 'NaN',
      make: (path) => writeFileSync(join(path, 'output.json'), '{"gap":NaN}'),
      says: 'output.json: line 1: NaN and Infinity are not JSON',
    },
    {
      name: 'a byte order mark in meta.json',
      make: (path) => writeFileSync(join(path, 'meta.json'), `\ufeff${meta}`),
      says: 'meta.json: line 1: begins with a byte order mark',
    },
    {
      name: 'NaN in meta.json',
      make: (path) => writeFileSync(join(path, 'meta.json'), '{"status":"succeeded","duration":NaN}'),
      says: 'meta.json: line 1: NaN and Infinity are not JSON',
    },
    {
      name: 'meta.json of 100,000 levels',
      make: (path) =>
        writeFileSync(join(path, 'meta.json'), `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
      says: 'meta.json: line 1: is nested deeper than 100 levels',
    },
    {
      name: 'directories of 10,000 levels',
      make: (path) => {
        scripted(deepDirectories, join(path, 'input'));
        onTestFinished(() => scripted(removeDeepDirectories, join(path, 'input')));
      },
      says: 'input/ holds more than 64 levels',
    },
    {
      name: 'a path that the system does not take',
      make: (path) => {
        let at = join(path, 'input');
        for (let level = 0; level < 9; level += 1) {
          at = join(at, 'n'.repeat(250));
          mkdirSync(at);
        }
        writeFileSync(join(at, 'x'), '');
      },
      says: 'is a path of more than 2048 bytes',
    },
  ])('$name', async ({ make, says }) => {
    const path = folderWith(seed);
    make(path);
    const verdict = await verdictOn(path);
    expect(verdict).toMatchObject({ kind: 'rejected', text: expect.stringContaining(says) as string });
    expect(verdict.kind === 'rejected' && verdict.hint).not.toBe('');
  });

  test('a socket', async () => {
    const path = folderWith(seed);
    const server = createServer().listen(join(path, 'input/s'));
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    expect(await verdictOn(path)).toMatchObject({
      kind: 'rejected',
      text: expect.stringContaining('a socket') as string,
    });
  });

  test('a device', async ({ skip }) => {
    const path = folderWith(seed);
    const { status } = spawnSync('mknod', [join(path, 'input/null'), 'c', '1', '3']);
    skip(status !== 0, 'this machine does not let this user make devices');
    expect(await verdictOn(path)).toMatchObject({
      kind: 'rejected',
      text: expect.stringContaining('a device') as string,
    });
  });

  test('100,000 files, of which no more are asked for than are allowed', async () => {
    const path = folderWith(seed);
    for (let i = 0; i < 100_000; i += 1) writeFileSync(join(path, 'input', String(i)), '');
    expect(await verdictOn(path)).toMatchObject({
      text: 'input/ holds more than 10000 entries (limits.folder_files)',
    });
    // The same look, answered by hand: however many there are, it asks for so many.
    let asked = 0;
    const looked = look(path, looking);
    const stats = statSync(path, { bigint: true });
    for (let step = looked.next(); step.done !== true;) {
      const question = step.value;
      asked += question.kind === 'entries' ? question.max : 1;
      const entries = Array.from({ length: 20_000 }, (_, n) => ({
        name: `d${String(n)}`,
        kind: 'directory' as const,
      }));
      const top = [...entries, { name: 'input', kind: 'directory' as const }].slice(-10_000);
      const answer: Answer =
        question.kind === 'stats' ? stats : question.path === path ? top : entries.slice(0, question.max + 1);
      step = looked.next(answer);
    }
    expect(asked).toBeLessThan(30_000);
  });
});

describe('what is waited for', () => {
  test.each<{ name: string; make: (path: string) => void }>([
    {
      name: 'a folder that is a link',
      make: (path) => {
        renameSync(path, `${path}.real`);
        symlinkSync(`${path}.real`, path);
      },
    },
    { name: 'trailing garbage', make: (path) => appendFileSync(join(path, 'output.json'), '}') },
    {
      name: 'bytes that are not UTF-8',
      make: (path) => writeFileSync(join(path, 'output.json'), Buffer.from('{"a":"\xff"}', 'latin1')),
    },
  ])('$name', async ({ make }) => {
    const path = folderWith(seed);
    make(path);
    expect((await verdictOn(path)).kind).toBe('notYet');
  });

  test('a file that has grown since it was looked at', async () => {
    for (const name of ['input/a.csv', 'output.json', 'run.log', 'meta.json']) {
      const path = folderWith(seed);
      const sight = await sightFolder(path, looking);
      if (sight === null) throw new Error('it is there');
      appendFileSync(join(path, name), ' ');
      const read = await readFolder(path, sight, reading);
      expect(read.kind).toBe('notYet');
    }
  });
});

describe('what is taken for what it is', () => {
  test('odd names, case-twins and names of an object', async () => {
    const path = folderWith({
      ...seed,
      'input/A.CSV': '1',
      'input/a.csv ': '2',
      'input/__proto__': '3',
      'input/new\nline': '4',
      'input/-rf': '5',
      'input/...': '6',
      'input/\u202egpj.exe': '7',
    });
    const verdict = await verdictOn(path);
    expect(verdict).toMatchObject({ kind: 'complete' });
    expect(verdict.kind === 'complete' && verdict.content.files).toMatchObject([
      {},
      {},
      { role: 'input', archive: { files: 9 } },
    ]);
  });

  test('`__proto__` in documents, which is nobody’s prototype afterwards', async () => {
    const poison = '{"__proto__":{"poisoned":true},"constructor":{"prototype":{"poisoned":true}}}';
    const path = folderWith({
      ...seed,
      'output.json': poison,
      'meta.json': `{"status":"succeeded","options":${poison},"metrics":${poison}}`,
    });
    expect((await verdictOn(path)).kind).toBe('complete');
    expect('poisoned' in {}).toBe(false);
  });

  test('numbers that no program can hold', async () => {
    const path = folderWith({ ...seed, 'output.json': `{"a":1e99999,"b":-0.0,"c":${'9'.repeat(5_000)}}` });
    expect((await verdictOn(path)).kind).toBe('complete');
  });
});

/** Swaps files and directories for links to a secret, and back, as fast as it can: four of them in each round. */
const swapper = `
  const [folder, secretFile, secretFolder, rounds, isAnothers] = process.argv.slice(1);
  const at = (name) => folder + '/' + name;
  const aside = (n) => folder + '.aside' + n;
  const put = (make, name, n) => { make(aside(n)); fs.renameSync(aside(n), at(name)); };
  const good = { 'input/a.csv': fs.readFileSync(at('input/a.csv')), 'output.json': fs.readFileSync(at('output.json')) };
  for (let round = 0; round < Number(rounds); round += 1) {
    for (const name of Object.keys(good)) {
      put((path) => round % 2 || isAnothers !== 'true' ? fs.symlinkSync(secretFile, path) : fs.linkSync(secretFile, path), name, 1);
      put((path) => fs.writeFileSync(path, good[name]), name, 1);
    }
    for (const name of ['input', 'input/sub']) {
      fs.renameSync(at(name), aside(2));
      fs.symlinkSync(name === 'input' ? secretFolder : secretFolder + '/sub', at(name));
      fs.unlinkSync(at(name));
      fs.renameSync(aside(2), at(name));
    }
  }`;

test('of a secret that is swapped in 10,000 times not one byte gets out', async () => {
  // Of more than one piece, so that some would be gone before the last is known to be wrong.
  const output = `{"solution":"${'harmless'.repeat(80_000)}"}`;
  const path = folderWith({ ...seed, 'output.json': output });
  const secret = 'SECRET';
  const secretFolder = temporaryFolder();
  // As long as what it stands in for, and a directory of the same shape: nothing gives it away but what it is.
  const secretFile = join(secretFolder, 'a.csv');
  writeFileSync(secretFile, secret.repeat(output.length).slice(0, output.length));
  if (!isUngiving) chownSync(secretFile, anotherUser, anotherUser);
  chmodSync(secretFile, 0o600);
  mkdirSync(join(secretFolder, 'sub'));
  writeFileSync(join(secretFolder, 'sub', 'b.csv'), secret);
  const good = await verdictOn(path);
  if (good.kind !== 'complete') throw new Error(JSON.stringify(good));
  const partly = await verdictOn(folderWith({ ...without(seed, 'input/sub/b.csv'), 'output.json': output }));
  const harmless = [good, partly].map((one) => (one.kind === 'complete' ? one.content.generation : ''));
  const sent = await bytesOf(path, good.content);
  expect(sent.failed).toBe(0);

  const child = spawn(
    process.execPath,
    ['-e', swapper, path, secretFile, secretFolder, '2500', String(!isUngiving)],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const ended = once(child, 'exit');
  const over = new AbortController();
  void ended.then(() => over.abort());
  const counts = { complete: 0, not: 0, sent: 0, withheld: 0 };
  while (!over.signal.aborted) {
    const sight = await sightFolder(path, looking);
    if (sight?.refusal === null && sight.sighting.missing.length === 0) {
      const read = await readFolder(path, sight, reading);
      if (read.kind === 'complete') {
        counts.complete += 1;
        // What is not the harmless content was not read, if not all of it was there just then.
        expect(harmless).toContain(read.content.generation);
      } else counts.not += 1;
    } else counts.not += 1;
    const now = await bytesOf(path, good.content);
    for (const [role, bytes] of Object.entries(now.bytes)) {
      expect(sent.bytes[role]?.subarray(0, bytes.length).equals(bytes)).toBe(true);
      counts.sent += 1;
    }
    counts.withheld += now.failed;
  }
  expect((await ended)[0]).toBe(0);
  // A race that nobody ran would show nothing.
  expect(counts.not).toBeGreaterThan(0);
  expect(counts.withheld).toBeGreaterThan(0);
  expect(counts.sent).toBeGreaterThan(0);
  expect((await verdictOn(path)).kind).toBe('complete');
  expect(readFileSync(secretFile, 'utf8')).toContain(secret);
});

const without = (files: Files, left: string): Files =>
  Object.fromEntries(Object.entries(files).filter(([name]) => name !== left));

/** Whatever would leave for the platform, role by role, also where the sending was given up halfway. */
async function bytesOf(
  path: string,
  content: FolderContent,
): Promise<{ readonly bytes: Record<string, Buffer>; readonly failed: number }> {
  const spoolDir = temporaryFolder();
  const bytes: Record<string, Buffer> = {};
  let failed = 0;
  const folder = await OpenFolder.open(path);
  for (const body of artefactBodies(content, '')) {
    const chunks: Buffer[] = [];
    try {
      const ready = await readyBody(folder, content, body, spoolDir, never);
      try {
        for await (const chunk of ready.read()) chunks.push(Buffer.from(chunk));
      } finally {
        await ready.close();
      }
    } catch (error) {
      expect((error as Error).name).toBe('SourceChanged');
      failed += 1;
    }
    if (chunks.length > 0) bytes[body.role] = Buffer.concat(chunks);
  }
  await folder.close();
  return { bytes, failed };
}
