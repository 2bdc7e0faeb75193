/** Input and output of several files: what is read of them, what makes them another content, and what is packed. */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { Parser } from 'tar';
import { describe, expect, test } from 'vitest';
import type { FilesMapping, FolderContent } from '../../src/core/content.ts';
import { generationOf, membersDigest } from '../../src/core/identity.ts';
import { artefactBodies, SourceChanged } from '../../src/reading/bodies.ts';
import { defaultFileNames } from '../../src/reading/mapping.ts';
import { readyBody } from '../../src/reading/readyBody.ts';
import { isSameArchive } from '../../src/reading/returnedArchive.ts';
import { sightFolder, sightFolderSync } from '../../src/reading/sightFolder.ts';
import { OpenFolder } from '../../src/system/files.ts';
import { cutShort } from './spool.ts';
import { folderWith, meta, names, readAs, sightRules, temporaryFolder, type Files } from './folder.ts';

const directories: Partial<FilesMapping> = { input: defaultFileNames.input, output: defaultFileNames.output };
const files: Files = {
  'input/a.csv': 'id,x\n1,2\n',
  'input/sub/deep/b.json': '{}',
  'input/empty': '',
  'input/.hidden': 'h',
  'input/ü 🚚.txt': 'unicode',
  [`input/${'long'.repeat(60)}/${'name'.repeat(60)}`]: 'a path that no old header holds',
  // Drives and hosts, for whoever takes them so.
  'input/T:1.csv': 't',
  'input/\\back': 'b',
  'input/\\\\host\\share\\c': 'h',
  'output/sol.csv': 'a,b\n',
  'output/inputs.tar.gz': 'left out',
  'metrics.json': '{"gap":0.1}',
  'meta.json': meta,
};
const { signal: never } = new AbortController();

async function contentAs(path: string, wanted: Partial<FilesMapping> = directories): Promise<FolderContent> {
  const verdict = await readAs(path, wanted);
  if (verdict.kind !== 'complete') throw new Error(JSON.stringify(verdict));
  return verdict.content;
}

/** What would be uploaded in a role. */
async function packed(path: string, content: FolderContent, role: string): Promise<Buffer> {
  const folder = await OpenFolder.open(path);
  try {
    const body = artefactBodies(content, '').find((one) => one.role === role);
    if (body === undefined) throw new Error(`there is no ${role}`);
    const ready = await readyBody(folder, content, body, join(temporaryFolder(), 'spool'), never);
    const chunks: Buffer[] = [];
    for await (const chunk of ready.read()) chunks.push(chunk);
    await ready.close();
    expect(Buffer.concat(chunks)).toHaveLength(ready.bytes);
    return Buffer.concat(chunks);
  } finally {
    await folder.close();
  }
}

async function membersOf(archive: Buffer): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  await new Promise<void>((resolve, reject) => {
    const parser = new Parser({
      strict: true,
      onReadEntry: (entry) => {
        const chunks: Buffer[] = [];
        entry.on('data', (chunk: Buffer) => chunks.push(chunk));
        entry.on('end', () => (found[entry.path] = Buffer.concat(chunks).toString()));
      },
    });
    parser.on('end', resolve);
    parser.on('error', reject);
    parser.end(archive);
  });
  return found;
}

const below = (directory: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(files)
      .filter(([name]) => name.startsWith(`${directory}/`) && !name.endsWith('inputs.tar.gz'))
      .map(([name, text]) => [name.slice(directory.length + 1), text.toString()]),
  );

const tuplesOf = (role: 'input' | 'output') =>
  Object.entries(below(role)).map(([name, text]) => ({
    role,
    path: `${role}/${name}`,
    bytes: Buffer.byteLength(text),
    sha256: createHash('sha256').update(text).digest('hex'),
  }));

