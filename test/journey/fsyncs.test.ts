/** How often a run makes the disk wait, counted by the kernel: what is acknowledged is on disk, and nothing more often. */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test as plainTest } from 'vitest';
import { programFile } from './program.ts';
import { test } from './scene.ts';

const runs = 40;
const whyNot =
  spawnSync('strace', ['-o', '/dev/null', '/bin/true']).status === 0
    ? null
    : 'strace is not there, or may trace nothing; on Debian: apt-get install strace';

if (whyNot !== null) {
  console.warn(`\nFSYNCS ARE NOT COUNTED: ${whyNot}\n`);
  plainTest.skip(`SKIPPED, FSYNCS ARE NOT COUNTED: ${whyNot}`, () => undefined);
}

test.skipIf(whyNot !== null)(
  'a run costs less than two syncs of the outbox, and two for its result',
  async ({ scene }) => {
    // As fast as it goes: what is changed together is synced together.
    scene.configure({ platform: scene.nextmv({ limits: { runs_per_second: 0, requests_per_minute: 0 } }) });
    for (let run = 0; run < runs; run += 1) scene.drop(`run-${run}`);
    const trace = join(scene.dir, 'trace');
    const tracing = ['-f', '-qq', '-y', '-e', 'trace=fsync,fdatasync', '-o', trace];
    const once = [process.execPath, programFile, 'run', '--once', '-c', scene.configFile];
    await promisify(execFile)('strace', [...tracing, ...once], {
      cwd: scene.dir,
      env: { PATH: process.env['PATH'] ?? '', HOME: scene.dir },
    });
    expect(await scene.platformRuns()).toHaveLength(runs);
    const synced = readFileSync(trace, 'utf8')
      .split('\n')
      // A call that another thread interrupts is written on two lines; the first has the path.
      .flatMap((line) => /f(?:data)?sync\(\d+<([^>]*)>/.exec(line)?.[1] ?? []);
    const ofOutbox = synced.filter((path) => path.includes('/outbox.db')).length;
    const ofResults = synced.filter((path) => path.startsWith(scene.root)).length;
    // That it is intended; the others follow. Beside them the outbox is made, and closed.
    expect(ofOutbox).toBeGreaterThan(runs / 20);
    expect(ofOutbox).toBeLessThan(2 * runs);
    // The file, and the directory that names it.
    expect(ofResults).toBe(2 * runs);
  },
);
