import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDirectories } from '../../src/system/directories.ts';

let dir: string;
beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'rt-directories-'))));
afterAll(() => rmSync(dir, { recursive: true }));

test('all that is missing is made, and what is there stays as it is', () => {
  const there = join(dir, 'there');
  mkdirSync(there, { mode: 0o755 });
  const path = join(there, 'a', 'b');
  expect(makeDirectories(path, 0o700)).toBe(true);
  expect([there, join(there, 'a'), path].map((one) => statSync(one).mode & 0o777)).toEqual([
    0o755, 0o700, 0o700,
  ]);
  expect(makeDirectories(path)).toBe(false);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  symlinkSync(there, join(dir, 'link'));
  expect(makeDirectories(join(dir, 'link'))).toBe(false);
});

test('a file in its place, or in the way to it, is an error', () => {
  const file = join(dir, 'file');
  writeFileSync(file, '');
  expect(() => makeDirectories(file)).toThrow('EEXIST');
  expect(() => makeDirectories(join(file, 'below'))).toThrow('ENOTDIR');
});

test.skipIf(!existsSync('/proc/self'))(
  'where nothing can be made that is an error, and no way without an end (skipped without /proc)',
  () => {
    // In a process of its own: nothing would interrupt a thread of ours that goes round and round.
    const module = new URL('../../dist/system/directories.js', import.meta.url).href;
    const { stdout, signal } = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { makeDirectories } from ${JSON.stringify(module)};
         try { makeDirectories('/proc/none/below'); } catch ({ code }) { console.log(code); }`,
      ],
      { encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' },
    );
    expect({ stdout, signal }).toEqual({ stdout: 'ENOENT\n', signal: null });
  },
);
