/** Results that lie in the state directory, because their folders were away or did not take them, find their way back. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Aside } from '../../src/core/happening.ts';
import { advance } from '../../src/core/lifecycle.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import type { DropRoot } from '../../src/intake/rules.ts';
import type { RootIntake } from '../../src/intake/rootIntake.ts';
import { machineClock } from '../../src/system/clock.ts';
import { until } from '../journey/waiting.ts';
import { platform, road } from '../outbox/runs.ts';
import { test, type Root } from './root.ts';

const hourMs = 3_600_000;
/** All of the road but the last step. */
const onTheWay = road.recorded.slice(0, -1);

interface Kept {
  readonly intake: RootIntake;
  /** By how much the intake's clock is ahead, in ms. */
  readonly time: { aheadMs: number };
  readonly state: () => Promise<string | undefined>;
  readonly isWantedBack: () => Promise<void>;
}

/** A run whose result was not written beside its content, though nobody has seen its folder change. */
async function kept(root: Root, aside: Aside, changes: Partial<DropRoot> = {}): Promise<Kept> {
  const time = { aheadMs: 0 };
  const clock = { ...machineClock, nowMs: () => machineClock.nowMs() + time.aheadMs };
  root.drop('plan');
  const { intake } = root.start({ auditEveryMs: hourMs, ...changes }, false, { clock, platformId: platform });
  const [run] = await until('it to be a run', async () => {
    const runs = await root.outbox.runsAtPath('runs', 'plan', 1);
    return runs.length > 0 && runs;
  });
  const number = run?.run ?? 0;
  const claim = await root.outbox.claimRun(platform, number, clock.nowMs());
  if (claim === null) throw new Error('the run is due');
  for (const happening of [...onTheWay, { kind: 'written', path: 'aside', aside } as const]) {
    const conclusion = advance(claim.life, happening, clock.nowMs(), 0.5, defaultPolicy);
    if (happening.kind === 'written')
      await root.outbox.concludeAside(claim, conclusion, aside, clock.nowMs(), null);
    else await root.outbox.conclude(claim, conclusion, true, clock.nowMs());
    Object.assign(claim, { life: conclusion.life });
  }
  const state = async () => (await root.outbox.run(number))?.life.state.kind;
  return {
    ...{ intake, time, state },
    isWantedBack: () => until('the result to be wanted back', async () => (await state()) === 'final').then(),
  };
}

test('of a folder that was away as soon as it is looked at', async ({ root }) => {
  const { isWantedBack } = await kept(root, 'away');
  await isWantedBack();
});

test('of one that did not take it after the time of an audit', async ({ root }) => {
  const { time, state, isWantedBack } = await kept(root, 'refused');
  await root.severalScans();
  expect(await state()).toBe('recorded');
  time.aheadMs += hourMs;
  await isWantedBack();
});

test('of one that did not take it when a person asks for a scan', async ({ root }) => {
  const { intake, isWantedBack } = await kept(root, 'refused');
  await intake.scan(true);
  await isWantedBack();
});

test('not while it is plain that it would not be taken: nothing is read or asked in vain', async ({
  root,
}) => {
  const resultsDir = join(root.dir, 'results');
  const { time, state, isWantedBack } = await kept(root, 'refused', { resultsDir });
  time.aheadMs += hourMs;
  await root.severalScans();
  expect(await state()).toBe('recorded');
  mkdirSync(resultsDir);
  time.aheadMs += hourMs;
  await isWantedBack();
});
