/** How often a run asks the file system, counted by the kernel: what creeps in is noticed in a number, and not in a time. */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test as plainTest } from 'vitest';
import { programFile } from './program.ts';
import { test, type Scene } from './scene.ts';

/** It was 58 when this was written; whoever lowers it lowers this, and leaves room for a few. */
const callsMax = 64;
const traced =
  'openat,open,stat,lstat,fstat,newfstatat,statx,unlink,unlinkat,rename,renameat,renameat2,getdents64';
const [few, many] = [5, 45];
const patienceMs = 180_000;

const whyNot =
  spawnSync('strace', ['-o', '/dev/null', '/bin/true']).status === 0
    ? null
    : 'strace is not there, or may trace nothing; on Debian: apt-get install strace';

if (whyNot !== null) {
  console.warn(`\nSYSTEM CALLS ARE NOT COUNTED: ${whyNot}\n`);
  plainTest.skip(`SKIPPED, SYSTEM CALLS ARE NOT COUNTED: ${whyNot}`, () => undefined);
}

test.skipIf(whyNot !== null)(
  `a run costs at most ${String(callsMax)} calls that open, look at or rename files`,
  { timeout: 2 * patienceMs },
  async ({ scene }) => {
    // As fast as it goes; and only the difference counts, so that what a start costs is no run's.
    // One scan: each would compare what is recorded by then, and how many there are is a matter of time.
    const platform = scene.nextmv({ limits: { runs_per_second: 0, requests_per_minute: 0 } });
    scene.configure({ platform }, { scan_every: '1h' });
    const ofFew = await calls(scene, 'few', few);
    const ofMany = await calls(scene, 'many', many);
    expect(await scene.platformRuns()).toHaveLength(few + many);
    const perRun = (ofMany - ofFew) / (many - few);
    expect(perRun).toBeGreaterThan(10);
    expect(perRun).toBeLessThan(callsMax);
  },
);

/** Delivers so many runs. @returns how many calls name something in the drop root */
async function calls(scene: Scene, prefix: string, count: number): Promise<number> {
  for (let run = 0; run < count; run += 1) scene.drop(`${prefix}-${String(run)}`);
  const trace = join(scene.dir, `trace-${prefix}`);
  const tracing = ['-f', '-qq', '-y', '-e', `trace=${traced}`, '-o', trace];
  const once = [process.execPath, programFile, 'run', '--once', '-c', scene.configFile];
  await promisify(execFile)('strace', [...tracing, ...once], {
    cwd: scene.dir,
    env: { PATH: process.env['PATH'] ?? '', HOME: scene.dir },
    timeout: patienceMs,
  });
  const folders = join(scene.root, prefix);
  return readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => line.includes(folders) && !line.includes('resumed>')).length;
}
