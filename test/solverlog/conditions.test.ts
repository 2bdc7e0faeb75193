/** What happens to logs on their way: the facts stay the same, or become fewer, and never others. */
import { describe, expect, test } from 'vitest';
import { judge } from '../../bench/logScoring.mjs';
import { parseSolverLog } from '../../src/solverlog/parseSolverLog.ts';
import { bytesOf, cases, factsOf, parse, truthOf } from './reading.ts';

/** Plain ones of every kind, and not those that are odd already. */
const plain = cases.filter((name) => !String(truthOf(name)['kind']).startsWith('odd-'));
const textOf = (name: string): string => bytesOf(name).toString('latin1');
const parseLatin = (text: string) => parse(Buffer.from(text, 'latin1'));
const eachLine = (text: string, change: (line: string, index: number) => string): string =>
  text
    .split('\n')
    .map((line, index, lines) => (index === lines.length - 1 && line === '' ? line : change(line, index)))
    .join('\n');
const stamp = (index: number): string =>
  `2026-11-22 03:12:${String(Math.floor(index / 10) % 60).padStart(2, '0')},${String(index % 1000).padStart(3, '0')}`;

const changes: readonly { name: string; change: (text: string) => string }[] = [
  { name: 'CRLF line ends', change: (text) => eachLine(text, (line) => `${line.replace(/\r$/, '')}\r`) },
  {
    name: 'a container’s name before each line',
    change: (text) => eachLine(text, (line) => `solver-1  | ${line}`),
  },
  {
    name: 'a time and a level before each line',
    change: (text) => eachLine(text, (line, at) => `${stamp(at)} INFO ${line}`),
  },
  {
    name: 'a time, a level and a logger’s name before each line',
    change: (text) => eachLine(text, (line, at) => `${stamp(at)} INFO planner.solve: ${line}`),
  },
  { name: 'Python’s own way of logging', change: (text) => eachLine(text, (line) => `INFO:root:${line}`) },
  {
    name: 'times in brackets',
    change: (text) => eachLine(text, (line, at) => `[${stamp(at).slice(11)}] ${line}`),
  },
  {
    name: 'what a cluster’s runtime writes',
    change: (text) => eachLine(text, (line) => `2026-11-22T03:12:44.123456789Z stdout F ${line}`),
  },
  {
    name: 'what the system’s journal writes',
    change: (text) => eachLine(text, (line) => `Nov 22 03:12:44 planner-03 plan.sh[4711]: ${line}`),
  },
  {
    name: 'a container’s name, a time, a level and CRLF',
    change: (text) =>
      eachLine(text, (line, at) => `solver-1  | ${stamp(at)} INFO ${line.replace(/\r$/, '')}\r`),
  },
  {
    name: 'other programs’ lines before and after',
    change: (text) =>
      `[build] reading 14 input tables\nStatus: model assembled, 3 warnings\nobjective weights: cost=1.0\n${text}\n` +
      'objective check: recomputed 1234.5 in report units\nstatus=OK\nTotal runtime 99.9 s incl. upload\nGap analysis: 12.5% of rows\n',
  },
];

describe.each(changes)('$name', ({ change }) => {
  test.each(plain)('%s', async (name) => {
    // What prints no times has a series by those in front of its lines.
    const series = /^(glpk|lp_solve)-/.test(name) ? { incumbents: [], bounds: [] } : {};
    const changed = { ...factsOf(await parseLatin(change(textOf(name)))), ...series };
    expect(changed).toEqual({ ...factsOf(await parse(bytesOf(name))), ...series });
  });
});

test.each(['gurobi-gap-limit', 'scip-mip-gap', 'cbc-mip-knap'])(
  '%s as a Windows shell writes it',
  async (name) => {
    const text = textOf(name).replaceAll('\n', '\r\n');
    const plainFacts = factsOf(await parse(bytesOf(name)));
    expect(factsOf(await parse(Buffer.from(`\ufeff${text}`, 'utf16le')))).toEqual(plainFacts);
    expect(factsOf(await parse(Buffer.from(`\ufeff${text}`, 'utf8')))).toEqual(plainFacts);
  },
);

test.each(plain)('%s: pieces of any size are the same log', async (name) => {
  const bytes = bytesOf(name);
  const pieces = (size: number): Uint8Array[] =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
  const whole = await parse(bytes);
  for (const size of [1, 7, 80, 4_096]) expect(await parseSolverLog(pieces(size))).toEqual(whole);
});

/** Where the truth counts otherwise than the program, see truth.test.ts. */
const countedOtherwise = ['glpk-ex-dist', 'glpk-ex-plan'];

async function wrongOf(name: string, part: string, mayDiffer: readonly string[]): Promise<string[]> {
  const log = await parseLatin(part);
  return Object.entries(judge(truthOf(name), log))
    .filter(
      ([field, verdict]) => (verdict === 'wrong' || verdict === 'invented') && !mayDiffer.includes(field),
    )
    .map(([field]) => field);
}

