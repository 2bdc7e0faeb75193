/** What is asked of a command of the bench: nothing odd is played, and no trial takes the place of a result. */
import { execFile, type ExecFileException } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { understood } from '../../bench/asked.mjs';

const bench = fileURLToPath(new URL('../../bench', import.meta.url));
/** The script of each, and what is odd for it, beside an option that there is not. */
const commands: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'oracle/kills.mjs': [['--kills', '0']],
  'oracle/damages.mjs': [['--seconds', 'x'], ['lok']],
  'oracle/faults.mjs': [['--disks', '1.5'], ['storms']],
  'soak.mjs': [['--minutes', '-1'], ['--seed']],
  'days.mjs': [['--runs', 'many'], ['days']],
  'page-cost.mjs': [['--rounds', 'x'], ['5']],
  'poison-cost.mjs': [['--rounds', 'x'], ['--every']],
  'big-things.mjs': [['uplaod']],
  'solver-logs.mjs': [
    ['--only', 'tabel'],
    ['--solver', 'foo'],
  ],
  'sharing.mjs': [
    ['--hosts', '1,,2'],
    ['--set', 'strideMin'],
    ['--set', 'stride=1'],
  ],
  'profile.mjs': [['drian']],
};

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ended(script: string, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [script, ...args],
      { cwd: bench },
      (error: ExecFileException | null, stdout, stderr) => {
        resolve({
          code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
          stdout,
          stderr,
        });
      },
    );
  });
}

describe('a command of the bench', () => {
  test.concurrent.each(Object.entries(commands))(
    '%s plays nothing that it does not know',
    async (script, odd) => {
      for (const args of [...odd, ['--nonsense', '3'], ['--help=no', '-x']]) {
        const { code, stdout, stderr } = await ended(script, ...args);
        expect({ args, code, stdout, lines: stderr.split('\n').length }).toEqual({
          args,
          code: 2,
          stdout: '',
          lines: 2,
        });
      }
    },
  );

  test.concurrent.each(Object.keys(commands))('%s says what there is', async (script) => {
    const { code, stdout, stderr } = await ended(script, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('npm run bench:');
  });
});

test('what is played with other options is kept apart from the results', async () => {
  const [result, trial] = ['results', '../local/bench-results'].map(
    (place) => `${bench}/${place}/days.json`,
  ) as [string, string];
  const before = readFileSync(result, 'utf8');
  const { code, stdout } = await ended('days.mjs', '--runs', '40', '--rounds', '1', '--thinned', '10');
  expect({ code, isSaid: stdout.includes('no result, and kept apart') }).toEqual({ code: 0, isSaid: true });
  expect(readFileSync(result, 'utf8')).toBe(before);
  expect(JSON.parse(readFileSync(trial, 'utf8'))).toMatchObject({ runs: 40 });
});

describe('a trial is', () => {
  const asking = {
    options: {
      kills: { what: 'how often', usual: 1_000, result: 'more' },
      rounds: { what: 'of each', usual: 5 },
      seed: { what: 'which chances', usual: 1, result: 'any' },
    },
    names: ['storm', 'wire'],
  } as const;
  const isTrial = (...args: string[]): boolean => understood(asking, args).isTrial;

  test('less than usual, or other than usual, or a part of it', () => {
    expect(isTrial('--kills', '999')).toBe(true);
    expect(isTrial('--rounds', '6')).toBe(true);
    expect(isTrial('storm')).toBe(true);
  });

  test('not what is usual, more of the same, another seed, or a part that stands for itself', () => {
    expect(isTrial()).toBe(false);
    expect(isTrial('--kills', '1000', '--rounds=5')).toBe(false);
    expect(isTrial('--kills', '1001')).toBe(false);
    expect(isTrial('--seed', '7')).toBe(false);
    expect(isTrial('storm', 'wire')).toBe(false);
    expect(understood({ ...asking, isEachApart: true }, ['storm'])).toMatchObject({
      isTrial: false,
      names: ['storm'],
    });
  });
});
