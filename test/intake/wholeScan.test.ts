/** What the first whole scan finds after the outbox was found to be behind: it may have been sent, whatever its times say. */
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { IntakeParts } from '../../src/intake/parts.ts';
import type { RootIntake } from '../../src/intake/rootIntake.ts';
import type { DropRoot } from '../../src/intake/rules.ts';
import { machineClock } from '../../src/system/clock.ts';
import { plan, writeFiles } from '../journey/folders.ts';
import { test, type Root } from './root.ts';

const hourMs = 3_600_000;

interface Scanned {
  readonly intake: RootIntake;
  /** Scans once. */
  readonly scan: () => Promise<void>;
  /** What was found by the last scan has been quiet for long enough, and is looked at once more. */
  readonly settle: () => Promise<void>;
  /** The wall clock is set. */
  readonly setClock: (byMs: number) => void;
  readonly kinds: () => Promise<Readonly<Record<string, string>>>;
}

/** Of an outbox that has not been believed for an hour: whatever lies in the root has changed since. */
async function distrusted(
  root: Root,
  parts: Partial<IntakeParts> = {},
  changes: Partial<DropRoot> = {},
): Promise<Scanned> {
  const { outbox } = root;
  let [restedMs, aheadMs] = [0, 0];
  const clock = {
    ...machineClock,
    nowMs: () => machineClock.nowMs() + aheadMs,
    monotonicMs: () => machineClock.monotonicMs() + restedMs,
  };
  const { policy } = root.parts();
  await outbox.beginDistrust('a reason', null, { nowMs: clock.nowMs() - hourMs, random: 0.5, policy });
  const intake = root.intake({ settle: { quietMs: hourMs, deadlineMs: 24 * hourMs }, ...changes }, false, {
    ...parts,
    clock,
  });
  const scan = async (): Promise<void> => {
    await intake.scan(false);
  };
  return {
    intake,
    scan,
    settle: async () => {
      restedMs += hourMs;
      await scan();
    },
    setClock: (byMs) => (aheadMs += byMs),
    kinds: async () => {
      const runs = await outbox.list({
        states: [],
        dropRoot: null,
        sinceMs: null,
        beforeRun: null,
        limit: 99,
      });
      return Object.fromEntries(runs.map(({ path, life }) => [path, life.state.kind]));
    },
  };
}

test('a folder that has to settle yet is looked for before it is sent, and one that comes later is not', async ({
  root,
}) => {
  const { scan, settle, kinds, intake } = await distrusted(root);
  root.drop('found');
  await scan();
  expect(await kinds()).toEqual({});
  root.drop('later');
  await settle();
  expect(await kinds()).toEqual({ found: 'unknown' });
  await settle();
  expect(await kinds()).toEqual({ found: 'unknown', later: 'queued' });
  await intake.stop();
});

test('a clock that is set back while it scans makes nothing new of what it had seen before', async ({
  root,
}) => {
  let onSecond = (): void => undefined;
  const folders = root.foldersBut({
    look: async (...asked) => {
      if (asked[1].endsWith('/second')) onSecond();
      return await root.folders.look(...asked);
    },
  });
  const { scan, settle, kinds, setClock, intake } = await distrusted(root, { folders });
  root.drop('first');
  await intake.lookNow('first');
  root.drop('second');
  onSecond = () => {
    setClock(-60_000);
    onSecond = () => undefined;
  };
  await scan();
  await settle();
  expect(await kinds()).toEqual({ first: 'unknown', second: 'unknown' });
  await intake.stop();
});

test('while a folder cannot be looked at, nothing is known to have come since', async ({ root }) => {
  let isAway = true;
  const folders = root.foldersBut({
    look: async (...asked) => {
      if (isAway && asked[1].endsWith('/hung')) throw Object.assign(new Error('away'), { code: 'ETIMEDOUT' });
      return await root.folders.look(...asked);
    },
  });
  const { scan, settle, kinds, intake } = await distrusted(root, { folders });
  root.drop('hung');
  await scan();
  isAway = false;
  await scan();
  root.drop('later');
  await settle();
  await settle();
  expect(await kinds()).toEqual({ hung: 'unknown', later: 'queued' });
  await intake.stop();
});

test('while a date folder cannot be listed, what lies in it is not known to have come since', async ({
  root,
}) => {
  let isClosed = true;
  const folders = root.foldersBut({
    names: async (...asked) => {
      if (isClosed && asked[1].endsWith('2026-01'))
        throw Object.assign(new Error('closed'), { code: 'EACCES' });
      return await root.folders.names(...asked);
    },
  });
  const { scan, settle, kinds, intake } = await distrusted(root, { folders }, { depth: 2 });
  root.drop('2026-01/old');
  root.drop('2026-02/seen');
  await scan();
  await scan();
  isClosed = false;
  // Whoever gives it to the daemon's user makes all that is in it look new.
  chmodSync(join(root.path, '2026-01/old/input.json'), 0o640);
  await scan();
  await settle();
  expect(await kinds()).toEqual({ '2026-01/old': 'unknown', '2026-02/seen': 'unknown' });
  await intake.stop();
});

test('what a folder holds after the content that was looked for is new', async ({ root }) => {
  const { scan, settle, kinds, intake } = await distrusted(root);
  const folder = root.drop('latest');
  await scan();
  await settle();
  expect(await kinds()).toEqual({ latest: 'unknown' });
  rmSync(join(folder, 'output.json'));
  writeFiles(folder, plan('of the next day'));
  await settle();
  await settle();
  expect((await root.outbox.runsAtPath('runs', 'latest', 9)).map(({ life }) => life.state.kind)).toEqual([
    'queued',
    'unknown',
  ]);
  await intake.stop();
});
