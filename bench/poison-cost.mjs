/**
 * What refused runs cost the others: the time until every good run is recorded, with one poisoned folder in a hundred and
 * without any, in turn. A poisoned folder names an instance that the platform refuses.
 *
 *   npm run bench:poison [-- --folders 10000] [--rounds 5]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { impatientProgram } from './oracle/program.mjs';
import { Stage } from './oracle/stage.mjs';

const goal = 1.05;
const poisonEvery = 100;
const lookEveryMs = 500;

const { values } = parseArgs({
  options: { folders: { type: 'string', default: '10000' }, rounds: { type: 'string', default: '5' } },
});
const [folders, rounds] = [Number(values.folders), Number(values.rounds)];
const dir = mkdtempSync(join(tmpdir(), 'rt-p-'));

/** @returns seconds from the daemon's start until every good folder is recorded, and how many were set aside */
async function play(mainFile, round, isPoisoned) {
  const stage = await Stage.begin(join(dir, `${round}-${isPoisoned ? 'poison' : 'clean'}`), mainFile);
  try {
    await stage.warmUp();
    const goodBefore = 1;
    let poison = 0;
    for (let folder = 0; folder < folders; folder += 1) {
      const isBad = isPoisoned && folder % poisonEvery === poisonEvery / 2;
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
    const seconds = ((performance.now() - beganMs) / 1_000) * (folders / (folders - poison));
    while ((counts.parked ?? 0) < poison) {
      await sleep(lookEveryMs);
      counts = (await daemon.status()).counts;
    }
    await daemon.stop();
    return { seconds, parked: counts.parked ?? 0 };
  } finally {
    await stage.end();
  }
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const round2 = (value) => Math.round(value * 1_000) / 1_000;

try {
  const mainFile = await impatientProgram(join(dir, 'program'));
  const times = { clean: [], poisoned: [] };
  let parked = 0;
  for (let round = 1; round <= rounds; round += 1) {
    // In turn, and which one is first in turn too: the machine's moods concern both.
    for (const isPoisoned of round % 2 === 0 ? [true, false] : [false, true]) {
      const played = await play(mainFile, round, isPoisoned);
      times[isPoisoned ? 'poisoned' : 'clean'].push(played.seconds);
      parked += isPoisoned ? played.parked : 0;
      process.stderr.write(
        `round ${round}, ${isPoisoned ? 'poisoned' : 'clean'}: ${round2(played.seconds)} s\n`,
      );
    }
  }
  const ratio = round2(median(times.poisoned) / median(times.clean));
  console.table(
    Object.entries(times).map(([what, seconds]) => ({
      what,
      least: round2(Math.min(...seconds)),
      median: round2(median(seconds)),
      most: round2(Math.max(...seconds)),
    })),
  );
  console.log(
    `ratio of the medians ${ratio}, goal ≤ ${goal}: ${ratio <= goal ? 'holds' : 'DOES NOT HOLD'}; ${parked} set aside`,
  );
  const machine = {
    node: process.version,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
  writeFileSync(
    fileURLToPath(new URL('results/poison.json', import.meta.url)),
    `${JSON.stringify({ machine, folders, poisonEvery, rounds, seconds: times, ratio, goal, parked }, null, 2)}\n`,
  );
  process.exitCode = ratio <= goal ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
