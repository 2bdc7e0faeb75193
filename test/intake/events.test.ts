/** What comes of events, and of events that never come: the scan is the truth. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test as plainTest, vi } from 'vitest';
import { chokidarEntriesMax, openWatchesMax } from '../../src/intake/hints.ts';
import { MissedEvents } from '../../src/intake/missedEvents.ts';
import { machineClock } from '../../src/system/clock.ts';
import { plan, writeFiles } from '../journey/folders.ts';
import { programFile } from '../journey/program.ts';
import { test } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';
import { said } from '../journey/mounts.ts';
import { test as rootTest } from './root.ts';

/** How many inotify watches a process holds. */
function watchesOf(pid: number): number {
  const folder = `/proc/${String(pid)}/fdinfo`;
  let count = 0;
  for (const fd of readdirSync(folder)) {
    try {
      count += readFileSync(join(folder, fd), 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('inotify ')).length;
    } catch {
      // Closed meanwhile.
    }
  }
  return count;
}

/** The kernel keeps 16,384 events for a process that does not read them; `npm run bench -- bursts --huge` has 60,000. */
const moreThanQueued = 17_000;

rootTest(
  'with every event lost, each folder is found by the scans: renamed in or written slowly',
  async ({ root }) => {
    const { intake } = root.start();
    await until('the first scan', () => intake.lastScanMs() !== null);
    for (let n = 0; n < 200; n += 1) root.drop(`renamed-${String(n)}`);
    for (let n = 0; n < 50; n += 1) mkdirSync(join(root.path, `slow-${String(n)}`));
    await until('the slow ones to be seen', async () => (await root.count('settling')) >= 50);
    for (let n = 0; n < 50; n += 1)
      writeFiles(join(root.path, `slow-${String(n)}`), plan(`slow-${String(n)}`));
    await until('all to be runs', async () => (await root.count('queued')) === 250);
    expect(intake.found()).toEqual({ byScan: 250, byEvent: 0 });
    expect(intake.hints()).toBe('scan-only');
  },
);

plainTest('a loop that came late is taken for a sign that events were lost, and one in time is not', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let nowMs = 0;
  let doubts = 0;
  const missed = new MissedEvents({ ...machineClock, monotonicMs: () => nowMs });
  missed.onDoubt(() => (doubts += 1));
  missed.start();
  const passes = (ms: number): void => {
    nowMs += ms;
    vi.advanceTimersToNextTimer();
  };
  for (const ms of [5_000, 5_900, 5_000]) passes(ms);
  expect(doubts).toBe(0);
  passes(6_100);
  expect(doubts).toBe(1);
  // As when the machine slept.
  passes(86_400_000);
  passes(5_000);
  expect(doubts).toBe(2);
  missed.stop();
  vi.useRealTimers();
});

rootTest('with events a folder need not wait for the next scan', async ({ root }) => {
  const { intake } = root.start({ scanEveryMs: 3_600_000 }, true);
  await until('the watch', () => intake.hints() === 'chokidar' && intake.lastScanMs() !== null);
  // The watch begins to see some time after it was asked for; what comes before that is found by a scan.
  for (let n = 0; intake.found().byEvent === 0; n += 1) {
    root.drop(`plan-${String(n)}`);
    await until('the folder to be a run', async () => (await root.count('queued')) === n + 1);
  }
});

rootTest('a root that grows while it is watched is watched otherwise from then on', async ({ root }) => {
  const { intake } = root.start({ scanEveryMs: 3_600_000 }, true);
  await until('the watch', () => intake.hints() === 'chokidar' && intake.lastScanMs() !== null);
  for (let n = 0; n <= chokidarEntriesMax; n += 1)
    writeFileSync(join(root.path, `note-${String(n)}.txt`), '');
  await until('the bare watch', () => {
    intake.rescan();
    return intake.hints() === 'directory';
  });
  for (let n = 0; intake.found().byEvent === 0; n += 1) {
    root.drop(`plan-${String(n)}`);
    await until('the folder to be a run', async () => (await root.count('queued')) === n + 1);
  }
});

