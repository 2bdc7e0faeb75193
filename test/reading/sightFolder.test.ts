/** The two ways of looking see the same, whatever lies in the folder. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { entriesSync, sightFolder, sightFolderSync } from '../../src/reading/sightFolder.ts';
import { isUnshareable, mountShared } from '../journey/mounts.ts';
import { folderWith, seed, sightRules, temporaryFolder } from './folder.ts';

const seeded = (change: (path: string) => void) => (): string => {
  const path = folderWith(seed);
  change(path);
  return path;
};

test.each<{ name: string; make: () => string }>([
  { name: 'whole', make: seeded((path) => writeFileSync(join(path, 'run.log'), 'done\n')) },
  { name: 'empty', make: () => folderWith({}) },
  { name: 'full of other things', make: seeded((path) => mkdtempSync(join(path, 'scratch-'))) },
  { name: 'not there', make: () => join(temporaryFolder(), 'absent') },
  { name: 'a file', make: () => join(folderWith(seed), 'input.json') },
  { name: 'below a file', make: () => join(folderWith(seed), 'input.json', 'below') },
  {
    name: 'a link',
    make: () => {
      const path = join(temporaryFolder(), 'link');
      symlinkSync(folderWith(seed), path);
      return path;
    },
  },
  { name: 'one with a link in a role', make: seeded((path) => symlinkSync('/etc', join(path, 'run.log'))) },
  { name: 'one with a directory in a role', make: seeded((path) => mkdirSync(join(path, 'run.log'))) },
  {
    name: 'one with a pipe in a role',
    make: seeded((path) => void spawnSync('mkfifo', [join(path, 'run.log')])),
  },
  {
    name: 'one with a hard link',
    make: seeded((path) => linkSync(join(path, 'meta.json'), join(path, 'run.log'))),
  },
  {
    name: 'one with a file that is too large',
    make: seeded((path) => truncateSync(join(path, 'output.json'), sightRules.fileBytesMax + 1)),
  },
  { name: 'one with two inputs', make: seeded((path) => writeFileSync(join(path, 'input.txt'), '')) },
  { name: 'one with an output of several files', make: seeded((path) => mkdirSync(join(path, 'output'))) },
  {
    name: 'one with more names than a run folder has',
    make: seeded((path) => {
      for (let i = 0; i < 10_001; i += 1) writeFileSync(join(path, `step-${i}.tmp`), '');
    }),
  },
  {
    name: 'one that may not be listed',
    make: seeded((path) => {
      chmodSync(path, 0o000);
      onTestFinished(() => chmodSync(path, 0o700));
    }),
  },
])('a folder that is $name', async ({ make }) => {
  const path = make();
  const rules = { ...sightRules, marker: 'DONE' };
  expect(sightFolderSync(path, rules)).toEqual(await sightFolder(path, rules));
});

test('a folder with a socket in a role', async () => {
  const path = folderWith(seed);
  const server = createServer().listen(join(path, 'run.log'));
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const sight = sightFolderSync(path, sightRules);
  expect(sight?.refusal?.text).toContain('run.log is a socket');
  expect(sight).toEqual(await sightFolder(path, sightRules));
});

test.skipIf(isUnshareable)(
  'where the size of a directory tells nothing, no more names are read than may be in it',
  () => {
    const [path, shared] = [temporaryFolder(), temporaryFolder()];
    for (let i = 0; i < 50; i += 1) writeFileSync(join(path, `step-${i}.tmp`), '');
    const at = join(shared, 'shared');
    onTestFinished(mountShared(path, at));
    const { size, dev } = lstatSync(at, { bigint: true });
    // Small, as it says itself.
    expect(size).toBeLessThan(64n * 1024n);
    expect(entriesSync(at, 10, size, dev)).toHaveLength(11);
  },
);

test('neither takes an error for an empty folder', async () => {
  const path = join(temporaryFolder(), 'n'.repeat(300));
  await expect(sightFolder(path, sightRules)).rejects.toThrow('ENAMETOOLONG');
  expect(() => sightFolderSync(path, sightRules)).toThrow('ENAMETOOLONG');
});