describe('what is known of a folder with directories', () => {
  test('is a digest of their files, and never the list of them', async () => {
    const content = await contentAs(folderWith(files));
    const [metrics, input, output] = content.files;
    expect(metrics).toMatchObject({ role: 'metrics', type: 'json' });
    expect(input).toEqual({
      role: 'input',
      name: 'input/',
      type: 'multi-file',
      bytes: tuplesOf('input').reduce((sum, { bytes }) => sum + bytes, 0),
      sha256: membersDigest(tuplesOf('input')),
      object: null,
      archive: { base: 'input/', place: 'input', files: 9 },
    });
    expect(output).toMatchObject({ name: 'output/', bytes: 4, archive: { files: 1 } });
    expect(JSON.stringify(content)).not.toContain('sol.csv');
    expect(content.mapping).toMatchObject(directories);
  });

  test('makes a generation of every file by its path in the folder', async () => {
    const content = await contentAs(folderWith(files));
    const gap = createHash('sha256').update('{"gap":0.1}').digest('hex');
    expect(content.generation).toBe(
      generationOf({
        files: [
          ...tuplesOf('output'),
          { role: 'metrics', path: 'metrics.json', bytes: 11, sha256: gap },
          ...tuplesOf('input').reverse(),
        ],
        status: 'succeeded',
        appId: null,
      }),
    );
  });

  test.each<{ name: string; change: (path: string) => void; is: boolean }>([
    {
      name: 'is the same after touching, another mode and a file that the archive leaves out',
      change: (path) => {
        utimesSync(join(path, 'input/a.csv'), new Date(0), new Date(0));
        chmodSync(join(path, 'input/a.csv'), 0o700);
        writeFileSync(join(path, 'output/inputs.tar.gz'), 'new');
        mkdirSync(join(path, 'input/nothing'));
      },
      is: true,
    },
    {
      name: 'differs after a byte',
      change: (path) => writeFileSync(join(path, 'input/a.csv'), 'id,x\n1,3\n'),
      is: false,
    },
    {
      name: 'differs after another name',
      change: (path) => renameSync(join(path, 'input/sub'), join(path, 'input/Sub')),
      is: false,
    },
  ])('$name', async ({ change, is }) => {
    const path = folderWith(files);
    const { generation } = await contentAs(path);
    change(path);
    expect((await contentAs(path)).generation === generation).toBe(is);
  });
});

