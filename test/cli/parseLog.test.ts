/** `parse-log`: what a solver's log says, for people and for programs. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { test } from '../journey/scene.ts';
import { logFile } from '../solverlog/reading.ts';
import { convergencePlot, type Convergence } from '../../src/cli/parseLogPlot.ts';

test.concurrent('the facts stand with their lines, and nothing is drawn into a pipe', async ({ scene }) => {
  const shown = await scene.start(['parse-log', logFile('highs-time-feasible')]).end();
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toMatch(/^ {2}status +feasible +line 41$/m);
  expect(shown.stdout).toMatch(/^ {2}stopped by +time +line 41$/m);
  expect(shown.stdout).toMatch(/^ {2}objective +64440 +line 42$/m);
  expect(shown.stdout).toMatch(/^ {2}gap +0\.5261 % +line 43$/m);
  expect(shown.stdout).not.toContain('best solution');
  // eslint-disable-next-line no-control-regex
  expect(shown.stdout).not.toMatch(/\u001b/);
});

test('whoever reads only the beginning is no error, and nothing is said of it', () => {
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
  const files = Array.from({ length: 40 }, () => logFile('glpk-ex-todd'));
  const script = `'${process.execPath}' '${main}' parse-log --json ${files.join(' ')} | head -c 9; echo " \${PIPESTATUS[0]}"`;
  const shown = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect(shown).toMatchObject({ stdout: '{"file":" 0\n', stderr: '' });
});

test.concurrent('--json is one object a file, with every solve and every line', async ({ scene }) => {
  const files = [logFile('cbc-after-glpk'), logFile('gurobi-bad-file')];
  const shown = await scene.start(['parse-log', '--json', ...files]).end();
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  const [first, second] = shown.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(first).toMatchObject({
    file: files[0],
    solver: 'cbc',
    objective: 223,
    solves: 2,
    solve_list: [
      { solver: 'glpk', objective: 15457 },
      { solver: 'cbc', objective: 223 },
    ],
    evidence: { objective: 68, status: 66 },
  });
  expect(second).toMatchObject({
    file: files[1],
    solver: 'gurobi',
    status: 'error',
    solves: 0,
    solve_list: [],
  });
});

test.concurrent('several solves are told apart', async ({ scene }) => {
  const shown = await scene.start(['parse-log', logFile('cbc-after-glpk')]).end();
  expect(shown.stdout).toContain("2 solves; the facts above are the last one's");
  expect(shown.stdout).toMatch(/^ {2}1 +glpk +optimal +15457/m);
});

test.concurrent('- is standard input', () => {
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
  const shown = spawnSync(process.execPath, [main, 'parse-log', '--json', '-'], {
    input: readFileSync(logFile('scip-stamped')),
    encoding: 'utf8',
  });
  expect(JSON.parse(shown.stdout)).toMatchObject({ file: '-', solver: 'scip', objective: 14007 });
});

test.concurrent(
  'a log of no solver is no failure; a file that is not there is, and the others are read',
  async ({ scene }) => {
    const good = join(scene.dir, 'good.log');
    copyFileSync(logFile('glpk-mip-cover'), good);
    const shown = await scene.start(['parse-log', 'nope.log', logFile('../README.md/..'), good]).end();
    expect(shown.code).toBe(1);
    expect(shown.stderr).toContain('nope.log cannot be read');
    expect(shown.stdout).toContain('glpk');
  },
);

test.concurrent('the picture has both lines, within the terminal', () => {
  const log: Convergence = {
    incumbents: [
      [1, 10],
      [5, 14],
    ],
    bounds: [
      [0, 20],
      [8, 15],
    ],
    runtime_seconds: 10,
  };
  const picture = convergencePlot(log, 80, 24);
  expect(convergencePlot(log, 0, 0)).toBe(picture);
  const lines = picture.split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines[0]).toMatch(/^ +20 \|\.+$/);
  expect(picture).toContain('*');
  expect(lines.at(-2)).toMatch(/0 s +10 s$/);
  expect(convergencePlot({ incumbents: [], bounds: [] })).toBe('');
  expect(convergencePlot({ ...log, bounds: [] }, 30, 24)).toBe('');
});
