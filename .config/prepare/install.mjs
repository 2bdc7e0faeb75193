/**
 * Is node_modules what package-lock.json asks for, and can its compiled part be loaded by this Node? If not, `npm ci`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { compilerVariable, npmCommand } from './tools.mjs';
import { Failure, work } from './work.mjs';

const loadSqlite = "new (require('./node_modules/better-sqlite3'))(':memory:').close()";

export function isInstalled(project) {
  return isWhatNpmInstalled(project) && loadsSqlite(project);
}

export async function install(project, lock) {
  const [npm, ...npmArguments] = npmCommand(process.env);
  await work({
    project,
    lock,
    doing: 'installing (a minute or two, once)',
    done: 'installed',
    log: 'install.log',
    command: npm,
    // Without dev dependencies (NODE_ENV=production) there would be nothing to build with.
    arguments: [...npmArguments, 'ci', '--include=dev', '--no-audit', '--no-fund'],
    environment: compilerVariable(process.env),
  });
  // In a process of its own: this one may have a library of the old installation loaded.
  await work({
    project,
    lock,
    log: 'sqlite.log',
    command: process.execPath,
    arguments: ['-e', loadSqlite],
    ifFailed:
      'The SQLite library was not built. If npm is told to ignore scripts, run: npm rebuild --ignore-scripts=false better-sqlite3',
  });
}

/**
 * npm writes down what it installed when it has finished, so there is no need to keep books as well, and whoever ran
 * npm by hand need not wait again. Optional packages may be for other machines than this one.
 */
function isWhatNpmInstalled(project) {
  const installed = readPackages(join(project, 'node_modules', '.package-lock.json'));
  const wanted = readPackages(join(project, 'package-lock.json'));
  if (wanted === undefined)
    throw new Failure('package-lock.json is missing: this is not a whole checkout', 1);
  if (installed === undefined) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const own = installed[path];
    if (path === '' || (own === undefined && optional === true)) return true;
    return own?.version === version && own.integrity === integrity;
  });
}

function readPackages(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}

/** Compiled code belongs to one version of Node's interface, one kind of machine and one operating system. */
function loadsSqlite(project) {
  try {
    const Database = createRequire(join(project, 'package.json'))('./node_modules/better-sqlite3');
    new Database(':memory:').close();
    return true;
  } catch {
    return false;
  }
}
