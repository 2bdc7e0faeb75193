/**
 * What refused runs cost the others: the processor's time for each good run until all are recorded and all others set
 * aside, with one poisoned folder in a hundred and without any, in turn. A poisoned folder names an instance that the
 * platform refuses. The time by the clock is kept as well; on a machine that does other things it says little.
 *
 *   npm run bench:poison [-- --folders 10000] [--rounds 5] [--every 100]
 *
 * With `--every 10` what one refused run costs beside a good one stands out.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { asked } from './asked.mjs';
import { median } from './figures.mjs';
import { machine } from './machine.mjs';
import { impatientProgram } from './oracle/program.mjs';
import { Stage } from './oracle/stage.mjs';
import { cpuMs } from './processes.mjs';

const goal = 1.05;
const lookEveryMs = 500;

const { values, keep } = asked({
  command: 'bench:poison',
  what: 'What refused runs cost the others: one folder in a hundred is refused, and none, in turn.',
  options: {
    folders: { what: 'in each turn', usual: 10_000 },
    rounds: { what: 'turns of each', usual: 5 },
    every: { what: 'one refused folder in so many', usual: 100 },
  },
});
const { folders, rounds, every: poisonEvery } = values;
const dir = mkdtempSync(join(tmpdir(), 'rt-p-'));

/**
 * @returns seconds from the daemon's start until every good folder is recorded; those of the processor until all others are
 *   set aside as well; both for as many good folders as there are in all. And how many were set aside
 */
async function play(mainFile, round, isPoisoned) {
  const stage = await Stage.begin(join(dir, `${round}-${isPoisoned ? 'poison' : 'clean'}`), mainFile);
  try {
    await stage.warmUp();
    const goodBefore = 1;
    let poison = 0;
    for (let folder = 0; folder < folders; folder += 1) {
      const isBad = isPoisoned && folder % poisonEvery === Math.floor(poisonEvery / 2);
      if (isBad) poison += 1;
      stage.ledger.drop(isBad ? { meta: { instance_id: 'not an instance' } } : {});
    }
    const daemon = stage.start();
    const beganMs = performance.now();
    await daemon.untilRunning();
    const good = goodBefore + folders - poison;
    let counts = {};
    while ((counts.recorded ?? 0) < good) {
      if (daemon.hasEnded) throw new Error(daemon.tail);
      await sleep(lookEveryMs);
      counts = (await daemon.status()).counts;
    }
    // Of the same number of good runs in both, so that what is compared is their pace.
    const share = folders / (folders - poison);
    const seconds = ((performance.now() - beganMs) / 1_000) * share;
    while ((counts.parked ?? 0) < poison) {
      await sleep(lookEveryMs);
      counts = (await daemon.status()).counts;
    }
    const processor = (cpuMs(daemon.pid) / 1_000) * share;
    await daemon.stop();
    return { seconds, processor, parked: counts.parked ?? 0 };
  } finally {
    await stage.end();
  }
}

const rounded = (value) => Math.round(value * 1_000) / 1_000;
/** Of each round's pair: the machine's moods concern both. */
const ratioOf = ({ clean, poisoned }) =>
  rounded(median(poisoned.map((value, round) => value / clean[round])));

try {
  const mainFile = await impatientProgram(join(dir, 'program'));
  const seconds = { clean: [], poisoned: [] };
  const processor = { clean: [], poisoned: [] };
  let parked = 0;
  for (let round = 1; round <= rounds; round += 1) {
    // In turn, and which one is first in turn too.
    for (const isPoisoned of round % 2 === 0 ? [true, false] : [false, true]) {
      const what = isPoisoned ? 'poisoned' : 'clean';
      const played = await play(mainFile, round, isPoisoned);
      seconds[what].push(rounded(played.seconds));
      processor[what].push(rounded(played.processor));
      parked += isPoisoned ? played.parked : 0;
      process.stderr.write(
        `round ${round}, ${what}: ${rounded(played.seconds)} s, ${rounded(played.processor)} s of the processor\n`,
      );
    }
  }
  const [ratio, secondsRatio] = [ratioOf(processor), ratioOf(seconds)];
  // As many good runs as one refused run costs; and what that makes of the others where one in a hundred is refused.
  const refusedCosts = rounded((ratio - 1) * (poisonEvery - 1));
  const slowed = rounded(1 + refusedCosts / 99);
  console.log(
    `a refused run costs the processor as much as ${refusedCosts} good ones, so with one in a hundred ` +
      `the others take ${slowed} times as long, goal ≤ ${goal}: ${slowed <= goal ? 'holds' : 'DOES NOT HOLD'}; ` +
      `${secondsRatio} times by the clock with one in ${poisonEvery}; ${parked} set aside`,
  );
  keep(
    'poison.json',
    `${JSON.stringify({ machine: machine(), folders, poisonEvery, rounds, processor, ratio, refusedCosts, slowed, seconds, secondsRatio, goal, parked }, null, 2)}\n`,
  );
  process.exitCode = slowed <= goal ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
