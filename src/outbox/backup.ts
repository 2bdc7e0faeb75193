/**
 * A copy of the outbox in a file of its own. A process of its own makes it: a large one takes longer than a shutdown may
 * wait, and the thread of the outbox is not held up by it.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, linkSync, openSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { databaseName, removeWithCompanions, syncDirectory } from './place.ts';
import { codeOf } from './unusable.ts';

/** What is in a copy. */
export interface BackedUp {
  readonly file: string;
  readonly bytes: number;
  readonly runs: number;
}

/** Why there is no backup, with what to do. Nothing was left behind. */
export class BackupRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BackupRefused';
  }
}

/** A copy that has not come to its end within this is stuck: gigabytes take a minute. */
const copyMsMax = 9 * 60_000;

/** What the copying process says at its end. */
export type CopyReport =
  | { readonly ok: true; readonly bytes: number; readonly runs: number }
  | { readonly ok: false; readonly what: string };

/**
 * @param database path of the outbox, which may be in use
 * @param file absolute path; nothing may be there yet
 * @throws BackupRefused
 */
export async function backUp(database: string, file: string): Promise<BackedUp> {
  if (dirname(file) === dirname(database) && basename(file).startsWith(databaseName))
    throw new BackupRefused(`${file} is a name that the outbox keeps for itself: choose another one`);
  if (existsSync(file)) throw exists(file);
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const report = await copied(database, temporary);
    if (!report.ok) throw new BackupRefused(`the outbox could not be copied to ${file}: ${report.what}`);
    putInPlace(temporary, file);
    return { file, bytes: report.bytes, runs: report.runs };
  } finally {
    removeWithCompanions(temporary);
  }
}

function exists(file: string): BackupRefused {
  return new BackupRefused(`${file} exists, and a backup overwrites nothing: choose another name`);
}

async function copied(database: string, temporary: string): Promise<CopyReport> {
  const program = fileURLToPath(new URL('./copyProcess.js', import.meta.url));
  // Nothing of this process's surroundings is needed, and some of it is secret.
  const child = spawn(process.execPath, [program, database, temporary], {
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: copyMsMax,
    killSignal: 'SIGKILL',
  });
  let said = '';
  let complained = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (complained = (complained + text).slice(-2_000)));
  const stop = (): void => {
    child.kill('SIGKILL');
    removeWithCompanions(temporary);
  };
  process.once('exit', stop);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => resolve());
    });
    return JSON.parse(said) as CopyReport;
  } catch {
    return { ok: false, what: `the copying process ended without a word. ${complained}`.trim() };
  } finally {
    process.off('exit', stop);
  }
}

/** Under its name at once and whole, unless something has that name meanwhile. */
function putInPlace(temporary: string, file: string): void {
  try {
    linkSync(temporary, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw exists(file);
    // A file system without hard links: the name is taken first, and what takes it is replaced.
    reserve(file);
    renameSync(temporary, file);
  }
  rmSync(temporary, { force: true });
  syncDirectory(dirname(file));
}

function reserve(file: string): void {
  try {
    closeSync(openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw exists(file);
    throw new BackupRefused(`${file} could not be written (${codeOf(error) ?? String(error)})`);
  }
}
