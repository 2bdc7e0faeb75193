/**
 * From src to dist: the compiler checks and writes every file on its own, which is what programs import and tests look
 * into; what is started is put together from the same source.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const project = fileURLToPath(new URL('..', import.meta.url));

const compiled = spawnSync(
  process.execPath,
  [join(project, 'node_modules/typescript/bin/tsc'), '-p', join(project, '.config/tsconfig.build.json')],
  { cwd: project, stdio: 'inherit' },
);
if (compiled.status === 0) await bundle(join(project, 'src'), join(project, 'dist'));
else process.exitCode = compiled.status ?? 1;
