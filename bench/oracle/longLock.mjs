/**
 * Scenario: another program holds the outbox for longer than anything else waits, while folders keep coming. The daemon
 * answers all the while and says what is the matter, sends nothing whose intent it cannot write down, and goes on by
 * itself.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const lookEveryMs = 500;
/** A request whose intent was written down just before the lock may arrive a little later. */
const underWayMsMax = 2_000;
const wellWithinMs = 30_000;
/** Until then it has to have said so. */
const saidWithinMs = 10_000;

/** @param seconds for which the outbox is locked */
export async function longLock(stage, _chance, seconds) {
  await stage.warmUp();
  const daemon = stage.start();
  await daemon.untilRunning();
  for (let n = 0; n < 10; n += 1) stage.ledger.drop();
  const broken = [];
  const locker = await lock(join(stage.stateDir, 'outbox.db'));
  const beganMs = performance.now();
  let answers = 0;
  let unwell = 0;
  let sent = null;
  let answerMsMax = 0;
  try {
    for (;;) {
      const heldMs = performance.now() - beganMs;
      if (heldMs >= seconds * 1_000) break;
      stage.ledger.drop();
      if (heldMs > underWayMsMax) sent ??= stage.requests.create;
      const askedMs = performance.now();
      const { healthy, problems } = await daemon.status();
      answerMsMax = Math.max(answerMsMax, performance.now() - askedMs);
      answers += 1;
      const says = !healthy && problems.some((problem) => problem.includes('has locked the outbox'));
      if (says) unwell += 1;
      else if (heldMs > saidWithinMs) broken.push(breach('liveness', `well at ${Math.round(heldMs)} ms`));
      await sleep(lookEveryMs);
    }
  } finally {
    locker.kill('SIGKILL');
  }
  if (stage.requests.create !== sent)
    broken.push(breach('no invention', `${stage.requests.create - sent} requests without a durable intent`));
  // While it is in trouble it counts no runs, which is not to be taken for nothing left to do.
  for (const giveUpMs = performance.now() + wellWithinMs; !(await daemon.status()).healthy;) {
    if (performance.now() > giveUpMs) {
      broken.push(breach('liveness', `unwell ${wellWithinMs} ms after the lock was gone`));
      break;
    }
    await sleep(lookEveryMs / 5);
  }
  const judged = await stage.verdict({ 'answers: unwell': { times: unwell, least: seconds } }, daemon);
  return {
    ...judged,
    broken: [...judged.broken, ...broken],
    counts: {
      ...judged.counts,
      lockedSeconds: seconds,
      answers,
      unwell,
      answerMsMax: Math.round(answerMsMax),
    },
  };
}

function breach(property, what) {
  return { property, what };
}

async function lock(file) {
  const sqlite = JSON.stringify(createRequire(import.meta.url).resolve('better-sqlite3'));
  const script = `const db = require(${sqlite})(${JSON.stringify(file)}, { timeout: 30000 });
    db.exec('begin exclusive'); process.stdout.write('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}
