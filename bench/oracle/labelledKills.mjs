/**
 * Kills at named points: those of a run's life inside the daemon, where it ends itself, and some on the other side of
 * the wire, where it is ended while its request is on the way, and the request is carried out all the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { lifecyclePoints } from '../../dist/core/points.js';
import { foreignRun } from './others.mjs';

/** Kind and phase of the request during which the daemon is killed from outside. */
const wirePoints = {
  'upload arriving': ['put', 'received'],
  'request arrived': ['create', 'received'],
  'run stored': ['create', 'done'],
  'list asked for': ['list', 'received'],
};
export const allPoints = [...lifecyclePoints, ...Object.keys(wirePoints)];

/** So many folders are dropped before each life, and again when a life has next to nothing left to do. */
const foldersPerLife = 3;
/** One that died alone twice rests for a minute, and is no work; more than that are not left behind. */
const restingMax = 2;
/** A point is fatal at its first to tenth time. */
const timesMax = 10;
/** A life that does not come to its end by then is ended by hand, and counted as missed. */
const lifeMsMax = 60_000;
const lookEveryMs = 50;

/** @param points which ones; in turn, so that each has its share */
export async function labelledKills(stage, chance, kills, points = allPoints) {
  await stage.warmUp();
  const killed = {};
  const planned = {};
  let missed = 0;
  const order = chance.shuffled(points);
  for (let life = 0; life < kills; life += 1) {
    const point = order[life % order.length];
    planned[point] = (planned[point] ?? 0) + 1;
    for (let folder = 0; folder < foldersPerLife; folder += 1) stage.ledger.drop();
    stage.calm();
    // The list that a life begins with shows one of this very second.
    await foreignRun(stage);
    // A list is asked for once in a while only.
    const times = point === 'list asked for' ? 1 : chance.whole(1, timesMax);
    const daemon = startMortal(stage, point, times);
    if (await dies(daemon, stage)) killed[point] = (killed[point] ?? 0) + 1;
    else missed += 1;
  }
  const happened = Object.fromEntries(
    Object.entries(planned).map(([point, times]) => [
      `killed at ${point}`,
      { times: killed[point] ?? 0, least: Math.ceil(times / 2) },
    ]),
  );
  happened['runs of others'] = { times: stage.foreign.length, least: kills };
  const judged = await stage.verdict(happened);
  return { ...judged, counts: { ...judged.counts, killed, missed } };
}

function startMortal(stage, point, times) {
  const wire = wirePoints[point];
  if (wire === undefined) return stage.start(`${point}:${times}`);
  // Nothing is looked for in the list but what became of a lost request.
  if (wire[0] === 'list') stage.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
  const daemon = stage.start();
  let left = times;
  stage.onRequest = async ({ kind, phase }) => {
    if (kind !== wire[0] || phase !== wire[1]) return;
    left -= 1;
    if (left !== 0) return;
    daemon.kill();
    // Dead before the request goes on.
    await daemon.ended;
  };
  return daemon;
}

/** Waits for the daemon's death; where the point is not reached for want of runs, there are more. */
async function dies(daemon, stage) {
  const untilMs = Date.now() + lifeMsMax;
  for (let look = 1; Date.now() < untilMs; look += 1) {
    await Promise.race([daemon.ended, sleep(lookEveryMs)]);
    if (daemon.hasEnded) return (await daemon.ended).signal === 'SIGKILL';
    if (daemon.isRunning && look % 10 === 0 && stage.open().length <= restingMax)
      for (let folder = 0; folder < foldersPerLife; folder += 1) stage.ledger.drop();
  }
  daemon.kill();
  await daemon.ended;
  return false;
}
