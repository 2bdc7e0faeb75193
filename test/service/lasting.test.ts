/** A run whose outcome stays unknown asks for a person, and goes on being looked for. */
import { expect } from 'vitest';
import { Answers } from '../../src/service/answers.ts';
import { Changes } from '../../src/service/changes.ts';
import { DropRoots } from '../../src/service/dropRoots.ts';
import { Sessions } from '../../src/http/page/sessions.ts';
import { LoopProgress } from '../../src/service/loopProgress.ts';
import { quietLog } from '../../src/system/log.ts';
import { minuteMs, test, type Bench } from '../delivery/bench.ts';
import { until } from '../journey/waiting.ts';

const hourMs = 60 * minuteMs;

function answersOf(bench: Bench): Answers {
  const intakeParts = {
    outbox: bench.outbox,
    folders: bench.folders,
    clock: bench.clock,
    log: quietLog(),
    policy: bench.policy,
    platformId: bench.standIn.endpoint,
    host: 'bench',
    placesOfRoot: () => ({ path: '/', resultsDir: null }),
    runsPerSecond: () => null,
    onEnqueued: () => undefined,
  };
  const progress = new LoopProgress(bench.clock);
  return new Answers({
    intakeParts,
    dropRoots: new DropRoots([], { intakeParts, progress, isDaemon: false }),
    delivery: bench.delivery,
    progress,
    listener: null,
    reloading: null,
    configFile: '/etc/runtrackd/config.yaml',
    sessions: new Sessions('link', null, bench.clock),
    isDaemon: true,
    version: '0.0.0',
    platform: { kind: 'stand-in', endpoint: bench.standIn.endpoint },
    platformId: bench.standIn.endpoint,
    changes: new Changes(),
    view: {
      placesOfRoot: () => ({ path: '/', resultsDir: null }),
      appOfRoot: () => '',
      deadlineMsOfRoot: () => null,
      consoleUrl: () => null,
    },
  });
}

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