describe('a look at directories', () => {
  const looking = { ...sightRules, names: { ...names, ...directories } };
  test.each<{ name: string; change: (path: string) => void }>([
    { name: 'grows', change: (path) => appendFileSync(path, 'x') },
    { name: 'is touched', change: (path) => utimesSync(path, new Date(0), new Date(0)) },
    { name: 'goes', change: (path) => rmSync(path) },
    { name: 'has a new neighbour', change: (path) => writeFileSync(`${path}.2`, '') },
    { name: 'has a new directory beside it', change: (path) => mkdirSync(`${path}.d`) },
    {
      name: 'is replaced by an equal one',
      change: (path) => {
        writeFileSync(`${path}.tmp`, '{}');
        renameSync(`${path}.tmp`, path);
      },
    },
  ])('notices that a file deep in it $name', async ({ change }) => {
    const path = folderWith(files);
    const before = await sightFolder(path, looking);
    expect(sightFolderSync(path, looking)).toEqual(before);
    change(join(path, 'input/sub/deep/b.json'));
    const after = await sightFolder(path, looking);
    expect(after?.signature).not.toBe(before?.signature);
    expect(sightFolderSync(path, looking)).toEqual(after);
  });

  test('names the file in them that changed last', async () => {
    const path = folderWith(files);
    const changed = join(path, 'output/sol.csv');
    const last = async () => (await sightFolder(path, looking))?.sighting.lastChanged;
    while ((await last()) !== 'output/sol.csv') appendFileSync(changed, 'x');
    expect(existsSync(changed)).toBe(true);
  });

  test.each<{ name: string; files: Files; says: string }>([
    { name: 'an empty input/', files: { 'meta.json': meta }, says: 'a file in input/' },
    {
      name: 'an input/ with nothing but directories',
      files: { 'meta.json': meta, 'input/a/inputs.tar.gz': '' },
      says: 'a file in input/',
    },
  ])('waits where there is $name', async ({ files: some, says }) => {
    const path = folderWith(some);
    mkdirSync(join(path, 'input'), { recursive: true });
    expect((await sightFolder(path, looking))?.sighting.missing).toEqual([says]);
  });

  test('refuses more files than limits.folder_files, and says which directory has them', async () => {
    const path = folderWith(files);
    const sight = await sightFolder(path, { ...looking, folderFilesMax: 7 });
    expect(sight?.refusal?.text).toBe('input/ holds more than 7 entries (limits.folder_files)');
  });

  test.each([
    { name: 'a directory', input: 'input/', large: ['input/a', 'input/b'], who: 'input/' },
    { name: 'a file', input: 'model.mps', large: ['model.mps'], who: 'model.mps' },
    {
      name: 'files beside each other',
      input: ['a.mps', 'b.prm'],
      large: ['a.mps', 'b.prm'],
      who: 'the archive',
    },
  ])('refuses $name of more bytes than the platform takes, and says so', async ({ input, large, who }) => {
    const path = folderWith({ 'meta.json': meta, ...Object.fromEntries(large.map((name) => [name, ''])) });
    for (const name of large) truncateSync(join(path, name), (3 * 1024 ** 3) / large.length);
    const sight = await sightFolder(path, {
      ...looking,
      names: { ...names, input: [input] },
      fileBytesMax: 4 * 1024 ** 3,
    });
    expect(sight?.refusal?.text).toBe(`${who} holds more than the 2.5 GiB that the platform takes`);
  });
});

describe('what is read of names and globs', () => {
  const solver: Files = {
    'model.mps': 'NAME',
    'b.prm': '2',
    'a.prm': '1',
    'solution.sol': 'x 1',
    'solver.log': 'log',
    'meta.json': meta,
  };
  const wanted = { input: [['model.mps', '*.prm']], output: ['solution.sol'], log: '*.log' } as const;

  test('is an archive of what they match, by the paths in the folder', async () => {
    const path = folderWith(solver);
    const content = await contentAs(path, wanted);
    expect(content.files.map(({ role, name, type }) => [role, name, type])).toEqual([
      ['logs', 'solver.log', 'text'],
      ['input', 'model.mps, *.prm', 'multi-file'],
      ['output', 'solution.sol', 'multi-file'],
    ]);
    expect(await membersOf(await packed(path, content, 'input'))).toEqual({
      'a.prm': '1',
      'b.prm': '2',
      'model.mps': 'NAME',
    });
    expect(await membersOf(await packed(path, content, 'output'))).toEqual({ 'solution.sol': 'x 1' });
  });

  test('is waited for, pattern by pattern', async () => {
    const path = folderWith(solver);
    rmSync(join(path, 'solution.sol'));
    expect(await readAs(path, wanted)).toEqual({ kind: 'notYet', reason: 'waiting for solution.sol' });
  });

  test('is said where it is a log that nothing matches: nobody would notice it otherwise', async () => {
    const path = folderWith(solver);
    expect((await contentAs(path, wanted)).warnings).toEqual([]);
    const { files: found, warnings } = await contentAs(path, { ...wanted, log: 'solve.out' });
    expect(found.map(({ role }) => role)).toEqual(['input', 'output']);
    expect(warnings).toEqual(['no log was sent: nothing matches solve.out (files.log)']);
    // A log is optional, and whoever configured none misses none.
    rmSync(join(path, 'solver.log'));
    expect((await contentAs(path, { ...wanted, log: 'run.log' })).warnings).toEqual([]);
  });

  test('may be missing in part where the run failed, and that is said', async () => {
    const path = folderWith({ ...solver, 'meta.json': '{"status":"failed"}' });
    const content = await contentAs(path, { ...wanted, output: [['solution.sol', '*.gap']] });
    expect(content.files.map(({ name }) => name)).toContain('solution.sol');
    expect(content.warnings.join()).toContain('no a file that matches *.gap');
  });
});

