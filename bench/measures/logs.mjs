/** How fast a long solver log is read, each in a process of its own, beside `wc -l` of the same file. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { figure } from '../figures.mjs';
import { writeLongLog } from '../longLog.mjs';
import { nowMs, report, start } from '../processes.mjs';

export const what = 'reading a long solver log, beside wc -l';

const solvers = ['gurobi', 'highs', 'scip', 'cbc'];
const [megabytes, megabytesShort] = [128, 16];
const shareOfWcMin = 1 / 20;
const turnMsMax = 20;

export async function measure({ dir, rounds, isShort, say }) {
  const figures = [];
  for (const solver of isShort ? solvers.slice(0, 1) : solvers) {
    const file = join(dir, 'run.log');
    writeLongLog(file, solver, (isShort ? megabytesShort : megabytes) * 1e6);
    const bytes = statSync(file).size;
    const [ours, wc, memory, turns] = [[], [], [], []];
    for (let round = 0; round < rounds; round += 1) {
      say(`${solver}, round ${round + 1}`);
      // To begin is a good part of its time, and none of ours, which is taken within the process.
      const wcOwn = Math.max(0.001, (await wcSeconds(file)) - (await wcSeconds('/dev/null')));
      wc.push(bytes / 1e6 / wcOwn);
      const own = await read(file);
      ours.push(bytes / 1e6 / own.seconds);
      memory.push(own.peakMiB);
      // In a run of its own, because watching takes time.
      turns.push((await read(file, '--turns')).longestTurnMs);
    }
    rmSync(file);
    figures.push(
      figure({
        what: `${solver}: speed`,
        unit: 'MB/s',
        ours,
        beside: { name: 'wc -l', values: wc },
        goal: { of: 'ratio', atLeast: shareOfWcMin },
      }),
      figure({ what: `${solver}: memory of the process`, unit: 'MiB', ours: memory }),
      figure({
        what: `${solver}: longest turn of the loop`,
        unit: 'ms of its thread',
        ours: turns,
        goal: { of: 'median', atMost: turnMsMax },
      }),
    );
  }
  return { figures };
}

const read = (file, ...more) =>
  report(process.execPath, [
    fileURLToPath(new URL('../solver-logs.mjs', import.meta.url)),
    '--read',
    file,
    ...more,
  ]);

async function wcSeconds(file) {
  const beganMs = nowMs();
  await start('wc', ['-l', file]).ended;
  return (nowMs() - beganMs) / 1_000;
}