test('a process that is stopped while more folders appear than the kernel keeps events for misses none', async ({
  scene,
}) => {
  // No scan would come by itself.
  scene.configure({}, { scan_every: '1h' });
  const daemon = await scene.daemon();
  await until('the first scan', async () => (await daemon.status()).drop_roots[0]?.last_scan);
  const count = moreThanQueued;
  daemon.signal('SIGSTOP');
  for (let n = 0; n < count; n += 1) mkdirSync(scene.folder(`run-${String(n)}`));
  await until(
    'it to stand still for a while',
    (() => {
      const beganMs = performance.now();
      return () => performance.now() - beganMs > 2_000;
    })(),
  );
  daemon.signal('SIGCONT');
  const [root] = await until(
    'all folders to be seen',
    async () => {
      const { drop_roots: roots } = await daemon.status();
      return roots[0]?.settling === count && roots;
    },
    120_000,
  );
  expect((root?.found.by_scan ?? 0) + (root?.found.by_event ?? 0)).toBe(count);
  expect(root?.found.by_scan).toBeGreaterThan(0);
});

rootTest(
  'a loop that is held while more folders appear than the kernel keeps events for misses none',
  async ({ root }) => {
    // No scan would come by itself.
    const { intake } = root.start({ scanEveryMs: 3_600_000 }, true);
    await until('the watch', () => intake.hints() === 'chokidar' && intake.lastScanMs() !== null);
    const count = moreThanQueued;
    const make = `for (let n = 0; n < ${String(count)}; n += 1) fs.mkdirSync(process.argv[1] + '/run-' + n)`;
    // Nothing else happens in this process meanwhile.
    expect(spawnSync(process.execPath, ['-e', make, root.path]).status).toBe(0);
    await until('all folders to be seen', async () => (await root.count('settling')) === count, 120_000);
    expect(intake.found().byScan + intake.found().byEvent).toBe(count);
    expect(intake.found().byScan).toBeGreaterThan(0);
  },
);

test('finished folders are not watched, however many there are', async ({ scene }) => {
  scene.configure({ platform: { kind: 'stand-in' } });
  const daemon = await scene.daemon();
  await until('the first scan', async () => (await daemon.status()).drop_roots[0]?.last_scan);
  const before = await until('the watch on the root', () => watchesOf(daemon.pid));
  for (let n = 0; n < 100; n += 1) scene.drop(`run-${String(n)}`);
  await until('all to be recorded', async () => (await daemon.status()).counts.recorded === 100, 120_000);
  await until('the watches to be given back', () => watchesOf(daemon.pid) === before);
  mkdirSync(scene.folder('open'));
  await until('the open folder to be watched', () => watchesOf(daemon.pid) === before + 1);
  writeFiles(scene.folder('open'), { 'input.json': {}, 'run.log': 'x' });
  await scene.state(daemon, 'open', 'settling');
  expect(watchesOf(daemon.pid)).toBe(before + 1);
});

test(`above ${String(openWatchesMax)} open folders have no watch each, and are tracked all the same`, async ({
  scene,
}) => {
  scene.configure({ platform: { kind: 'stand-in' } });
  const count = openWatchesMax + 200;
  for (let n = 0; n < count; n += 1) mkdirSync(scene.folder(`run-${String(n)}`));
  const daemon = await scene.daemon();
  await until(
    'all to be seen',
    async () => (await daemon.status()).drop_roots[0]?.settling === count,
    120_000,
  );
  expect(watchesOf(daemon.pid)).toBeLessThanOrEqual(openWatchesMax + 20);
  const finished = Array.from({ length: 20 }, (_, n) => `run-${String(n * 60)}`);
  for (const name of finished) writeFiles(scene.folder(name), plan(name));
  await Promise.all(finished.map((name) => scene.result(name)));
});

test('a large root has one bare watch, and a folder that is renamed in is found by its event', async ({
  scene,
}) => {
  scene.configure({}, { scan_every: '1h', ignore: ['old-*'] });
  for (let n = 0; n <= chokidarEntriesMax; n += 1) mkdirSync(scene.folder(`old-${String(n)}`));
  const daemon = await scene.daemon();
  const root = async () => (await daemon.status()).drop_roots[0];
  await until('the watch', async () => (await root())?.hints === 'directory');
  await until('the first scan', async () => (await root())?.last_scan);
  scene.drop('fresh');
  await scene.result('fresh');
  expect((await root())?.found).toEqual({ by_scan: 0, by_event: 1 });
});

