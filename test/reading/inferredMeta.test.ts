/** Without meta.json: what a folder says of itself, and what it does not. */
import { describe, expect, test } from 'vitest';
import type { RunFacts } from '../../src/core/runFacts.ts';
import { endingError, inferMeta, type Evidence, type SaidMeta } from '../../src/reading/inferredMeta.ts';

const nothingSaid: SaidMeta = {
  status: null,
  durationMs: null,
  error: null,
  name: null,
  description: null,
  instanceId: null,
  options: {},
  batchExperimentId: null,
  appId: null,
  metrics: null,
  logs: null,
};
const evidence: Evidence = {
  output: 'output.json',
  log: 'run.log',
  logTail: 'all is well\n',
  inputWrittenMs: 1_000_000,
  resultWrittenMs: 1_042_500,
};

describe('a log ends in an error', () => {
  test.each([
    'CPLEX Error  1016: Promotional version. Problem size limits exceeded.',
    'gurobipy.GurobiError: Model too large for size-limited license',
    'ERROR: cannot open model.mps',
    'Error: unknown option --gapp',
    'make: *** [all] Error 2',
    'Traceback (most recent call last):',
    'FATAL   no licence',
    '*** fatal error: out of range',
    'panic: runtime error: index out of range',
    'Segmentation fault (core dumped)',
    './solve.sh: line 3:  4711 Killed                  ./planner',
    'Killed',
    'Aborted.',
    'terminate called after throwing an instance of std::bad_alloc',
    'java.lang.OutOfMemoryError: Java heap space',
    'forrtl: severe (24): end-of-file during read, unit 5: I/O error: x',
    'solver exited with code 134',
    'process exit status: 1',
  ])('%s', (line) => {
    const found = endingError(`started\n${line}\n\n`);
    expect(found).toBe(line);
  });

  test.each([
    'Optimal solution found, objective 12',
    'error: 0.0001',
    'Relative error : 1.2e-9',
    'max. primal error 2.5',
    'finished with 0 errors',
    'no errors',
    'Error norm = 3',
    'exit code 0',
    'Aborted nodes: 0',
    'killed branches 12',
    '',
  ])('and not in: %s', (line) => {
    expect(endingError(`started\n${line}\n`)).toBeNull();
  });

  test('an error that more than ten lines follow is not its end', () => {
    expect(endingError(`ERROR: restarting\n${'iteration\n'.repeat(9)}`)).toBe('ERROR: restarting');
    expect(endingError(`ERROR: restarting\n${'iteration\n'.repeat(10)}`)).toBeNull();
  });

  test('of several the last is told, whatever ends the lines', () => {
    expect(endingError('ERROR: one\r\nValueError: two\r\n  at line 3\r\n')).toBe('ValueError: two');
  });

  test('a hostile line is only as long as it is looked at', () => {
    const line = `${'error '.repeat(200_000)}: x`;
    expect(endingError(line)).toBeNull();
    expect(endingError(' '.repeat(1_000_000) + 'error' + ' '.repeat(1_000_000))).toBeNull();
  });
});

describe('what follows for the run', () => {
  test('an output is a success, told with its reason, and the time between the files is the duration', () => {
    expect(inferMeta(nothingSaid, evidence, 'output.json')).toMatchObject({
      kind: 'meta',
      meta: {
        status: 'succeeded',
        error: null,
        durationMs: 42_500,
        inferred: [
          'status succeeded: output.json is there',
          'duration 42.5 s: from the last change of the input to that of output.json',
        ],
      },
    });
  });

  test('an output is a success even where the log ends in an error: the solver has found something', () => {
    const failing = { ...evidence, logTail: 'ERROR: licence expires tomorrow\n' };
    expect(inferMeta(nothingSaid, failing, 'output.json')).toMatchObject({
      meta: { status: 'succeeded', error: null },
    });
  });

  test('no output and a log that ends in an error is a failure with that error', () => {
    const failing = { ...evidence, output: null, logTail: 'x\nValueError: no\n' };
    expect(inferMeta(nothingSaid, failing, 'output.json')).toMatchObject({
      meta: {
        status: 'failed',
        error: 'ValueError: no',
        inferred: [
          'status failed: there is no output, and run.log ends in an error',
          'error: the last line of run.log that is one',
          'duration 42.5 s: from the last change of the input to that of run.log',
        ],
      },
    });
  });

  test.each([
    [{ output: null }, 'waiting for output.json, unless run.log ends in an error'],
    [{ output: null, log: null, logTail: '' }, 'waiting for output.json'],
  ])('no output and no error is waited for: %o', (part, reason) => {
    expect(inferMeta(nothingSaid, { ...evidence, ...part }, 'output.json')).toEqual({
      kind: 'waiting',
      reason,
    });
  });

  test('what meta.json says is not inferred', () => {
    const said = { ...nothingSaid, status: 'failed', error: 'mine', durationMs: 7 } as const;
    const failing = { ...evidence, logTail: 'ERROR: theirs\n' };
    expect(inferMeta(said, failing, 'output.json')).toEqual({
      kind: 'meta',
      meta: { ...said, inferred: [] },
    });
  });

  test.each([
    { what: 'written in one moment', resultWrittenMs: 1_000_000 },
    { what: 'the input was written last', resultWrittenMs: 999_000 },
    { what: 'neither is there', resultWrittenMs: null },
    { what: 'more than a year apart', resultWrittenMs: 1_000_000 + 400 * 86_400_000 },
  ])('no duration is made up: $what', ({ resultWrittenMs }) => {
    const inferred = inferMeta(
      { ...nothingSaid, status: 'succeeded' },
      { ...evidence, resultWrittenMs },
      'output.json',
    );
    expect(inferred).toMatchObject({ meta: { durationMs: null, inferred: [] } });
  });
});

