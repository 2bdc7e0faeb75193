/** How fast a long solver log is read, each in a process of its own, beside `wc -l` of the same file. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { figure } from '../figures.mjs';
import { writeLongLog } from '../longLog.mjs';
import { nowMs, report, start } from '../processes.mjs';

export const what = 'reading a long solver log, beside wc -l';

const solvers = ['gurobi', 'highs', 'scip', 'cbc'];
const [megabytes, megabytesShort] = [256, 16];
const shareOfWcMin = 1 / 20;
const stallMsMax = 20;

export async function measure({ dir, rounds, isShort, say }) {
  const figures = [];
  for (const solver of isShort ? solvers.slice(0, 1) : solvers) {
    const file = join(dir, 'run.log');
    writeLongLog(file, solver, (isShort ? megabytesShort : megabytes) * 1e6);
    const bytes = statSync(file).size;
    const [ours, wc, memory, stalls] = [[], [], [], []];
    for (let round = 0; round < rounds; round += 1) {
      say(`${solver}, round ${round + 1}`);
      wc.push(bytes / 1e6 / (await wcSeconds(file)));
      const read = await report(process.execPath, [
        fileURLToPath(new URL('../solver-logs.mjs', import.meta.url)),
        '--read',
        file,
      ]);
      ours.push(bytes / 1e6 / read.seconds);
      memory.push(read.peakMiB);
      stalls.push(read.longestHoldMs);
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
        what: `${solver}: longest stall of the loop`,
        unit: 'ms',
        ours: stalls,
        goal: { of: 'median', atMost: stallMsMax },
      }),
    );
  }
  return { figures };
}

async function wcSeconds(file) {
  const beganMs = nowMs();
  await start('wc', ['-l', file]).ended;
  return (nowMs() - beganMs) / 1_000;
}