describe('a part of a log says less, and nothing else', () => {
  // Of several solves, a part may have fewer.
  const single = plain.filter((name) => truthOf(name).solves === 1 && !countedOtherwise.includes(name));

  test.each(single)('%s without its beginning', async (name) => {
    const lines = textOf(name).split('\n');
    for (const share of [0.1, 0.33, 0.5, 0.66, 0.8, 0.95]) {
      const part = lines.slice(Math.floor(lines.length * share)).join('\n');
      expect(await wrongOf(name, part, ['solves'])).toEqual([]);
    }
  });

  test.each(single)('%s without its end', async (name) => {
    const text = textOf(name);
    for (const share of [0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95]) {
      const part = text.slice(0, Math.floor(text.length * share));
      // The best solution so far is what the part knows, and has no gap then.
      expect(await wrongOf(name, part, ['objective', 'solves'])).toEqual([]);
    }
  });
});

test('of two logs one after the other the last counts, and both are listed', async () => {
  const singles = [
    'gurobi-gap-limit',
    'cbc-mip-knap',
    'glpk-mip-cover',
    'highs-lp-transport',
    'scip-mip-gap',
    'copt-mip-gap',
  ];
  for (const first of singles) {
    for (const second of singles) {
      const both = await parse(Buffer.concat([bytesOf(first), Buffer.from('\n'), bytesOf(second)]));
      const [one, other] = [await parse(bytesOf(first)), await parse(bytesOf(second))];
      expect(both.solves).toBe(2);
      expect(both.solve_list.map(({ objective, solver, status }) => ({ objective, solver, status }))).toEqual(
        [one, other].map(({ objective, solver, status }) => ({ objective, solver, status })),
      );
      expect(both.objective).toBe(other.objective);
    }
  }
});

describe('a solver that prints no times has its series from those in front of its lines', () => {
  const glpk = [
    'GLPSOL--GLPK LP/MIP Solver 5.0',
    '+     8: mip =     not found yet <=              +inf        (1; 0)',
    '+    15: >>>>>   3.929095000e+06 <=   4.194303000e+06   6.7% (8; 0)',
    'Solution found by heuristic: 3936199',
    '+    37: mip =   3.936199000e+06 <=   4.100000000e+06   4.2% (22; 7)',
    '',
  ];
  const stamped = (times: readonly string[]) =>
    parse(glpk.map((line, index) => `${times[index] ?? ''} ${line}`).join('\n'));

  test.each([
    {
      name: 'with a date',
      times: ['00', '01', '03', '05', '08'].map((second) => `2026-11-22 03:12:${second},250 INFO`),
    },
    {
      name: 'over midnight, without a date',
      times: ['23:59:58.5', '23:59:59.5', '00:00:01.5', '00:00:03.5', '00:00:06.5'].map((at) => `[${at}]`),
    },
    { name: 'as seconds', times: [0, 1, 3, 5, 8].map((second) => `[${String(1_732_243_960 + second)}.125]`) },
  ])('$name', async ({ times }) => {
    expect(await stamped(times)).toMatchObject({
      incumbents: [
        [3, 3_929_095],
        [5, 3_936_199],
      ],
      bounds: [
        [3, 4_194_303],
        [8, 4_100_000],
      ],
    });
  });

  test('without times there is none, and where a clock was set back it ends', async () => {
    expect(await stamped([])).toMatchObject({ objective: 3_936_199, incumbents: [], bounds: [] });
    const setBack = ['03:12:44', '03:12:45', '03:12:46', '02:12:46', '02:12:47'];
    const log = await stamped(setBack.map((time) => `2026-10-25 ${time}`));
    expect(log).toMatchObject({ incumbents: [[2, 3_929_095]], bounds: [[2, 4_194_303]] });
  });

  test('of lp_solve', async () => {
    const lines = [
      "Model name: 'plan' - run #1    ",
      'Improved solution      12 after         40 iter,         7 nodes (gap 1.0%)',
    ];
    const log = await parse(lines.map((line, index) => `03:12:4${String(index)} ${line}`).join('\n'));
    expect(log.incumbents).toEqual([[1, 12]]);
  });
});

test('a decimal comma is read where it can be nothing else', async () => {
  const log = await parse(
    [
      'Gurobi Optimizer version 11.0.3 build v11.0.3rc0 (linux64)',
      'Optimize a model with 10 rows, 100 columns and 1000 nonzeros',
      'Explored 1 nodes (24 simplex iterations) in 12,34 seconds (0,01 work units)',
      'Optimal solution found (tolerance 1,00e-04)',
      'Best objective 4,193200000000e+04, best bound 4,193300000000e+04, gap 0,0024%',
    ].join('\n'),
  );
  expect(log).toMatchObject({ objective: 41932, bound: 41933, runtime_seconds: 12.34, variables: 100 });
  const ambiguous = await parse(
    'Gurobi Optimizer version 11.0.3 build x\nOptimize a model with 1 rows, 1 columns and 1 nonzeros\nOptimal objective  1,234\n',
  );
  expect(ambiguous).toMatchObject({ status: 'optimal' });
  expect(ambiguous.objective).toBeUndefined();
});

test.each([
  '',
  'hello\n',
  'status: OPTIMAL\nobjective: 12\n',
  'Objective value: 12\nGap: 0.1\n',
  '\0\0\0\n',
  'solver-1  | nothing\n',
])('a log that is no solver’s is simply a log: %j', async (text) => {
  expect(await parse(text)).toEqual({ solves: 0, evidence: {}, incumbents: [], bounds: [], solve_list: [] });
});

test('a signal ends it with its reason', async () => {
  const aborted = AbortSignal.abort(new Error('enough'));
  await expect(parseSolverLog([bytesOf('cbc-crlf')], { signal: aborted })).rejects.toThrow('enough');
});
