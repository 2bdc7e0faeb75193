/** Adding a solver is a table, and a line in the registry: nothing else knows which solvers there are. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LineReader } from '../../src/solverlog/lines.ts';
import { LogTracker, Tables } from '../../src/solverlog/logTracker.ts';
import type { Solver } from '../../src/solverlog/solver.ts';
import { solvers } from '../../src/solverlog/solvers.ts';
import { bytesOf, parse } from './reading.ts';

const hare: Solver = {
  name: 'hare',
  lines: [
    { line: 'HARE {version:word}, a solver', mark: 'banner' },
    { line: 'model: {variables} columns and {constraints} rows', mark: 'begin' },
    { line: 'the hare rests', mark: 'end', status: 'optimal' },
    { line: 'value {objective}, ran for {runtime_seconds}s' },
  ],
  rowsBegin: '>',
  row: (cells, draft) => {
    draft.incumbent(cells.number(0, 's'), cells.number(1));
    return true;
  },
};

test('a solver that nobody knew is known by its table alone', () => {
  const tracker = new LogTracker(new Tables([...solvers, hare]));
  const reader = new LineReader(
    (bytes, from, to, number, isCut) => tracker.line(bytes, from, to, number, isCut),
    () => tracker.chunkEnds(),
  );
  reader.push(
    Buffer.from(
      'HARE 1.2, a solver\nmodel: 3 columns and 2 rows\n> 12 0.5s\n> 9 1.5s\nthe hare rests\nvalue 9, ran for 2s\n',
    ),
  );
  reader.end();
  expect(tracker.result()).toMatchObject({
    solver: 'hare',
    version: '1.2',
    variables: 3,
    constraints: 2,
    status: 'optimal',
    objective: 9,
    bound: 9,
    gap_relative: 0,
    runtime_seconds: 2,
    incumbents: [
      [0.5, 12],
      [1.5, 9],
    ],
    evidence: { solver: 1, version: 1, variables: 2, objective: 6, bound: 5 },
    solves: 1,
  });
});

test('and the others know nothing of it', async () => {
  const log = await parse(Buffer.concat([Buffer.from('HARE 1.2, a solver\n'), bytesOf('cbc-crlf')]));
  expect(log).toMatchObject({ solver: 'cbc', solves: 1 });
});

test('no file but the registry names a table', () => {
  const folder = join(dirname(fileURLToPath(import.meta.url)), '../../src/solverlog');
  const tables = readdirSync(folder).filter((file) =>
    /^export const \w+: Solver = /m.test(readFileSync(join(folder, file), 'utf8')),
  );
  expect(tables).toHaveLength(solvers.length);
  for (const table of tables) {
    const readers = readdirSync(folder).filter((file) =>
      readFileSync(join(folder, file), 'utf8').includes(`'./${table}'`),
    );
    expect(readers).toEqual(['solvers.ts']);
  }
});

test('every solver has logs, and its name is one of a kind', () => {
  const names = solvers.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
