/**
 * The solvers' logs: what is read of the 254 with known truth, beside the best public parser found, and how fast a long log
 * is read, beside `wc -l`: 1 GiB of each solver whose log grows long, and 5 GiB of one.
 *
 *   npm run bench:logs [-- --only table|speed] [--solver gurobi] [--size-gib 1]
 *
 * The other parser is miplog 0.2.0 from PyPI; without it only ours is judged, and that is no result:
 *   python3 -m venv local/miplog-venv && local/miplog-venv/bin/pip install miplog==0.2.0
 */
import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { anyNumber, asked, oneOf } from './asked.mjs';
import { isInLog, judge, scoredFields } from './logScoring.mjs';
import { longLogSolvers, writeLongLog } from './longLog.mjs';
import { machine } from './machine.mjs';
import { watchTurns } from './turns.mjs';

const project = fileURLToPath(new URL('..', import.meta.url));
const logs = join(project, 'test/solverlog/logs');
const miplogPython = join(project, 'local/miplog-venv/bin/python');
const goalShare = 1 / 20;
/** One that is so long that beginning counts for nothing. */
const longest = { solver: 'gurobi', gib: 5 };

async function parse(file) {
  const { parseSolverLog } = await import(new URL('../dist/index.js', import.meta.url));
  return parseSolverLog(pieces(file));
}

/** As the program reads it: one piece while the one before it is parsed, which holds nothing of it. */
async function* pieces(file) {
  const handle = await open(file);
  try {
    const next = (buffer) => handle.read(buffer, 0, buffer.length, null);
    let coming = next(Buffer.allocUnsafe(256 * 1024));
    let free = Buffer.allocUnsafe(256 * 1024);
    for (;;) {
      const { bytesRead, buffer } = await coming;
      if (bytesRead === 0) return;
      coming = next(free);
      yield buffer.subarray(0, bytesRead);
      free = buffer;
    }
  } finally {
    await handle.close();
  }
}

/** The statuses of miplog in our words; a limit says what stopped it, so whether there is a solution decides. */
function inOurWords({ solver, version, termination, timing, bounds, tree, presolve }) {
  const limit = /^(time|node|gap|solution|memory)_?limit$/.exec(termination?.status ?? '')?.[1] ?? null;
  const words = {
    optimal: 'optimal',
    infeasible: 'infeasible',
    unbounded: 'unbounded',
    inf_or_unbd: 'infeasible_or_unbounded',
    infeasible_or_unbounded: 'infeasible_or_unbounded',
    user_interrupt: 'interrupted',
    interrupted: 'interrupted',
    numerical_error: 'error',
    error: 'error',
  };
  const stopped = bounds?.primal == null ? 'no_solution' : 'feasible';
  return {
    solver: solver?.replace('_', '-').replace('lp-solve', 'lp_solve'),
    version,
    status: limit === null ? words[termination?.status] : stopped,
    limit,
    objective: bounds?.primal,
    bound: bounds?.dual,
    gap_relative: bounds?.gap,
    runtime_seconds: timing?.wall_seconds,
    nodes: tree?.nodes_explored,
    simplex_iterations: tree?.simplex_iterations,
    solutions_found: tree?.solutions_found,
    variables: presolve?.cols_before,
    constraints: presolve?.rows_before,
  };
}

