/** A run whose outcome stays unknown asks for a person, and goes on being looked for. */
import { expect } from 'vitest';
import { minuteMs, test } from '../delivery/bench.ts';
import { until } from '../journey/waiting.ts';
import { answersOf } from './answersOf.ts';

const hourMs = 60 * minuteMs;

test('unknown for a day it is shown as needing a person, is looked for all the same, and is settled in the end', async ({
  bench,
}) => {
  const asked = async () =>
    (await answersOf(bench).status()).needs_person.map(({ run, reason }) => ({ run, why: reason?.class }));
  bench.start();
  await bench.provesThatFingerprintsShow();
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
  const run = await bench.track('lost');
  const { sinceMs } = await bench.missedOnce(run);
  bench.standIn.faults.always(
    { kind: 'list' },
    { kind: 'answer', status: 200, body: '{"runs":[],"next_page_token":""}' },
  );
  bench.letPass(24 * hourMs - 5 * minuteMs);
  expect(await asked()).toEqual([]);
  bench.letPass(10 * minuteMs);
  expect(bench.clock.nowMs() - sinceMs).toBeGreaterThan(24 * hourMs);
  expect(await asked()).toEqual([{ run, why: 'unknown-for-long' }]);
  expect(
    await answersOf(bench).show({ text: `#${run}`, path: `/#${run}`, generation: null, run }),
  ).toMatchObject({
    state: 'unknown',
    reason: { class: 'unknown-for-long' },
  });

  let listings = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'list' && phase === 'done') listings += 1;
  };
  bench.standIn.faults.removeAll();
  await until('the run to be recorded', async () => {
    const { kind } = (await bench.run(run)).life.state;
    // Only while it is waited: an upload during which ten minutes pass again and again is too slow for its URL.
    if (kind === 'unknown') bench.letPass(10 * minuteMs);
    return kind === 'recorded';
  });
  expect(listings).toBeGreaterThan(0);
  expect(await asked()).toEqual([]);
  expect(await bench.copiesOf(run)).toBe(1);
});
