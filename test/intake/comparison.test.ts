/** Whatever is remembered of a folder, a change in it is seen as if nothing were. */
import {
  appendFileSync,
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Comparison } from '../../src/intake/comparison.ts';
import { rootForOutside, rulesOf, type DropRoot } from '../../src/intake/rules.ts';
import { sightFolderSync } from '../../src/reading/sightFolder.ts';
import { machineClock } from '../../src/system/clock.ts';
import { until } from '../journey/waiting.ts';
import { folderWith, seed, type Files } from '../reading/folder.ts';

/** The directories are older than the tick of any file system. */
const later = { ...machineClock, nowMs: () => machineClock.nowMs() + 60_000 };

class Compared {
  readonly folder: string;
  readonly root: DropRoot;
  readonly comparison: Comparison;
  /** Looks in full. */
  looks = 0;
  signature: string;

  constructor(files: Files, clock = later) {
    this.folder = folderWith(files);
    this.root = { ...rootForOutside('hare-app'), path: dirname(this.folder), name: 'runs' };
    this.comparison = new Comparison(this.root, clock, (...args) => {
      this.looks += 1;
      return sightFolderSync(...args);
    });
    this.signature = this.signatureNow() ?? '';
  }

  signatureNow(): string | undefined {
    return sightFolderSync(this.folder, rulesOf(this.root).sight)?.signature;
  }

  /** How often it is told that a comparison of so many folders gets on. */
  beatsOf(folders: number): number {
    let beats = 0;
    const compared = Array.from({ length: folders }, (_, n) => [`run-${String(n)}`, ''] as const);
    this.comparison.differing(compared, () => (beats += 1));
    return beats;
  }

  differs(): boolean {
    return this.comparison.differing([['weekly', this.signature]]).length > 0;
  }

  /** It is remembered, and so long ago that a change shows in the times. */
  async remembered(): Promise<this> {
    expect(this.differs()).toBe(false);
    expect(this.differs()).toBe(false);
    expect(this.looks).toBe(1);
    const probe = join(this.root.path, 'probe');
    await until('the next tick of the file system', () => {
      writeFileSync(probe, '');
      return statSync(probe, { bigint: true }).mtimeNs > statSync(this.folder, { bigint: true }).ctimeNs;
    });
    return this;
  }
}

const archive: Files = {
  'input/model.mps': 'rows',
  'input/more/deep/bounds.csv': '1,2',
  'output/plan.sol': 'x = 1',
  'meta.json': '{"status":"succeeded","duration":42}',
};

/** Other bytes, of which size and time of change say nothing. */
function rewriteUnseen(file: string): void {
  const { atime, mtime } = statSync(file);
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/[a-z]/g, 'z'));
  utimesSync(file, atime, mtime);
}

/** Likewise, as another file. */
function replaceUnseen(file: string): void {
  cpSync(file, `${file}.new`, { preserveTimestamps: true });
  renameSync(`${file}.new`, file);
}

test('a folder that is remembered is not there any more once a link leads to it', () => {
  const compared = new Compared(seed);
  const above = dirname(compared.root.path);
  const day = basename(compared.root.path);
  const root = { ...compared.root, path: above, depth: 2 };
  const comparison = new Comparison(root, later);
  const isDiffering = () => comparison.differing([[`${day}/weekly`, compared.signature]]).length > 0;
  expect(isDiffering()).toBe(false);
  expect(isDiffering()).toBe(false);
  renameSync(join(above, day), join(above, `${day}-before`));
  symlinkSync(`${day}-before`, join(above, day));
  onTestFinished(() => rmSync(join(above, `${day}-before`), { recursive: true }));
  expect(isDiffering()).toBe(true);
});

