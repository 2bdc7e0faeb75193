import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fileOf } from '../../src/core/content.ts';
import { readFolder } from '../../src/reading/readFolder.ts';
import { contentOf, folderWith, read, readingRules, seed, seen, type Files } from './folder.ts';

describe('a complete folder', () => {
  test('of the seed example is read with its digests and its generation', async () => {
    const content = await contentOf(folderWith(seed));
    expect(content).toMatchObject({
      generation: '6af0c8543790f5016b60690c9b81b1f8449825012d592bd7eed395fdc664cf26',
      files: [
        {
          role: 'input',
          name: 'input.json',
          type: 'json',
          bytes: 18,
          sha256: 'ea85bad76d9e7e6348cfb9f9c4e9719f67d061b7e520c5b57175e9a0be127d8e',
          object: { closeOffset: 17, isEmpty: false, keys: [] },
        },
        { role: 'output', name: 'output.json', type: 'json', bytes: 32, object: { closeOffset: 31 } },
      ],
      meta: { status: 'succeeded', durationMs: 42_000 },
      warnings: [],
    });
  });

  test('may hold texts, which are taken as they are', async () => {
    const content = await contentOf(
      folderWith({ 'input.txt': 'NaN {', 'output.txt': '', 'meta.json': seed['meta.json'] ?? '' }),
    );
    expect(content.files).toMatchObject([
      { role: 'input', type: 'text', bytes: 5, object: null },
      { role: 'output', type: 'text', bytes: 0, object: null },
    ]);
  });

  test('tells which of the members that matter an output has already', async () => {
    const output = '{"solution":1,"statistics":{},"a":{"metrics":1},"assets":[]}';
    const content = await contentOf(folderWith({ ...seed, 'output.json': output }));
    expect(fileOf(content, 'output')?.object?.keys).toEqual(['statistics', 'assets']);
  });

  test('finds such a member behind any number of others', async () => {
    const members = Array.from({ length: 3_000 }, (_, n) => `"route-${n}":${n}`).join(',');
    const content = await contentOf(folderWith({ ...seed, 'output.json': `{${members},"metrics":{}}` }));
    expect(fileOf(content, 'output')?.object?.keys).toEqual(['metrics']);
  });

  test('of a failed run needs no output', async () => {
    const content = await contentOf(
      folderWith({ 'input.json': '{}', 'meta.json': '{"status":"failed","error":"no"}' }),
    );
    expect(content.files.map(({ role }) => role)).toEqual(['input']);
  });

  test('may have assets that are a list', async () => {
    const content = await contentOf(folderWith({ ...seed, 'assets.json': '[{"name":"a"}]' }));
    expect(fileOf(content, 'assets')).toMatchObject({ type: 'json', object: null });
  });

  test('tells of logs in meta.json that a log file stands before', async () => {
    const meta = '{"status":"succeeded","logs":"short"}';
    const content = await contentOf(folderWith({ ...seed, 'meta.json': meta, 'run.log': 'long' }));
    expect(content.warnings).toEqual(['meta.json: logs was left out, because run.log is there']);
  });

  test.each<{ name: string; files: Files; warnings: readonly string[] }>([
    {
      name: 'meta.json, where the last one is the status',
      files: { 'meta.json': '{"status":"failed",\n"status":"succeeded","durations":1}' },
      warnings: [
        'meta.json: line 2: a name stands twice in one object, and most readers see the last one',
        'meta.json: the key "durations" is not known and was left out; did you mean "duration"?',
      ],
    },
    {
      name: 'an output, which is sent as it is',
      files: { 'output.json': '{"solution":{"a":1,\n"a":2}}' },
      warnings: ['output.json: line 2: a name stands twice in one object, and most readers see the last one'],
    },
  ])('tells of a name that stands twice in $name', async ({ files, warnings }) => {
    const content = await contentOf(folderWith({ ...seed, ...files }));
    expect(content.warnings).toEqual(warnings);
    expect(content.meta.status).toBe('succeeded');
  });
});

