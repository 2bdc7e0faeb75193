/**
 * Clocks that jump and times that lie: the quiet time runs on the monotonic clock, and what files say of their times is
 * compared with nothing but what they said before.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { machineClock } from '../../src/system/clock.ts';
import { plan, resultIn, writeFiles } from '../journey/folders.ts';
import { isUncoarse, mountCoarse } from '../journey/mounts.ts';
import { test as sceneTest } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';
import { test } from './root.ts';

const dayMs = 86_400_000;

function setTimes(folder: string, at: Date): void {
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), at, at);
  utimesSync(folder, at, at);
}

test.for([
  { when: 'long past', at: new Date('1999-12-31T23:59:59Z') },
  { when: 'before 1970', at: new Date('1965-01-01T00:00:00Z') },
  { when: 'a day ahead', at: new Date(Date.now() + dayMs) },
  { when: 'decades ahead', at: new Date('2099-01-01T00:00:00Z') },
])('a folder whose times are $when is a run once it is quiet, and one run only', async ({ at }, { root }) => {
  setTimes(root.drop('before'), at);
  root.start();
  await until('the one that lay there', async () => (await root.count('queued')) === 1);
  const folder = join(root.path, 'after');
  mkdirSync(folder);
  writeFiles(folder, plan('after'));
  setTimes(folder, at);
  await until('the one that came', async () => (await root.count('queued')) === 2);
  const [{ signature: before } = { signature: '' }] = await root.outbox.folders('runs', ['after']);
  // The same once more, as `cp -p` and archives leave it: times that are set change nothing.
  setTimes(folder, new Date(at.getTime() + 1_000));
  root.drop('last');
  await until('the next one', async () => (await root.count('queued')) === 3);
  // It was looked at with its new times too, and settled with them.
  await until('that to be seen', async () => {
    const [seen] = await root.outbox.folders('runs', ['after']);
    return seen?.signature !== before && (await root.count('settling')) === 0;
  });
  expect((await root.outbox.counts()).states).toEqual({ queued: 3 });
});

test.for([
  { how: 'forwards', jumpMs: dayMs },
  { how: 'back', jumpMs: -dayMs },
])(
  'a wall clock that is set $how by a day while folders settle neither hastens nor holds them up',
  async ({ jumpMs }, { root }) => {
    let aheadMs = 0;
    const clock = { ...machineClock, nowMs: () => machineClock.nowMs() + aheadMs };
    const quietMs = 3_000;
    root.start({ settle: { quietMs, deadlineMs: dayMs / 2 } }, false, { clock });
    const folder = root.drop('jumped');
    // Open for good: a day that passed on the wall clock alone is no deadline.
    mkdirSync(join(root.path, 'open'));
    await until('both to be seen', async () => (await root.count('settling')) === 2);
    aheadMs = jumpMs;
    const writtenMs = performance.now();
    writeFileSync(join(folder, 'run.log'), 'the last line\n');
    await until('the one to be a run', async () => (await root.count('queued')) === 1);
    expect(performance.now() - writtenMs).toBeGreaterThanOrEqual(quietMs);
    expect((await root.outbox.counts()).states).toEqual({ queued: 1, settling: 1 });
  },
);

sceneTest.skipIf(isUncoarse)(
  'where times are whole seconds, what is rewritten at the same length within the same second is never sent half',
  async ({ scene }) => {
    scene.undo.push(mountCoarse(scene.root));
    scene.configure({}, { quiet: '1200ms', ignore: ['lost+found'] });
    const daemon = await scene.daemon();
    const letters = ['a', 'b', 'c', 'd'];
    const content = (letter: string) => ({ ...plan('plan'), 'output.json': { solution: letter } });
    const folder = scene.folder('plan');
    mkdirSync(folder);
    writeFiles(folder, content('z'));
    const output = join(folder, 'output.json');
    expect(lstatSync(output, { bigint: true }).mtimeNs % 1_000_000_000n).toBe(0n);
    await scene.state(daemon, 'plan', 'settling');
    for (const letter of letters) writeFiles(folder, content(letter));
    const first = await scene.result('plan');
    expect(first.output).toEqual({ solution: 'd' });
    // The same length again, in another second by now.
    writeFileSync(output, readFileSync(output, 'utf8').replace('"d"', '"e"'));
    const second = await until('the new content', () => {
      const result = resultIn(folder);
      return result !== null && result.id !== first.id && result;
    });
    expect(second.output).toEqual({ solution: 'e' });
    expect(await scene.platformRuns()).toHaveLength(2);
    expect((await daemon.status()).problems).toEqual([]);
  },
);
