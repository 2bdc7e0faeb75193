/** Lines that were made to break a parser. None may be slow, which the limit of the test's time finds, or become a fact. */
import { describe, expect, test } from 'vitest';
import { seriesPointsMax } from '../../src/solverlog/series.ts';
import { solvesListedMax } from '../../src/solverlog/logTracker.ts';
import { solvers } from '../../src/solverlog/solvers.ts';
import { parseSolverLog } from '../../src/solverlog/parseSolverLog.ts';
import { bytesOf, factsOf, parse } from './reading.ts';

const MiB = 1024 * 1024;
const clean = 'gurobi-gap-limit';

/** Before, between and after the lines of a real log. */
async function amid(hostile: Buffer): Promise<object> {
  const lines = bytesOf(clean).toString('latin1').split('\n');
  const half = Math.floor(lines.length / 2);
  const text = (part: readonly string[]): Buffer => Buffer.from(`${part.join('\n')}\n`, 'latin1');
  const end = Buffer.from('\n');
  return factsOf(
    await parse(
      Buffer.concat([
        hostile,
        end,
        text(lines.slice(0, half)),
        hostile,
        end,
        text(lines.slice(half)),
        hostile,
        end,
      ]),
    ),
  );
}

describe('lines that are no lines', () => {
  test.each<{ name: string; bytes: () => Buffer }>([
    { name: 'ten million characters', bytes: () => Buffer.alloc(10 * MiB, 'x') },
    { name: 'ten million digits', bytes: () => Buffer.alloc(10 * MiB, '9') },
    { name: 'ten million blanks', bytes: () => Buffer.alloc(10 * MiB, ' ') },
    { name: 'ten million bars', bytes: () => Buffer.alloc(10 * MiB, '|') },
    { name: 'ten million carriage returns', bytes: () => Buffer.alloc(10 * MiB, '\r') },
    { name: 'a million NULs', bytes: () => Buffer.alloc(MiB) },
    {
      name: 'bytes that are no UTF-8',
      bytes: () => Buffer.from(Array.from({ length: MiB }, (_, at) => 128 + (at % 128))),
    },
    { name: 'words and blanks in turn', bytes: () => Buffer.alloc(MiB, 'a ') },
    { name: 'colours without end', bytes: () => Buffer.alloc(MiB, '\u001b[0m') },
    { name: 'times without end', bytes: () => Buffer.alloc(MiB, '2026-11-22 03:12:44 ') },
  ])('$name', async ({ bytes }) => {
    expect(await amid(bytes())).toEqual(factsOf(await parse(bytesOf(clean))));
  });

  test('the words of a fact at the end of a line that is too long', async () => {
    const line = Buffer.concat([
      Buffer.alloc(100_000, 'x'),
      Buffer.from('Best objective 1, best bound 1, gap 0.0%'),
    ]);
    expect(await amid(line)).toEqual(factsOf(await parse(bytesOf(clean))));
  });
});

describe('bait: what a line of a fact begins with, and then no end', () => {
  const begins = solvers.flatMap(({ name, lines }) =>
    lines.flatMap(({ line }) => [line].flat().map((source) => ({ name, begin: source.split('{')[0] ?? '' }))),
  );
  const tails = [
    '('.repeat(70_000),
    '1 '.repeat(35_000),
    ', '.repeat(35_000),
    '9'.repeat(70_000),
    ' '.repeat(70_000),
    'e+'.repeat(35_000),
  ];
  const filled = solvers.flatMap(({ lines }) =>
    lines.flatMap(({ line }) =>
      [line].flat().map((source) => source.replaceAll(/\{[^}]*\}/g, '1 '.repeat(300))),
    ),
  );

  test.each(solvers.map(({ name }) => name))('%s', async (name) => {
    const bait = begins
      .filter((one) => one.name === name)
      .flatMap(({ begin }) => tails.map((tail) => `${begin}${tail}`));
    // Whatever it says of such lines, it says it, and does not fail.
    await expect(parse(bait.join('\n'))).resolves.toHaveProperty('solves');
    await expect(parse(filled.join('\n'))).resolves.toHaveProperty('solves');
  });
});

test('a log of many solves lists the first and the last ones, and counts all', async () => {
  const one = bytesOf('highs-presolved-away');
  const log = await parseSolverLog(Array.from({ length: solvesListedMax + 500 }, () => one));
  expect(log.solves).toBe(solvesListedMax + 500);
  expect(log.solve_list).toHaveLength(solvesListedMax);
  expect(log).toMatchObject({ status: 'optimal', objective: 495 });
});

test('a long search is a series of a bounded number of points with its first, its last and all between alike', async () => {
  const lines = bytesOf('gurobi-time-feasible').toString('latin1').split('\n');
  const end = lines.findLastIndex((line) => line.startsWith('Cutting planes')) - 1;
  const rows = Array.from({ length: 100_000 }, (_, row) => {
    const seconds = String(Math.floor(row / 20) + 5).padStart(5);
    const bound = (64_700 - row / 1000).toFixed(4);
    return row % 100 === 50
      ? `H${String(row).padStart(6)}${String(row).padStart(6)}                  ${(64_441 + row / 10_000).toFixed(4)} ${bound}  0.45%   5.6${seconds}s`
      : ` ${String(row).padStart(6)}${String(row).padStart(6)} 64511.1234   20   15 64440.0000 ${bound}  0.45%   5.6${seconds}s`.replace(
          '64440.0000',
          (64_441 + (Math.floor((row + 50) / 100) * 100 - 50) / 10_000).toFixed(4),
        );
  });
  const log = await parse([...lines.slice(0, end), ...rows, ...lines.slice(end)].join('\n'));
  expect(log.bounds.length).toBeLessThanOrEqual(seriesPointsMax);
  expect(log.bounds.length).toBeGreaterThan(seriesPointsMax / 4);
  expect(log.bounds.at(-1)?.[1]).toBeCloseTo(64_600.001, 2);
  expect(log.incumbents.length).toBeGreaterThan(seriesPointsMax / 4);
  expect(log.incumbents.at(-1)?.[1]).toBeCloseTo(64_450.995, 2);
  const times = log.bounds.map(([seconds]) => seconds);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(log).toMatchObject({ status: 'feasible', limit: 'time' });
});
