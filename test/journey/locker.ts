/** Another program that locks the outbox, as a backup tool or somebody's `sqlite3` does. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Scene } from './scene.ts';

/** It holds the outbox until it is killed. */
export async function lockedFromOutside(scene: Scene): Promise<ChildProcess> {
  const sqlite = JSON.stringify(createRequire(import.meta.url).resolve('better-sqlite3'));
  const outbox = JSON.stringify(join(scene.stateDir, 'outbox.db'));
  const script = `const db = require(${sqlite})(${outbox}, { timeout: 30000 });
    db.exec('begin exclusive'); process.stdout.write('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  // Not onTestFinished: among concurrent tests it may belong to another one, whose end would let go too early.
  scene.undo.push(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}
