import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { look } from '../../src/reading/sight.ts';
import { sightFolder } from '../../src/reading/sightFolder.ts';
import { isUngiving, linkToAnothers } from './anothersFile.ts';
import { folderWith, seed, seen, sightRules, temporaryFolder } from './folder.ts';

/** The clock of a file system ticks in ms: changes until one can tell which of two changed last. */
function changedAfter(path: string, other: string): void {
  const { ctimeNs } = statSync(other, { bigint: true });
  while (statSync(path, { bigint: true }).ctimeNs <= ctimeNs) {
    const isDirectory = statSync(path).isDirectory();
    appendFileSync(isDirectory ? join(path, 'solver.tmp') : path, ' ');
    if (isDirectory) rmSync(join(path, 'solver.tmp'));
  }
}

/** As whoever may not list it, or a directory in it, sees a folder. */
function seenClosed(path: string): string | undefined {
  const looking = look(path, sightRules);
  let step = looking.next();
  while (step.done !== true) {
    step =
      step.value.kind === 'stats'
        ? looking.next(lstatSync(step.value.path, { bigint: true }))
        : looking.throw(Object.assign(new Error('it is closed'), { code: 'EACCES' }));
  }
  return step.value?.signature;
}

test('a closed folder is the same when we write into it that it is overdue, and another one when its mode changes', () => {
  const path = folderWith(seed);
  const before = seenClosed(path);
  const { ctimeNs } = statSync(path, { bigint: true });
  do {
    writeFileSync(join(path, 'nextmv-problem.json'), '{}');
    rmSync(join(path, 'nextmv-problem.json'));
  } while (statSync(path, { bigint: true }).ctimeNs === ctimeNs);
  expect(seenClosed(path)).toBe(before);
  chmodSync(path, 0o500);
  onTestFinished(() => chmodSync(path, 0o700));
  expect(seenClosed(path)).not.toBe(before);
});

describe('a look at a folder', () => {
  test('shows its mapped files and finds nothing missing', async () => {
    const sight = await seen(folderWith({ ...seed, 'run.log': 'done\n', 'solver.lp': 'x' }));
    expect(sight.files.map(({ role, name, mark }) => [role, name, mark.bytes])).toEqual([
      ['input', 'input.json', 18],
      ['output', 'output.json', 32],
      ['logs', 'run.log', 5],
      ['meta', 'meta.json', 36],
    ]);
    expect(sight.sighting).toMatchObject({ missing: [], missingMarker: null });
    expect(sight.refusal).toBeNull();
  });

  test('finds out once what the same names mean, in however many folders they are', async () => {
    let asked = 0;
    const isIgnored = (): boolean => {
      asked += 1;
      return false;
    };
    const rules = { ...sightRules, isIgnored };
    const filesOf = async (path: string): Promise<string[]> =>
      (await sightFolder(path, rules))?.files.map(({ name }) => name) ?? [];
    const names = ['input.json', 'output.json', 'meta.json'];
    expect(await filesOf(folderWith(seed))).toEqual(names);
    const askedOnce = asked;
    expect(askedOnce).toBe(names.length);
    expect(await filesOf(folderWith(seed))).toEqual(names);
    expect(asked).toBe(askedOnce);
    // The same names, and one of them is of another kind.
    const archived = { ...rules, names: { ...sightRules.names, input: ['input/'] } };
    const other = folderWith({ ...seed, input: 'a file' });
    expect((await sightFolder(other, archived))?.sighting.missing).toEqual(['input/']);
    rmSync(join(other, 'input'));
    mkdirSync(join(other, 'input'));
    writeFileSync(join(other, 'input', 'orders.csv'), 'x');
    expect((await sightFolder(other, archived))?.archives.map(({ name }) => name)).toEqual(['input/']);
  });

  test('names what is missing', async () => {
    const { sighting } = await seen(folderWith({ 'run.log': '' }));
    expect(sighting.missing).toEqual(['input.json or input.txt', 'meta.json']);
  });

  test.each([
    { role: 'output', wanted: { output: ['x-*.json'] } },
    { role: 'log', wanted: { log: 'x-*' } },
  ])(
    'refuses a file for the glob of the $role whose name is not UTF-8, and does not wait for it',
    async ({ wanted }) => {
      const path = folderWith(seed);
      writeFileSync(
        Buffer.concat([Buffer.from(join(path, 'x-')), Buffer.of(0xff), Buffer.from('.json')]),
        '{}',
      );
      const { refusal, missingOutput } = await seen(path, { names: { ...sightRules.names, ...wanted } });
      expect(refusal?.text).toBe(
        'x-\ufffd.json has a name that is not UTF-8, which the platform does not take',
      );
      expect(missingOutput).toEqual([]);
    },
  );

  test('names the marker until it is there', async () => {
    const path = folderWith(seed);
    expect((await seen(path, { marker: 'done' })).sighting.missingMarker).toBe('done');
    writeFileSync(join(path, 'done'), '');
    expect((await seen(path, { marker: 'done' })).sighting.missingMarker).toBeNull();
  });

  test('names the file that changed last', async () => {
    const path = folderWith(seed);
    changedAfter(join(path, 'output.json'), join(path, 'meta.json'));
    expect((await seen(path)).sighting.lastChanged).toBe('output.json');
  });

  test.each([
    { name: 'a folder that is not there', path: 'absent' },
    { name: 'a file in its place', path: 'file' },
    { name: 'a link in its place', path: 'link' },
    { name: 'a path through a file', path: 'file/below' },
  ])('finds nothing in $name', async ({ path }) => {
    const parent = temporaryFolder();
    writeFileSync(join(parent, 'file'), '');
    symlinkSync(folderWith(seed), join(parent, 'link'));
    expect(await sightFolder(join(parent, path), sightRules)).toBeNull();
  });
});

