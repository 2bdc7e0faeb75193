/**
 * Scenario: disks fail under the daemon, that of the outbox and that of the run folders: calls fail with EIO, and disks
 * are full. Each time it goes on, waits and says so, or has ended with its code within half a minute; when the disk is
 * well again everything is delivered, once.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { FailingDisk } from './failingDisk.mjs';
import { fill } from './fullDisk.mjs';
import { answersOrEnds, end, revive, shuffledDeeds, verdictOf } from './revival.mjs';

/** The outbox can neither be read nor written: another process with other descriptors has to try. */
const diskEndsWith = 74;
/** An outbox, its journal and a second copy of both fit in. */
const stateMiB = 64;

/** A fault that has not happened by then has nothing to happen to. */
const happensWithinMs = 5_000;

const journal = '/outbox.db-wal';
const outbox = '/outbox.db';

/** What a disk does: calls that fail, or nothing, when it is full in earnest. */
export const diskFaults = {
  'journal not written (EIO)': [{ call: 'write', file: journal }],
  'journal not synced (EIO)': [{ call: 'sync', file: journal }],
  'journal not written (ENOSPC)': [{ call: 'write', file: journal, code: 'ENOSPC' }],
  'outbox not read (EIO)': [{ call: 'read', file: outbox }],
  'outbox not read, once (EIO)': [{ call: 'read', file: outbox, times: 1 }],
  'inputs not read (EIO)': [{ call: 'read', file: '/input.json' }],
  'outputs not read, now and then (EIO)': [{ call: 'read', file: '/output.json', times: 3 }],
  'results not written (EIO)': [{ call: 'write', file: '.nextmv-result.json' }],
  'results not written (ENOSPC)': [{ call: 'write', file: '.nextmv-result.json', code: 'ENOSPC' }],
  'results not synced (EIO)': [{ call: 'sync', file: '.nextmv-result.json' }],
  'state_dir full': null,
};

/** @param times how many faults in this round */
export async function disks(stage, chance, times) {
  const unmount = mountSmall(stage.stateDir);
  try {
    return await play(stage, chance, times, unmount !== null);
  } finally {
    unmount?.();
  }
}

async function play(stage, chance, times, isMounted) {
  const names = Object.keys(diskFaults).filter((name) => isMounted || diskFaults[name] !== null);
  const disk = new FailingDisk(stage.dir);
  const ballast = join(stage.stateDir, 'ballast');
  await stage.warmUp();
  stage.endsWith([diskEndsWith]);
  stage.mayKeepAside = true;
  const done = {};
  const late = [];
  const heal = () => {
    disk.heal();
    rmSync(ballast, { force: true });
  };
  // Whoever finds it ended looks at the disk.
  const revived = () => revive(stage, disk.environment, late, heal);
  let daemon = await revived();
  for (const name of shuffledDeeds(names, chance, times)) {
    // What a running daemon needs of the outbox, it has in memory.
    const isAtStart = name.startsWith('outbox') || chance.next() < 0.3;
    if (isAtStart) await end(daemon, chance, late);
    const callsBefore = disk.failed().length;
    const faults = diskFaults[name];
    if (faults === null) fill(ballast);
    else disk.fail(...faults);
    if (isAtStart) daemon = stage.start(null, disk.environment);
    for (let n = chance.whole(1, 3); n > 0; n -= 1) {
      stage.ledger.drop();
      await sleep(chance.whole(0, 500));
    }
    await answersOrEnds(daemon, late, name);
    const happens = faults === null ? () => saysFull(daemon) : () => disk.failed().length > callsBefore;
    let hasHappened = false;
    for (const giveUpMs = performance.now() + happensWithinMs; !hasHappened;) {
      hasHappened = await happens();
      if (performance.now() > giveUpMs) break;
      await sleep(25);
    }
    if (hasHappened) done[name] = (done[name] ?? 0) + 1;
    if (chance.next() < 0.2) await end(daemon, chance, late);
    heal();
    if (daemon.hasEnded) daemon = await revived();
    await sleep(chance.whole(0, 300));
    // Its end may follow the fault by a moment.
    if (daemon.hasEnded) daemon = await revived();
  }
  await end(daemon, chance, late);
  const counted = Object.values(done).reduce((sum, n) => sum + n, 0);
  const happened = { 'disk faults': { times: counted, least: Math.ceil(times / 2) } };
  const judged = await verdictOf(stage, revived, happened, late);
  const calls = disk.failed().length;
  return { ...judged, counts: { ...judged.counts, diskFaults: counted, callsFailed: calls, failed: done } };
}

async function saysFull(daemon) {
  const { problems } = await daemon.status().catch(() => ({ problems: [] }));
  return problems.some((problem) => problem.includes('is full'));
}

/** @returns what unmounts it; null: nothing can be mounted here, and a full disk is not tried */
function mountSmall(at) {
  mkdirSync(at, { recursive: true });
  const { status, stderr } = spawnSync(
    'mount',
    ['-t', 'tmpfs', '-o', `size=${stateMiB}m,mode=700`, 'tmpfs', at],
    { encoding: 'utf8' },
  );
  if (status === 0) return () => void spawnSync('umount', ['-l', at]);
  console.error(`SKIPPED: a full state_dir cannot be tried here: ${stderr.trim()}`);
  return null;
}