function readByMiplog(cases) {
  if (!existsSync(miplogPython)) return null;
  const script = `
import json, math, sys, miplog
def clean(value):
    if isinstance(value, float): return value if math.isfinite(value) else None
    return {key: clean(one) for key, one in value.items()} if isinstance(value, dict) else None if isinstance(value, list) else value
for line in sys.stdin:
    try: print(json.dumps(clean(miplog.parse_file(line.strip()))))
    except Exception: print("null")
`;
  const ran = spawnSync(miplogPython, ['-c', script], {
    input: cases.map((name) => join(logs, name, 'run.log')).join('\n'),
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  const lines = ran.stdout.trim().split('\n');
  return new Map(cases.map((name, index) => [name, inOurWords(JSON.parse(lines[index] ?? 'null') ?? {})]));
}

/** @returns by solver and field: how many values there are that the log may hold, how many are right, wrong, invented */
function count(cases, truths, factsOf) {
  const bySolver = {};
  for (const name of cases) {
    const truth = truths.get(name);
    for (const [field, verdict] of Object.entries(judge(truth, factsOf(name)))) {
      if (verdict === null || (verdict === 'missing' && isInLog(truth, field) === false)) continue;
      for (const solver of [truth.solver, 'all']) {
        const cell = ((bySolver[solver] ??= {})[field] ??= { of: 0, right: 0, wrong: 0, invented: 0 });
        if (verdict !== 'invented') cell.of += 1;
        if (verdict !== 'missing') cell[verdict] += 1;
      }
    }
  }
  // All of them last.
  const { all, ...rest } = bySolver;
  return { ...rest, all };
}

const cellText = ({ of, right, wrong, invented } = { of: 0, right: 0, wrong: 0, invented: 0 }) =>
  of + invented === 0 ? '-' : `${right}/${of}${wrong + invented > 0 ? ` (${wrong + invented} wrong)` : ''}`;

function print(title, counts) {
  console.log(`\n${title}: right/known, of values that the log may hold`);
  console.table(
    Object.fromEntries(
      Object.entries(counts).map(([solver, cells]) => [
        solver,
        Object.fromEntries(scoredFields.map((field) => [field, cellText(cells[field])])),
      ]),
    ),
  );
}

async function table() {
  const cases = readdirSync(logs).filter((name) => existsSync(join(logs, name, 'truth.json')));
  const truths = new Map(
    cases.map((name) => [name, JSON.parse(readFileSync(join(logs, name, 'truth.json'), 'utf8'))]),
  );
  const ours = new Map();
  for (const name of cases) ours.set(name, await parse(join(logs, name, 'run.log')));
  const runtrackd = count(cases, truths, (name) => ours.get(name));
  print('runtrackd', runtrackd);
  const theirs = readByMiplog(cases);
  if (theirs === null) {
    console.log(
      `\nmiplog is not installed in ${miplogPython}: nothing to compare with (see the head of this file)`,
    );
    return { runtrackd };
  }
  const miplog = count(cases, truths, (name) => theirs.get(name));
  print('miplog 0.2.0', miplog);
  return { runtrackd, 'miplog 0.2.0': miplog };
}

/** Runs in a process of its own, so that its memory is its own. */
async function readOnce(file, isWatched) {
  // Loading the program is no part of it.
  await import(new URL('../dist/index.js', import.meta.url));
  const turns = isWatched ? watchTurns() : null;
  const beganMs = performance.now();
  const before = process.cpuUsage();
  const { status, objective, solves } = await parse(file);
  const seconds = (performance.now() - beganMs) / 1000;
  const { user, system } = process.cpuUsage(before);
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  console.log(
    JSON.stringify({
      seconds,
      cpuSeconds: (user + system) / 1e6,
      longestTurnMs: turns?.() ?? null,
      peakMiB: Math.round(Number(peak) / 1024),
      says: { status, objective, solves },
    }),
  );
}

function timeWc(file) {
  const beganMs = performance.now();
  const ran = spawnSync('wc', ['-l', file], { encoding: 'utf8' });
  return { seconds: (performance.now() - beganMs) / 1000, lines: Number(ran.stdout.split(' ')[0]) };
}

function speed(solver, sizeGiB) {
  const dir = mkdtempSync(join(tmpdir(), 'rt-logs-'));
  const file = join(dir, 'run.log');
  try {
    writeLongLog(file, solver, sizeGiB * 1024 ** 3);
    const bytes = statSync(file).size;
    const read = (...more) => {
      const args = [fileURLToPath(import.meta.url), '--read', file, ...more];
      const ran = spawnSync(process.execPath, args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      return JSON.parse(ran.stdout);
    };
    // The best of three, in turn: others may be at work on the machine.
    const rounds = [1, 2, 3].map(() => ({ wc: timeWc(file), ours: read() }));
    const wcSeconds = Math.min(...rounds.map(({ wc }) => wc.seconds));
    const best = rounds.map(({ ours }) => ours).sort((a, b) => a.seconds - b.seconds)[0];
    return {
      solver,
      gib: Number((bytes / 1024 ** 3).toFixed(2)),
      lines: rounds[0].wc.lines,
      wcSeconds: Number(wcSeconds.toFixed(3)),
      seconds: Number(best.seconds.toFixed(2)),
      cpuSeconds: Number(best.cpuSeconds.toFixed(2)),
      mbPerSecond: Math.round(bytes / 1e6 / best.seconds),
      shareOfWc: Number((wcSeconds / best.seconds).toFixed(3)),
      isGoalMet: wcSeconds / best.seconds >= goalShare,
      peakMiB: Math.max(...rounds.map(({ ours }) => ours.peakMiB)),
      longestTurnMs: Number(read('--turns').longestTurnMs.toFixed(1)),
      says: best.says,
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function all() {
  const { values, keep } = asked({
    command: 'bench:logs',
    what: 'What is read of 254 logs with known truth, beside miplog, and how fast a long one is, beside `wc -l`.',
    options: {
      only: { what: 'one half of it', is: oneOf(['table', 'speed']) },
      solver: { what: 'the speed with one alone', is: oneOf(longLogSolvers) },
      'size-gib': { what: 'how long a log is', usual: 1, is: anyNumber },
    },
  });
  const { only, solver, 'size-gib': gib } = values;
  const results = { machine: machine() };
  if (only !== 'speed') results.table = await table();
  if (only !== 'table') {
    const sizes = (solver === undefined ? longLogSolvers : [solver]).map((one) => ({ solver: one, gib }));
    if (solver === undefined) sizes.push(longest);
    results.goal = goalShare;
    results.speed = sizes.map((one) => speed(one.solver, one.gib));
    console.log(`\nspeed, the goal is ${goalShare} of wc -l`);
    console.table(results.speed);
  }
  keep('solver-logs.json', `${JSON.stringify(results, null, 2)}\n`, existsSync(miplogPython));
}

// This file again, in a process of its own: reads one log.
if (process.argv[2] === '--read') await readOnce(process.argv[3], process.argv[4] === '--turns');
else await all();