describe('the signature', () => {
  const changed = async (change: (path: string) => void): Promise<boolean> => {
    const path = folderWith(seed);
    const before = (await seen(path)).signature;
    change(path);
    return (await seen(path)).signature !== before;
  };

  test.each<{ name: string; change: (path: string) => void; is: boolean }>([
    { name: 'stays when nothing happens', change: () => undefined, is: false },
    {
      name: 'stays when a file without a role comes',
      change: (path) => writeFileSync(join(path, 'core.1234'), ''),
      is: false,
    },
    {
      name: 'stays when our own result comes',
      change: (path) => writeFileSync(join(path, 'nextmv-result.json'), '{}'),
      is: false,
    },
    {
      name: 'changes when a file grows',
      change: (path) => appendFileSync(join(path, 'output.json'), ' '),
      is: true,
    },
    {
      name: 'changes when a file is cut',
      change: (path) => truncateSync(join(path, 'output.json'), 3),
      is: true,
    },
    { name: 'changes when a file goes', change: (path) => rmSync(join(path, 'output.json')), is: true },
    {
      name: 'changes when a log comes',
      change: (path) => writeFileSync(join(path, 'run.log'), ''),
      is: true,
    },
    {
      name: 'changes when equal bytes are written anew',
      change: (path) => writeFileSync(join(path, 'meta.json'), seed['meta.json'] ?? ''),
      is: true,
    },
    {
      name: 'changes when a time is set back to what it was, because that shows too',
      change: (path) => utimesSync(join(path, 'meta.json'), new Date(0), new Date(0)),
      is: true,
    },
    {
      name: 'changes when a file is replaced by another of the same size',
      change: (path) => {
        writeFileSync(join(path, 'new'), '{"simple":"input"}');
        renameSync(join(path, 'new'), join(path, 'input.json'));
      },
      is: true,
    },
    {
      name: 'changes when a second input comes',
      change: (path) => writeFileSync(join(path, 'input.txt'), ''),
      is: true,
    },
  ])('$name', async ({ change, is }) => {
    expect(await changed(change)).toBe(is);
  });
});

