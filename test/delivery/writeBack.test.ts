/** After a run is tracked: its result finds its way, also when its folder does not take it or the platform lost it. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { resultIn } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { minuteMs, test, type Bench } from './bench.ts';

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

describe('a large output that does not come back byte for byte', () => {
  const big = { solution: { text: 'é'.repeat(700_000), values: [1, 2.5] } };
  const files = {
    'input.json': {},
    'output.json': JSON.stringify(big, null, 9),
    'meta.json': { status: 'succeeded' },
  };
  /** What the platform keeps is replaced before it is asked for. */
  const kept = async (bench: Bench, text: string): Promise<unknown> => {
    bench.onRequest = ({ kind, phase }) => {
      if (kind !== 'create' || phase !== 'done') return;
      const uploads = join(bench.dir, 'platform', 'uploads');
      for (const name of readdirSync(uploads).filter((file) => statSync(join(uploads, file)).size > 1e6))
        writeFileSync(join(uploads, name), padded(text, statSync(join(uploads, name)).size));
    };
    const run = await bench.track('big', files);
    bench.start();
    await bench.reaches(run, 'recorded');
    const warnings = (await bench.run(run)).warnings;
    return { ...resultIn(join(bench.dir, 'big'))?.runtrackd, warnings };
  };

  test('is the same where it only is written in another way', async ({ bench }) => {
    const { solution } = big;
    const text = `{ "solution": { "text": "${solution.text}", "values":[1.0,25e-1] }}`;
    expect(await kept(bench, text)).toMatchObject({
      output_verified: true,
      warnings: [],
    });
    expect((await bench.outbox.counts()).differing).toBe(0);
  });

  test('is different where it says something else', async ({ bench }) => {
    expect(await kept(bench, '{"solution":{}}')).toMatchObject({
      output_verified: false,
      warnings: [expect.stringContaining('different from what was sent')],
    });
    expect((await bench.outbox.counts()).differing).toBe(1);
  });
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

function padded(text: string, bytes: number): Buffer {
  return Buffer.concat([Buffer.from(text), Buffer.alloc(bytes - Buffer.byteLength(text), ' ')]);
}