describe('the generation', () => {
  const of = async (files: Files): Promise<string> => (await contentOf(folderWith(files))).generation;

  test.each<{ name: string; files: Files; isNew: boolean }>([
    { name: 'is the same for another log', files: { 'run.log': 'x' }, isNew: false },
    { name: 'is the same for a file without a role', files: { 'model.lp': 'x' }, isNew: false },
    { name: 'is the same for our own files', files: { 'nextmv-result.json': '{}' }, isNew: false },
    {
      name: 'is the same for the rest of meta.json',
      files: { 'meta.json': '{"status":"succeeded","duration":7,"name":"n","options":{"a":1},"metrics":{}}' },
      isNew: false,
    },
    { name: 'is new for another status', files: { 'meta.json': '{"status":"failed"}' }, isNew: true },
    {
      name: 'is new for an app',
      files: { 'meta.json': '{"status":"succeeded","app_id":"hare-app"}' },
      isNew: true,
    },
    { name: 'is new for another input', files: { 'input.json': '{"sample":"inputs"}' }, isNew: true },
    { name: 'is new for a space in the output', files: { 'output.json': '{ }' }, isNew: true },
    { name: 'is new for metrics', files: { 'metrics.json': '{}' }, isNew: true },
  ])('$name', async ({ files, isNew }) => {
    expect((await of({ ...seed, ...files })) !== (await of(seed))).toBe(isNew);
  });

  test('leaves log and meta.json to a digest of their own', async () => {
    const of = async (files: Files) => (await contentOf(folderWith({ ...seed, ...files }))).asideDigest;
    const digests = [
      await of({}),
      await of({ 'run.log': 'x' }),
      await of({ 'run.log': 'y' }),
      await of({ 'meta.json': '{"status":"succeeded"}' }),
    ];
    expect(new Set(digests).size).toBe(4);
    expect(await of({ 'input.json': '{"other":1}' })).toBe(digests[0]);
  });
});

describe('what waiting may mend', () => {
  test.each<{ name: string; files: Files; reason: string }>([
    {
      name: 'a run that succeeded without an output yet',
      files: { 'input.json': '{}', 'meta.json': '{"status":"succeeded"}' },
      reason: 'waiting for output.json or output.txt',
    },
    {
      name: 'JSON of which half is written',
      files: { ...seed, 'output.json': '{\n"solution": [1, 2' },
      reason: 'output.json does not parse yet: line 2: ends too early',
    },
    {
      name: 'an empty JSON file',
      files: { ...seed, 'output.json': '' },
      reason: 'output.json does not parse yet: line 1: is empty',
    },
    {
      name: 'half of meta.json',
      files: { ...seed, 'meta.json': '{"status":"succ' },
      reason: 'meta.json does not parse yet: line 1: ends too early',
    },
    {
      name: 'meta.json with bytes that are no text',
      files: { ...seed, 'meta.json': Buffer.from('{"status":"succeeded","name":"Z\xfcrich"}', 'latin1') },
      reason: 'meta.json does not parse yet: line 1: is not UTF-8 text',
    },
  ])('is $name', async ({ files, reason }) => {
    expect(await read(folderWith(files))).toEqual({ kind: 'notYet', reason });
  });

  test.each<{ name: string; change: (path: string) => void; reason: string }>([
    {
      name: 'a file that grew since it was looked at',
      change: (path) => appendFileSync(join(path, 'output.json'), ' '),
      reason: 'output.json changed while it was read',
    },
    {
      name: 'a meta.json that was written anew',
      change: (path) => writeFileSync(join(path, 'meta.json'), seed['meta.json'] ?? ''),
      reason: 'meta.json changed while it was read',
    },
    {
      name: 'a file that was replaced',
      change: (path) => {
        writeFileSync(join(path, 'new'), '{"sample":"input"}');
        renameSync(join(path, 'new'), join(path, 'input.json'));
      },
      reason: 'input.json changed while it was read',
    },
    {
      name: 'a file that is gone',
      change: (path) => rmSync(join(path, 'input.json')),
      reason: 'the folder changed while it was read',
    },
    {
      name: 'a folder that is gone',
      change: (path) => rmSync(path, { recursive: true }),
      reason: 'the folder changed while it was read',
    },
    {
      name: 'a file that became a link',
      change: (path) => {
        rmSync(join(path, 'input.json'));
        symlinkSync('/etc/hostname', join(path, 'input.json'));
      },
      reason: 'the folder changed while it was read',
    },
    {
      name: 'a file that became a pipe, which nobody waits for',
      change: (path) => {
        rmSync(join(path, 'input.json'));
        spawnSync('mkfifo', [join(path, 'input.json')]);
      },
      reason: 'input.json changed while it was read',
    },
    {
      name: 'a file that became a directory',
      change: (path) => {
        rmSync(join(path, 'input.json'));
        mkdirSync(join(path, 'input.json'));
      },
      reason: 'input.json changed while it was read',
    },
    {
      name: 'a folder that became a link',
      change: (path) => {
        renameSync(path, `${path}-real`);
        symlinkSync(`${path}-real`, path);
      },
      reason: 'the folder changed while it was read',
    },
    {
      name: 'a file that got a second name meanwhile',
      change: (path) => linkSync(join(path, 'input.json'), `${path}-second`),
      reason: 'input.json changed while it was read',
    },
  ])('is $name', async ({ change, reason }) => {
    const path = folderWith(seed);
    const sight = await seen(path);
    change(path);
    // What is put back looks as it did, so it is to be read again whether anything moves or not.
    expect(await readFolder(path, sight, readingRules)).toEqual({
      kind: 'notYet',
      reason,
      isMendedUnseen: true,
    });
  });

  test('is a file that this user may not read', async () => {
    const path = folderWith(seed);
    chmodSync(join(path, 'input.json'), 0o000);
    const sight = await seen(path);
    // Root may read everything, so this process is somebody else for a moment.
    if (process.geteuid?.() === 0) {
      chmodSync(join(path, '..'), 0o755);
      process.seteuid?.(65_534);
      onTestFinished(() => process.seteuid?.(0));
    }
    const verdict = await readFolder(path, sight, readingRules);
    process.seteuid?.(process.getuid?.() ?? 0);
    expect(verdict).toEqual({
      kind: 'notYet',
      reason: 'this user may not read it; give the daemon’s user read access',
      isMendedUnseen: true,
      code: 'EACCES',
    });
  });
});