describe('what is packed', () => {
  test('is what lies in the directory, the same bytes every time, whoever wrote it', async () => {
    const [one, other] = [folderWith(files), folderWith(Object.fromEntries(Object.entries(files).reverse()))];
    utimesSync(join(other, 'input/a.csv'), new Date(0), new Date(0));
    const archive = await packed(one, await contentAs(one), 'input');
    expect(await membersOf(archive)).toEqual(below('input'));
    expect((await packed(other, await contentAs(other), 'input')).equals(archive)).toBe(true);
    // Neither a time nor a name of the machine in it.
    expect(archive.subarray(4, 8)).toEqual(Buffer.alloc(4));
    expect(gunzipSync(archive).includes('weekly')).toBe(false);
  });

  test.each<{ name: string; change: (path: string) => void }>([
    { name: 'a byte is another one', change: (path) => writeFileSync(join(path, 'output/sol.csv'), 'a,c\n') },
    { name: 'a file came', change: (path) => writeFileSync(join(path, 'output/new'), '') },
    { name: 'a file is gone', change: (path) => rmSync(join(path, 'output/sol.csv')) },
    {
      name: 'a file has another name',
      change: (path) => renameSync(join(path, 'output/sol.csv'), join(path, 'output/Sol.csv')),
    },
    { name: 'it is gone', change: (path) => rmSync(join(path, 'output'), { recursive: true }) },
    {
      name: 'there is a second output',
      change: (path) => writeFileSync(join(path, 'output.json'), '{}'),
    },
  ])('is nothing when $name since it was read', async ({ change }) => {
    const path = folderWith(files);
    const content = await contentAs(path);
    change(path);
    await expect(packed(path, content, 'output')).rejects.toThrow(SourceChanged);
  });

  /** The output of a folder that is what it was, while it is packed until this is thrown. */
  async function packedUntil(error: Error) {
    const path = folderWith(files);
    const content = await contentAs(path);
    const folder = await OpenFolder.open(path);
    const [body] = artefactBodies(content, '').filter(({ role }) => role === 'output');
    if (body === undefined) throw new Error('there is an output');
    const thrower = (): never => {
      throw error;
    };
    return await readyBody(folder, content, body, temporaryFolder(), never, thrower).finally(() =>
      folder.close(),
    );
  }

  test('is a person’s matter, with the reason, where it cannot be packed', async () => {
    const ready = packedUntil(Object.assign(new Error('TAR_ENTRY_INFO: no'), { code: 'TAR_ENTRY_INFO' }));
    // Of a folder that is what it was, the next scan would find the same, for ever.
    await expect(ready).rejects.toMatchObject({
      failure: {
        class: 'archive-not-made',
        reach: 'run',
        text: expect.stringContaining('TAR_ENTRY') as string,
      },
    });
  });

  // As a share whose server is away answers, and a file system that is damaged.
  test.each([
    { code: 'EHOSTDOWN', errno: -112 },
    { code: 'EREMOTEIO', errno: -121 },
    { code: 'Unknown system error -117', errno: -117 },
  ])('is looked at again where reading ends with $code', async (trouble) => {
    const error = Object.assign(new Error(`${trouble.code}: read`), { ...trouble, syscall: 'read' });
    await expect(packedUntil(error)).rejects.toThrow(SourceChanged);
  });

  test('waits for room, and blames nobody, where the spool takes nothing', async () => {
    const path = folderWith(files);
    const content = await contentAs(path);
    const folder = await OpenFolder.open(path);
    const [body] = artefactBodies(content, '');
    if (body === undefined) throw new Error('there is an input');
    const ready = readyBody(folder, content, body, join(path, 'meta.json', 'spool'), never);
    await expect(ready).rejects.toMatchObject({
      failure: { class: 'no-room-for-archive', reach: 'storage' },
    });
    await folder.close();
  });

  test.skipIf(process.platform !== 'linux')('likewise where the spool loses a part of it', async () => {
    const path = folderWith(files);
    const content = await contentAs(path);
    const folder = await OpenFolder.open(path);
    const [body] = artefactBodies(content, '');
    if (body === undefined) throw new Error('there is an input');
    const spoolDir = temporaryFolder();
    const ready = await readyBody(folder, content, body, spoolDir, never);
    cutShort(spoolDir, 10);
    const all = async (): Promise<number> => {
      let bytes = 0;
      for await (const chunk of ready.read()) bytes += chunk.length;
      return bytes;
    };
    await expect(all()).rejects.toMatchObject({
      failure: { class: 'no-room-for-archive', reach: 'storage' },
    });
    await ready.close();
    await folder.close();
  });
});

