/** After a run is tracked: its result finds its way, also when its folder does not take it or the platform lost it. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { resultIn } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { minuteMs, test } from './bench.ts';

test('the result of a folder that vanished after it was sent is kept in the state directory', async ({
  bench,
}) => {
  bench.standIn.faults.finalAfterMs = minuteMs;
  const run = await bench.track('plan');
  bench.start();
  await bench.reaches(run, 'tracked');
  rmSync(join(bench.dir, 'plan'), { recursive: true });
  bench.letPass(2 * minuteMs);
  const { warnings, fingerprint } = await bench.reaches(run, 'recorded');
  const kept = join(bench.dir, 'results', `run-${run}`);
  expect(resultIn(kept)?.runtrackd['fingerprint']).toBe(fingerprint);
  expect(warnings.join()).toContain(kept);
});

test('a folder that is not the run’s own any more does not get its result', async ({ bench }) => {
  bench.standIn.faults.finalAfterMs = minuteMs;
  const run = await bench.track('plan');
  bench.start();
  const { key, path } = await bench.reaches(run, 'tracked');
  const [known] = await bench.outbox.folders(key.dropRoot, [path]);
  if (known === undefined) throw new Error('a tracked folder is known');
  await bench.outbox.saveFolder({ ...known, state: 'settling', run: null });
  bench.letPass(2 * minuteMs);
  await bench.reaches(run, 'recorded');
  expect(resultIn(join(bench.dir, 'plan'))).toBeNull();
  expect(resultIn(join(bench.dir, 'results', `run-${run}`))).not.toBeNull();
});

test('a run that the platform does not know any more is parked only when that has lasted', async ({
  bench,
}) => {
  bench.standIn.faults.finalAfterMs = 60 * minuteMs;
  const run = await bench.track('plan');
  bench.start();
  const { life } = await bench.reaches(run, 'tracked');
  const id = life.state.kind === 'tracked' ? life.state.runId : '';
  await bench.call('DELETE', `/runs/${id}`);
  let asked = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'run' && phase === 'done') asked += 1;
  };
  await until('the run to be asked for again', () => {
    bench.letPass(1_000);
    return asked >= 2;
  });
  expect((await bench.run(run)).life.state.kind).toBe('tracked');
  bench.letPass(21 * minuteMs);
  const parked = await bench.reaches(run, 'parked');
  expect(parked.life.state).toMatchObject({
    reason: { class: 'run-deleted' },
    from: { kind: 'tracked', runId: id },
  });
  expect(bench.creates).toBe(1);
});

test('an output of more than a mebibyte is compared, and not put into the result', async ({ bench }) => {
  const big = { solution: { text: 'x'.repeat(1_200_000) } };
  const run = await bench.track('big', {
    'input.json': {},
    'output.json': big,
    'meta.json': { status: 'succeeded' },
  });
  bench.start();
  await bench.reaches(run, 'recorded');
  const result = resultIn(join(bench.dir, 'big'));
  expect(result).not.toHaveProperty('output');
  expect(result?.runtrackd).toMatchObject({ output_file: 'output.json', output_verified: true });
  expect(readFileSync(join(bench.dir, 'big', 'nextmv-result.json'), 'utf8')).not.toContain('signature');
  expect(existsSync(join(bench.dir, 'big', 'nextmv-output.json'))).toBe(false);
});

test('nothing but the result is left in the run folder', async ({ bench }) => {
  const run = await bench.track('plan');
  bench.start();
  await bench.reaches(run, 'recorded');
  expect(readdirSync(join(bench.dir, 'plan')).sort()).toEqual([
    'input.json',
    'meta.json',
    'nextmv-result.json',
    'output.json',
  ]);
});
