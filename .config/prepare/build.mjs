/**
 * Is dist what src says? A digest of all that goes into it is kept in dist, with the names of the chunks that came out of
 * it; file times are not asked, because a checkout or a copy sets them as it likes.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { work } from './work.mjs';

const stampName = '.runtrackd-built';
const settings = [
  '.config/build.mjs',
  '.config/bundle.mjs',
  '.config/tsconfig.build.json',
  'tsconfig.json',
  'package.json',
  'package-lock.json',
];

export function isBuilt(project) {
  const dist = join(project, 'dist');
  if (!existsSync(join(dist, stampName))) return false;
  const [digest, ...chunks] = readFileSync(join(dist, stampName), 'utf8').split('\n');
  return (
    digest === sourceDigest(project) &&
    !lacksOutput(project) &&
    chunks.every((chunk) => existsSync(join(dist, 'chunks', chunk)))
  );
}

export async function build(project, lock) {
  const dist = join(project, 'dist');
  rmSync(join(dist, stampName), { force: true });
  removeStaleOutput(project);
  // The compiler believes its own notes on what it has written, even where the files are gone.
  if (lacksOutput(project)) rmSync(join(dist, '.tsbuildinfo'), { force: true });
  const digest = sourceDigest(project);
  await work({
    project,
    lock,
    doing: 'building',
    done: 'built',
    log: 'build.log',
    command: process.execPath,
    arguments: [join(project, '.config/build.mjs')],
  });
  writeFileSync(join(dist, stampName), [digest, ...filesBelow(join(dist, 'chunks'))].join('\n'));
}

function sourceDigest(project) {
  const hash = createHash('sha256');
  for (const file of [...settings, ...sources(project).map((source) => join('src', source))]) {
    const bytes = readFileSync(join(project, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/** A file in dist whose source is gone would still be found by whoever imports it. */
function removeStaleOutput(project) {
  for (const file of filesBelow(join(project, 'dist'))) {
    const output = /^(.*)\.(js|js\.map|d\.ts|d\.ts\.map)$/.exec(file);
    if (output && !existsSync(join(project, 'src', `${output[1]}.ts`))) rmSync(join(project, 'dist', file));
  }
}

function lacksOutput(project) {
  return sources(project).some(
    (source) => !existsSync(join(project, 'dist', source.replace(/\.ts$/, '.js'))),
  );
}

function sources(project) {
  return filesBelow(join(project, 'src')).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
}

/** Paths below a directory, in an order that does not depend on the file system. */
function filesBelow(directory) {
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(directory.length + 1))
    .sort();
}