describe('an archive that came back', () => {
  const isSame = async (archive: Buffer): Promise<boolean> => {
    const content = await contentAs(folderWith(files));
    const input = content.files.find(({ role }) => role === 'input');
    if (input === undefined) throw new Error('there is an input');
    const pieces = async function* () {
      for (let at = 0; at < archive.length; at += 100)
        yield await Promise.resolve(archive.subarray(at, at + 100));
    };
    return await isSameArchive(pieces(), input);
  };
  const sent = async (change: Files = {}, without: readonly string[] = []): Promise<Buffer> => {
    const kept = Object.entries({ ...files, ...change }).filter(([name]) => !without.includes(name));
    const path = folderWith(Object.fromEntries(kept));
    return await packed(path, await contentAs(path), 'input');
  };

  test('is the same where its files are', async () => {
    expect(await isSame(await sent())).toBe(true);
  });

  test('is the same where a name is too long for a header and has line breaks in it', async () => {
    const path = folderWith({ ...files, [`input/${'a\n9 path=b\n'.repeat(20)}é`]: '1', 'input/after': '2' });
    const content = await contentAs(path);
    const [input] = content.files.filter(({ role }) => role === 'input');
    if (input === undefined) throw new Error('there is an input');
    const archive = await packed(path, content, 'input');
    expect(await isSameArchive(Readable.from([archive]), input)).toBe(true);
    expect(await isSameArchive(Readable.from([archive]), { ...input, sha256: '' })).toBe(false);
  });

  test.each<{ name: string; archive: () => Promise<Buffer> }>([
    { name: 'a byte differs', archive: () => sent({ 'input/a.csv': 'id,x\n1,3\n' }) },
    { name: 'a file is missing', archive: () => sent({}, ['input/empty']) },
    { name: 'there is one more', archive: () => sent({ 'input/more': '' }) },
    { name: 'it is cut short', archive: async () => (await sent()).subarray(0, -20) },
    { name: 'it is no archive', archive: () => Promise.resolve(Buffer.from('{"solution":1}')) },
    { name: 'it is empty', archive: () => Promise.resolve(Buffer.alloc(0)) },
  ])('is different where $name', async ({ archive }) => {
    expect(await isSame(await archive())).toBe(false);
  });
});

test('a spool holds nothing that has a name', async () => {
  const path = folderWith(files);
  const content = await contentAs(path);
  const [body] = artefactBodies(content, '');
  if (body === undefined) throw new Error('there is an input');
  const folder = await OpenFolder.open(path);
  const spoolDir = temporaryFolder();
  const ready = await readyBody(folder, content, body, spoolDir, never);
  expect(readdirSync(spoolDir)).toEqual([]);
  await ready.close();
  await folder.close();
});
