/**
 * What looking costs instead of being told: the names of a folder, once a second, each against those that are known.
 * Prints the share of a core that this takes, in per cent.
 *
 *   node bench/beside/namesScan.mjs DIRECTORY SCANS
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const everyMs = 1_000;
const [path, scans] = process.argv.slice(2);

const known = new Set(await readdir(path));
async function scan() {
  for (const name of await readdir(path)) if (!known.has(name)) await stat(join(path, name));
}

// The first one is code that is cold.
await scan();
const [beganMs, before] = [performance.now(), process.cpuUsage()];
for (let n = 1; n <= Number(scans); n += 1) {
  await scan();
  await sleep(Math.max(0, beganMs + n * everyMs - performance.now()));
}
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify((100 * (user + system)) / 1_000 / (performance.now() - beganMs)));
