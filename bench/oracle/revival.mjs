/** The daemon in a scenario that makes it end: started again as systemd would, and always in good time. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Running, or ended: nothing else, and not later. */
const decidedWithinMs = 30_000;
/** A stop is obeyed within this. */
const stoppedWithinMs = 10_000;
/** What one start does not show may end the next. */
export const startsMax = 6;
const lookEveryMs = 25;

/**
 * Starts it again when it has ended with a code, until it runs.
 * @param late what was waited for in vain is added to it
 * @param onEnd told the code of each that ended instead, as whoever looks after it would see it
 */
export async function revive(stage, environment, late, onEnd = () => undefined) {
  for (let starts = 1; ; starts += 1) {
    const daemon = stage.start(null, environment);
    await decided(() => daemon.isRunning || daemon.hasEnded, late, `running or ended:\n${daemon.tail}`);
    if (daemon.isRunning) return daemon;
    const { code } = await daemon.ended;
    if (starts >= startsMax) throw new Error(`it does not come to run:\n${daemon.tail}`);
    onEnd(code);
  }
}

/** It answers, whatever it says; or it has ended. */
export async function answersOrEnds(daemon, late, what) {
  const isDecided = () =>
    daemon.status().then(
      () => true,
      () => daemon.hasEnded,
    );
  await decided(isDecided, late, `an answer after: ${what}`);
}

/** By a signal that cannot be refused, or by one that asks. */
export async function end(daemon, chance, late) {
  if (chance.next() < 0.5) daemon.kill();
  else void daemon.stop();
  await decided(() => daemon.hasEnded, late, `its end:\n${daemon.tail}`, stoppedWithinMs);
  daemon.kill();
  await daemon.ended;
}

/**
 * What was done, judged: as often as reading for the verdict ends the daemon, it is started again.
 * @param revived starts one
 * @param happened `{what: {times, least}}`
 */
export async function verdictOf(stage, revived, happened, late) {
  for (let tries = 1; ; tries += 1) {
    const daemon = await revived();
    try {
      const judged = await stage.verdict(happened, daemon);
      return {
        ...judged,
        broken: [...judged.broken, ...late.map((what) => ({ property: 'liveness', what }))],
        counts: { ...judged.counts, ends: stage.ends },
      };
    } catch (error) {
      // What is read for the verdict may show damage that nothing showed before.
      if (!daemon.hasEnded || tries >= startsMax) throw error;
    }
  }
}

/** Every deed about equally often, in any order. */
export function shuffledDeeds(names, chance, times) {
  const all = [];
  while (all.length < times) all.push(...chance.shuffled(names));
  return all.slice(0, times);
}

async function decided(look, late, what, withinMs = decidedWithinMs) {
  const giveUpMs = performance.now() + withinMs;
  while (!(await look())) {
    if (performance.now() > giveUpMs) {
      late.push(`waited ${withinMs} ms in vain: ${what}`);
      return;
    }
    await sleep(lookEveryMs);
  }
}