describe('what the directory itself is', () => {
  test('stays the same when it is moved and when files come and go', async () => {
    const path = folderWith(seed);
    const before = (await seen(path)).directory;
    writeFileSync(join(path, 'nextmv-result.json'), '{}');
    renameSync(path, `${path}-moved`);
    expect((await seen(`${path}-moved`)).directory).toEqual(before);
  });

  test('has a birth time that is known for one as soon as something has changed', async () => {
    const path = folderWith(seed);
    changedAfter(path, path);
    expect((await seen(path)).isBirthKnown).toBe(true);
  });

  test('is another one for a copy', async () => {
    const [one, two] = [await seen(folderWith(seed)), await seen(folderWith(seed))];
    expect(one.directory).not.toEqual(two.directory);
  });
});

describe('what waiting cannot mend', () => {
  test.each<{ name: string; make: (path: string) => void; says: string }>([
    {
      name: 'a link in a role',
      make: (path) => symlinkSync('/etc/hostname', join(path, 'run.log')),
      says: 'run.log is a symbolic link',
    },
    {
      name: 'a link to nowhere',
      make: (path) => symlinkSync('nowhere', join(path, 'run.log')),
      says: 'run.log is a symbolic link',
    },
    {
      name: 'a directory in a role',
      make: (path) => mkdirSync(join(path, 'run.log')),
      says: 'run.log is a directory',
    },
    {
      name: 'a pipe in a role',
      make: (path) => void spawnSync('mkfifo', [join(path, 'run.log')]),
      says: 'run.log is a pipe',
    },
    ...(isUngiving
      ? []
      : [
          {
            name: 'a second name of another user’s file',
            make: (path: string) => linkToAnothers(`${path}-secret`, join(path, 'run.log')),
            says: 'run.log has hard links',
          },
        ]),
    {
      name: 'a file that is too large',
      make: (path) => {
        writeFileSync(join(path, 'run.log'), '');
        truncateSync(join(path, 'run.log'), sightRules.fileBytesMax + 1);
      },
      says: 'run.log has 1048577 bytes, more than limits.file_bytes (1048576)',
    },
    {
      name: 'two inputs',
      make: (path) => writeFileSync(join(path, 'input.txt'), ''),
      says: 'there are two inputs, input.json and input.txt',
    },
    {
      name: 'more names than a run folder has',
      make: (path) => {
        for (let i = 0; i < 10_001; i += 1) writeFileSync(join(path, `step-${i}.tmp`), '');
      },
      says: 'it has more than 10000 entries at its top level',
    },
  ])('is $name', async ({ make, says }) => {
    const path = folderWith(seed);
    make(path);
    const { refusal } = await seen(path);
    expect(refusal?.text).toContain(says);
    expect(refusal?.hint).not.toBe('');
  });

  test('is a socket in a role', async () => {
    const path = folderWith(seed);
    const server = createServer().listen(join(path, 'run.log'));
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    expect((await seen(path)).refusal?.text).toContain('run.log is a socket');
  });

  test('is not a file of exactly the size that is allowed', async () => {
    const path = folderWith(seed);
    writeFileSync(join(path, 'run.log'), '');
    truncateSync(join(path, 'run.log'), sightRules.fileBytesMax);
    expect((await seen(path)).refusal).toBeNull();
  });

  test('is not a link that has no role', async () => {
    const path = folderWith(seed);
    symlinkSync('/etc', join(path, 'models'));
    expect((await seen(path)).refusal).toBeNull();
  });

  test('is not what is ignored', async () => {
    const path = folderWith({ ...seed, 'input.txt': '' });
    expect((await seen(path, { isIgnored: (name) => name === 'input.txt' })).refusal).toBeNull();
  });
});