describe('a change in a folder that is remembered is seen:', () => {
  test.each<{ name: string; files?: Files; change: (folder: string) => void }>([
    { name: 'a file that grows', change: (folder) => appendFileSync(join(folder, 'output.json'), ' ') },
    {
      name: 'a file with other content of the same size and time',
      change: (folder) => rewriteUnseen(join(folder, 'input.json')),
    },
    {
      name: 'another file of the same content, size and time',
      change: (folder) => replaceUnseen(join(folder, 'meta.json')),
    },
    { name: 'a new file in a role', change: (folder) => writeFileSync(join(folder, 'run.log'), 'done\n') },
    { name: 'a file that is gone', change: (folder) => rmSync(join(folder, 'output.json')) },
    {
      name: 'a file that has another name',
      change: (folder) => renameSync(join(folder, 'output.json'), join(folder, 'output.txt')),
    },
    {
      name: 'a directory in a role instead of a file',
      change: (folder) => {
        rmSync(join(folder, 'input.json'));
        mkdirSync(join(folder, 'input.json'));
      },
    },
    {
      name: 'a link in a role instead of a file',
      change: (folder) => {
        renameSync(join(folder, 'meta.json'), join(folder, 'real'));
        symlinkSync('real', join(folder, 'meta.json'));
      },
    },
    {
      name: 'a file with a second name elsewhere',
      change: (folder) => linkSync(join(folder, 'input.json'), `${folder}.second`),
    },
    { name: 'a folder that is gone', change: (folder) => rmSync(folder, { recursive: true }) },
    {
      name: 'a file in the folder’s place',
      change: (folder) => {
        rmSync(folder, { recursive: true });
        writeFileSync(folder, '');
      },
    },
    {
      name: 'a copy in the folder’s place',
      change: (folder) => {
        cpSync(folder, `${folder}.copy`, { recursive: true, preserveTimestamps: true });
        rmSync(folder, { recursive: true });
        renameSync(`${folder}.copy`, folder);
      },
    },
    {
      name: 'a file deep in an archive',
      files: archive,
      change: (folder) => rewriteUnseen(join(folder, 'input/more/deep/bounds.csv')),
    },
    {
      name: 'one more file deep in an archive',
      files: archive,
      change: (folder) => writeFileSync(join(folder, 'input/more/deep/more.csv'), ''),
    },
    {
      name: 'a directory that is gone from an archive',
      files: archive,
      change: (folder) => rmSync(join(folder, 'input/more/deep'), { recursive: true }),
    },
  ])('$name', async ({ files = seed, change }) => {
    const compared = await new Compared(files).remembered();
    change(compared.folder);
    expect(compared.signatureNow()).not.toBe(compared.signature);
    expect(compared.differs()).toBe(true);
    expect(compared.differs()).toBe(true);
  });
});

test.each<{ name: string; change: (folder: string) => void }>([
  {
    name: 'our own result',
    change: (folder) => writeFileSync(join(folder, 'nextmv-result.json'), '{}'),
  },
  { name: 'other rights', change: (folder) => chmodSync(folder, 0o750) },
])('what changes the directory and nothing in it is looked at in full once: $name', async ({ change }) => {
  const compared = await new Compared(seed).remembered();
  change(compared.folder);
  for (let round = 0; round < 3; round += 1) expect(compared.differs()).toBe(false);
  expect(compared.looks).toBe(2);
});

test('a folder that was recorded anew meanwhile is not what is remembered of it', async () => {
  const compared = await new Compared(seed).remembered();
  const { signature } = compared;
  appendFileSync(join(compared.folder, 'output.json'), ' ');
  expect(compared.differs()).toBe(true);
  compared.signature = compared.signatureNow() ?? '';
  expect(compared.differs()).toBe(false);
  // As after a restored backup: the folder was something else before.
  compared.signature = signature;
  expect(compared.differs()).toBe(true);
});

test('nor is one that was recorded with a signature that begins alike', async () => {
  const compared = await new Compared(seed).remembered();
  compared.signature = `${compared.signature.slice(0, -2)}xx`;
  expect(compared.differs()).toBe(true);
});

test('a directory that has just changed is not remembered: the same tick may bring more', () => {
  const compared = new Compared(seed, machineClock);
  for (let round = 1; round <= 3; round += 1) {
    expect(compared.differs()).toBe(false);
    expect(compared.looks).toBe(round);
  }
});

test('a large archive is compared in full every time, and what changes in it is seen', () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`input/${String(n)}.csv`, 'a']));
  const compared = new Compared({ ...archive, ...many });
  for (let round = 1; round <= 2; round += 1) {
    expect(compared.differs()).toBe(false);
    expect(compared.looks).toBe(round);
  }
  appendFileSync(join(compared.folder, 'input/39.csv'), 'b');
  expect(compared.differs()).toBe(true);
});

test('a marker that comes or goes makes an open folder other, and a recorded one not', async () => {
  const compared = new Compared(seed);
  const marked = { ...compared.root, marker: 'DONE' };
  const comparison = new Comparison(marked, later);
  const open = (isMarkerMissing: boolean): number =>
    comparison.differing([['weekly', compared.signature, isMarkerMissing]]).length;
  const recorded = (): number => comparison.differing([['weekly', compared.signature]]).length;
  await compared.remembered();
  expect([open(true), open(true), recorded()]).toEqual([0, 0, 0]);
  writeFileSync(join(compared.folder, 'DONE'), '');
  expect([open(true), open(false), open(false), recorded()]).toEqual([1, 0, 0, 0]);
  rmSync(join(compared.folder, 'DONE'));
  expect([open(false), open(true), recorded()]).toEqual([1, 0, 0]);
});

test('a comparison tells of each folder that it gets on, and of each file in one that it looks at', () => {
  expect(new Compared(seed).beatsOf(3)).toBeGreaterThanOrEqual(3);
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`input/${String(n)}`, '1']));
  const { comparison } = new Compared({ ...archive, ...files });
  let beats = 0;
  comparison.differing([['weekly', 'other']], () => (beats += 1));
  expect(beats).toBeGreaterThan(300);
});