describe('what the solver says in its log', () => {
  const facts = (more: Partial<RunFacts>): RunFacts => ({
    solver: 'scip',
    solves: 1,
    evidence: { status: 12 },
    incumbents: [],
    bounds: [],
    ...more,
  });
  const nothingLeft = { output: null, resultWrittenMs: null };
  type Says = Partial<RunFacts>;

  test.each<{ name: string; says: Says; left: Partial<Evidence>; status: string; error: string }>([
    {
      name: 'that it failed, whatever output is there',
      says: { status: 'error', error: 'cannot read model.mps' },
      left: {},
      status: 'failed',
      error: 'cannot read model.mps',
    },
    {
      name: 'that it stopped without a solution, and there is no output',
      says: { status: 'no_solution', limit: 'time' },
      left: nothingLeft,
      status: 'failed',
      error: 'scip stopped without a solution',
    },
    {
      name: 'that it was interrupted without a solution, and there is no output',
      says: { status: 'interrupted' },
      left: nothingLeft,
      status: 'failed',
      error: 'scip was interrupted without a solution',
    },
  ])('$name: the run has failed', ({ says, left, status, error }) => {
    expect(inferMeta(nothingSaid, { ...evidence, ...left, facts: facts(says) }, 'output.json')).toMatchObject(
      { kind: 'meta', meta: { status, error } },
    );
  });

  test.each(['infeasible', 'unbounded', 'infeasible_or_unbounded'] as const)(
    'that the model is %s is what the drop root says it is',
    (status) => {
      const seen = { ...evidence, facts: facts({ status }) };
      expect(inferMeta(nothingSaid, seen, 'output.json', 'succeeded')).toMatchObject({
        meta: { status: 'succeeded', error: null },
      });
      expect(inferMeta(nothingSaid, seen, 'output.json', 'failed')).toMatchObject({
        meta: { status: 'failed', error: `the model is ${status.replaceAll('_', ' ')} (scip)` },
      });
      const alone = { ...seen, ...nothingLeft };
      expect(inferMeta(nothingSaid, alone, 'output.json', 'failed')).toMatchObject({
        meta: {
          status: 'failed',
          inferred: [
            expect.stringContaining(
              'status failed: there is no output, and line 12 of run.log says',
            ) as string,
            'error: what line 12 of run.log says',
          ],
        },
      });
      expect(inferMeta(nothingSaid, alone, 'output.json', 'succeeded').kind).toBe('waiting');
    },
  );

  test('that it ended well is no output: the run waits for one', () => {
    const seen = { ...evidence, ...nothingLeft, facts: facts({ status: 'optimal', objective: 3 }) };
    expect(inferMeta(nothingSaid, seen, 'output.json').kind).toBe('waiting');
  });

  test.each([
    [facts({ runtime_seconds: 1.25 }), 1_250, 'what run.log says'],
    [facts({ runtime_seconds: 0 }), 42_500, 'from the last change of the input to that of output.json'],
    [facts({ runtime_seconds: 1.25, solves: 2 }), 42_500, 'from the last change'],
  ])('of the time it took: %j is %i ms', (says, durationMs, from) => {
    expect(inferMeta(nothingSaid, { ...evidence, facts: says }, 'output.json')).toMatchObject({
      meta: {
        durationMs,
        inferred: [expect.anything(), expect.stringContaining(from)] as unknown[],
      },
    });
  });

  test('does not count against what meta.json says', () => {
    const said = { ...nothingSaid, status: 'succeeded', durationMs: 7 } as const;
    const seen = { ...evidence, facts: facts({ status: 'error', runtime_seconds: 3 }) };
    expect(inferMeta(said, seen, 'output.json')).toMatchObject({
      meta: { status: 'succeeded', error: null, durationMs: 7, inferred: [] },
    });
  });
});
