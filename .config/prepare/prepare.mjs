/**
 * In order: is it installed, is it built? The usual answer is yes, twice, and takes a few milliseconds. Otherwise the work
 * is done under a lock, because `npm test` may be started while `npm start` is at it.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, isBuilt } from './build.mjs';
import { install, isInstalled } from './install.mjs';
import { withLock } from './lock.mjs';
import { describeMissingTools } from './tools.mjs';
import { Failure } from './work.mjs';

export async function prepare(projectUrl) {
  const project = fileURLToPath(projectUrl);
  try {
    if (isInstalled(project) && isBuilt(project)) return;
    await withLock(join(project, 'local', 'prepare.lock'), async (lock) => {
      // Looked at again: another process may have done it while this one waited.
      if (!isInstalled(project)) {
        const missing = describeMissingTools(process.env);
        if (missing !== undefined) throw new Failure(missing, 1);
        await install(project, lock);
      }
      if (!isBuilt(project)) await build(project, lock);
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.message !== '') console.error(error.message);
    process.exitCode = error.exitCode;
  }
}
