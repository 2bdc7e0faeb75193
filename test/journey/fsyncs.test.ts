/**
 * How often a run makes the disk wait, and what is on it when a request leaves, both told by the kernel: what is
 * acknowledged is on disk, and nothing more often.
 */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { expect, test as plainTest } from 'vitest';
import { asFound, leavings, tracingFlags, type Leaving } from './powerCut.ts';
import { programFile } from './program.ts';
import { test, type Scene } from './scene.ts';

const runs = 64;
const whyNot =
  spawnSync('strace', ['-o', '/dev/null', '/bin/true']).status === 0
    ? null
    : 'strace is not there, or may trace nothing; on Debian: apt-get install strace';

if (whyNot !== null) {
  console.warn(`\nFSYNCS ARE NOT COUNTED, AND NO POWER IS CUT: ${whyNot}\n`);
  plainTest.skip(`SKIPPED, FSYNCS ARE NOT COUNTED, AND NO POWER IS CUT: ${whyNot}`, () => undefined);
}

test.skipIf(whyNot !== null)(
  'a run among many costs less than half a sync of the outbox and two for its result, and its intent is on disk before its request leaves',
  async ({ scene }) => {
    // As fast as it goes: what is changed together is synced together.
    scene.configure({ platform: scene.nextmv({ limits: { runs_per_second: 0, requests_per_minute: 0 } }) });
    // The outbox is made beforehand, so that it is known how it lay on the disk.
    expect((await scene.command('run', '--once')).code).toBe(0);
    const outbox = join(scene.stateDir, 'outbox.db');
    const before = new Map([[outbox, readFileSync(outbox)]]);
    for (let run = 0; run < runs; run += 1) scene.drop(`run-${run}`);
    const trace = await traced(scene);
    expect(await scene.platformRuns()).toHaveLength(runs);

    const synced = trace
      .split('\n')
      // A call that another thread interrupts is written on two lines; the first has the path.
      .flatMap((line) => /f(?:data)?sync\(\d+<([^>]*)>/.exec(line)?.[1] ?? []);
    const ofOutbox = synced.filter((path) => path.startsWith(outbox)).length;
    const ofResults = synced.filter((path) => path.startsWith(scene.root)).length;
    // That it is intended; the others follow. Beside them the outbox is closed.
    expect(ofOutbox).toBeGreaterThan(runs / 20);
    // 0.19 to 0.22 of a sync is what a run costs among so many; with a commit for each of them it is 1.25.
    expect(ofOutbox).toBeLessThan(runs / 2);
    // The file, and the directory that names it.
    expect(ofResults).toBe(2 * runs);

    const left = leavings(trace, before, (path) => [outbox, `${outbox}-wal`].includes(path));
    expect(new Set(left.map(({ fingerprint }) => fingerprint)).size).toBe(runs);
    for (const leaving of left)
      expect(foundAfter(leaving, scene.dir)).toEqual({ whole: 'ok', kind: 'intended' });
    // Others have been on their way meanwhile, and not everything of theirs is synced: the power takes something.
    expect(left.some(({ isLossy }) => isLossy)).toBe(true);
  },
);

/** Delivers what lies there. @returns the calls, as strace writes them down */
async function traced(scene: Scene): Promise<string> {
  const trace = join(scene.dir, 'trace');
  const once = [process.execPath, programFile, 'run', '--once', '-c', scene.configFile];
  await promisify(execFile)('strace', [...tracingFlags, '-o', trace, ...once], {
    cwd: scene.dir,
    env: { PATH: process.env['PATH'] ?? '', HOME: scene.dir },
  });
  return readFileSync(trace, 'latin1');
}

/** What the next start finds of a run when the power is cut at the moment in which its request leaves. */
function foundAfter(leaving: Leaving, below: string): { readonly whole: unknown; readonly kind: unknown } {
  const db = new Database(join(asFound(leaving, below), 'outbox.db'), { fileMustExist: true });
  try {
    return {
      whole: db.pragma('integrity_check', { simple: true }),
      kind: db.prepare('select kind from run where fingerprint = ?').pluck().get(leaving.fingerprint),
    };
  } finally {
    db.close();
  }
}