/** A shell that runs a command in a user namespace of its own, with limits of its own. */
function limited(limit: string, command: readonly string[]): readonly string[] {
  return [
    'unshare',
    '-U',
    '-r',
    'sh',
    '-c',
    `echo 0 > /proc/sys/user/${limit} && exec "$0" "$@"`,
    ...command,
  ];
}

const isUnlimitable = said(
  'a machine that is out of inotify watches',
  (() => {
    const [program = '', ...args] = limited('max_inotify_watches', ['true']);
    const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
    return status === 0 ? null : (error?.message ?? stderr);
  })(),
);

test.skipIf(isUnlimitable).for([
  { limit: 'max_inotify_watches', code: 'ENOSPC', knob: 'fs.inotify.max_user_watches' },
  { limit: 'max_inotify_instances', code: 'EMFILE', knob: 'fs.inotify.max_user_instances' },
])(
  'out of watches ($code): said once, with the knob and its value, and scans find everything',
  async ({ limit, code, knob }, { scene }) => {
    const [program = '', ...args] = limited(limit, [
      process.execPath,
      programFile,
      'run',
      '-c',
      scene.configFile,
    ]);
    const daemon = await scene.daemon({ through: { program, args } });
    for (const name of ['a', 'b', 'c']) {
      mkdirSync(scene.folder(name));
      await scene.state(daemon, name, 'settling');
      writeFiles(scene.folder(name), plan(name));
      await scene.result(name);
    }
    const value = readFileSync(`/proc/sys/${knob.replaceAll('.', '/')}`, 'utf8').trim();
    const lines = daemon.log().filter(({ msg }) => msg.includes('events of'));
    expect(lines.map(({ msg }) => msg)).toEqual([
      expect.stringContaining(`(${code}): scans go on; raise ${knob}, which is ${value}`),
    ]);
    const status = await daemon.status();
    expect(status.healthy).toBe(false);
    expect(status.problems.join()).toContain(knob);
    expect(status.drop_roots[0]).toMatchObject({ hints: 'scan-only', found: { by_scan: 3, by_event: 0 } });
  },
);

test('a folder that was there when the daemon started is not sent while its writer writes', async ({
  scene,
}) => {
  scene.configure({}, { quiet: '700ms' });
  const folder = scene.drop('half', { ...plan('half'), 'output.json': '' });
  const daemon = await scene.daemon();
  await until('the folder to be seen', async () => (await daemon.list()).length > 0);
  for (const piece of ['{"sol', 'ution":', ' {"sample"', ': "half"}}']) {
    appendFileSync(join(folder, 'output.json'), piece);
    const beganMs = performance.now();
    await until('a while of less than the quiet time', () => performance.now() - beganMs > 300);
    expect(scene.count('create')).toBe(0);
  }
  expect((await scene.result('half')).output).toEqual({ solution: { sample: 'half' } });
  expect(await scene.platformRuns()).toHaveLength(1);
});

test('ten events of one folder make one run', async ({ scene }) => {
  const daemon = await scene.daemon();
  await until('the first scan', async () => (await daemon.status()).drop_roots[0]?.last_scan);
  scene.drop('plan');
  for (let n = 0; n < 10; n += 1) {
    renameSync(scene.folder('plan'), join(scene.dir, 'plan-aside'));
    renameSync(join(scene.dir, 'plan-aside'), scene.folder('plan'));
  }
  await scene.result('plan');
  expect(await scene.platformRuns()).toHaveLength(1);
});

test('a folder that is made again under its name is a new run for new content, and none for the same', async ({
  scene,
}) => {
  const daemon = await scene.daemon();
  scene.drop('plan');
  const first = await scene.result('plan');
  rmSync(scene.folder('plan'), { recursive: true });
  scene.drop('plan', plan('other'));
  const second = await until('the result of the other content', async () => {
    const result = await scene.result('plan');
    return result.id !== first.id && result;
  });
  rmSync(scene.folder('plan'), { recursive: true });
  scene.drop('plan');
  await until('its own result to be brought back', async () => (await scene.result('plan')).id === first.id);
  expect(await scene.platformRuns()).toHaveLength(2);
  expect(second.id).not.toBe(first.id);
  expect((await daemon.list()).map(({ state }) => state)).toEqual(['recorded', 'recorded']);
});