describe('what waiting cannot mend', () => {
  test.each<{ name: string; files: Files; says: string }>([
    {
      name: 'a bad value in meta.json',
      files: { 'meta.json': '{"status":"done"}' },
      says: 'meta.json: status: must be "succeeded" or "failed"',
    },
    {
      name: 'a meta.json of a megabyte',
      files: { 'meta.json': `{"status":"succeeded","logs":"${'x'.repeat(1024 * 1024)}"}` },
      says: 'meta.json has 1048608 bytes, more than 1048576',
    },
    {
      name: 'an app that is not allowed here',
      files: { 'meta.json': '{"status":"succeeded","app_id":"other-app"}' },
      says: 'meta.json: app_id "other-app" is not allowed for this drop root',
    },
    {
      name: 'an input that is a list',
      files: { 'input.json': '[1]' },
      says: 'input.json must be a JSON object at its top, and it is an array',
    },
    {
      name: 'an output that is a text',
      files: { 'output.json': '"optimal"' },
      says: 'output.json must be a JSON object at its top, and it is a string',
    },
    {
      name: 'metrics that are a number',
      files: { 'metrics.json': '7' },
      says: 'metrics.json must be a JSON object at its top, and it is a number',
    },
    {
      name: 'JSON of 100,000 levels',
      files: { 'output.json': '{"a":'.repeat(100_000) },
      says: 'output.json: line 1: is nested deeper than 200 levels',
    },
  ])('is $name', async ({ files, says }) => {
    const verdict = await read(folderWith({ ...seed, ...files }));
    expect(verdict).toMatchObject({ kind: 'rejected', text: says });
    expect((verdict as { hint: string }).hint).not.toBe('');
  });

  test('is not an app that the drop root allows', async () => {
    const path = folderWith({ ...seed, 'meta.json': '{"status":"succeeded","app_id":"other-app"}' });
    expect((await read(path, { allowAppIds: ['other-app'] })).kind).toBe('complete');
  });
});

describe('what the solver’s log says', () => {
  const log = readFileSync(new URL('../solverlog/logs/cbc-mip-neg/run.log', import.meta.url));
  const said = { solver: 'cbc', version: '2.10.8', status: 'optimal', objective: -15037, solves: 1 };

  test('is part of what is known of the folder', async () => {
    const content = await contentOf(folderWith({ ...seed, 'run.log': log }));
    expect(content.facts).toMatchObject(said);
    expect(content.facts?.evidence.status).toBeGreaterThan(1);
  });

  test('is read from the log that meta.json holds as well', async () => {
    const withLogs = JSON.stringify({ status: 'succeeded', logs: log.toString() });
    expect((await contentOf(folderWith({ ...seed, 'meta.json': withLogs }))).facts).toMatchObject(said);
  });

  test('makes no other generation', async () => {
    const plain = await contentOf(folderWith(seed));
    const logged = await contentOf(folderWith({ ...seed, 'run.log': log }));
    expect(logged.generation).toBe(plain.generation);
  });

  test.each<{ name: string; files: Files }>([
    { name: 'there is no log', files: seed },
    { name: 'it is a log of something else', files: { ...seed, 'run.log': 'objective: 3\nall is well\n' } },
  ])('is nothing where $name', async ({ files }) => {
    expect(await contentOf(folderWith(files))).not.toHaveProperty('facts');
  });
});
