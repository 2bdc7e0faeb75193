/** Looks at Node, SQLite, directories, the kernel's watches and quotas, as the user that this process is. */
import { spawn, spawnSync } from 'node:child_process';
import { constants, type Stats } from 'node:fs';
import {
  access,
  lstat,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config, DropRootConfig } from '../../config/config.ts';
import { openWatchesMax } from '../../intake/hints.ts';
import { migrations } from '../../outbox/migrations.ts';
import { machineClock } from '../../system/clock.ts';
import { errorCode } from '../../system/files.ts';
import { fileSystemAt } from '../../system/fileSystem.ts';
import { holderOf, lookAtOutbox } from './lookAtOutbox.ts';
import type { DirectoryFacts, MachineFacts, RootFacts, StateFacts, WatchFacts } from './facts.ts';

/** So many folders of a drop root are asked whether they may be read. */
const sampledMax = 50;

export async function lookAtSqlite(): Promise<MachineFacts['sqlite']> {
  try {
    const { default: Database } = await import('better-sqlite3');
    const db = new Database(':memory:');
    try {
      return { version: String(db.prepare('select sqlite_version()').pluck().get()) };
    } finally {
      db.close();
    }
  } catch (error) {
    return { problem: (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '' };
  }
}

/** A directory on a server that is away is waited for no longer, in ms. */
const answerMsMax = 5_000;

/**
 * Directories, and the password's file, that do not answer. Each is asked by a process of its own: one that hangs in this process would hold one
 * of its few threads, and keep it from ending.
 */
export async function silentAmong({ stateDir, http, dropRoots }: Config): Promise<ReadonlySet<string>> {
  const paths = dropRoots.flatMap(({ path, resultsDir, archive }) => [path, resultsDir, archive?.path]);
  const silent = new Set<string>();
  await Promise.all(
    [...new Set([stateDir, http.passwordFile, ...paths])].map(async (path) => {
      if (path != null && !(await isAnswering(path))) silent.add(path);
    }),
  );
  return silent;
}

async function isAnswering(path: string): Promise<boolean> {
  const late = new AbortController();
  const asked = spawn('stat', ['-L', '--', path], { stdio: 'ignore' });
  const answered = new Promise<boolean>((resolve) => {
    asked.once('error', () => resolve(true));
    asked.once('exit', () => resolve(true));
  });
  const isSilent = sleep(answerMsMax, false, { signal: late.signal }).catch(() => false);
  const isIt = await Promise.race([answered, isSilent]);
  late.abort();
  asked.kill('SIGKILL');
  asked.unref();
  return isIt;
}

/** @param probes whether a file may be made there, to see what its clock says */
async function lookAtDirectory(path: string, probes: boolean): Promise<DirectoryFacts> {
  const nothing = {
    isReadable: false,
    isWritable: false,
    fileSystem: null,
    freeBytes: null,
    mode: null,
    aheadMs: null,
  };
  let stats: Stats;
  try {
    stats = await stat(path);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    const isMissing = errorCode(error) === 'ENOENT';
    const parent = await nearestParent(path);
    const fileSystem = await fileSystemAt(parent).catch(() => null);
    const isWritable = await may(parent, constants.W_OK | constants.X_OK);
    return {
      path,
      is: isMissing ? 'missing' : 'closed',
      parent: { path: parent, isWritable },
      ...nothing,
      fileSystem,
    };
  }
  if (!stats.isDirectory()) return { path, is: 'no directory', parent: null, ...nothing };
  const isWritable = await may(path, constants.W_OK | constants.X_OK);
  const space = await statfs(path).catch(() => null);
  return {
    path,
    is: 'there',
    parent: null,
    isReadable: await may(path, constants.R_OK | constants.X_OK),
    isWritable,
    fileSystem: await fileSystemAt(path).catch(() => null),
    freeBytes: space === null ? null : space.bavail * space.bsize,
    mode: stats.mode & 0o7777,
    aheadMs: probes && isWritable ? await clockOf(path) : null,
  };
}

async function nearestParent(path: string): Promise<string> {
  let at = dirname(path);
  while (at !== '/' && (await stat(at).catch(() => null)) === null) at = dirname(at);
  return at;
}

async function may(path: string, mode: number): Promise<boolean> {
  return await access(path, mode).then(
    () => true,
    () => false,
  );
}

/** A file system on another machine has that one's clock. The file is gone again when this returns. */
async function clockOf(path: string): Promise<number | null> {
  let place: string | undefined;
  try {
    // Begins with a dot, so that it is no run folder to anybody.
    place = await mkdtemp(join(path, '.runtrackd-doctor-'));
    const file = join(place, 'clock');
    const beforeMs = machineClock.nowMs();
    await writeFile(file, '');
    const { mtimeMs } = await stat(file);
    const afterMs = machineClock.nowMs();
    if (mtimeMs >= beforeMs - 20 && mtimeMs <= afterMs + 20) return 0;
    return Math.round(mtimeMs - (beforeMs + afterMs) / 2);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return null;
  } finally {
    if (place !== undefined) await rm(place, { recursive: true, force: true });
  }
}

export async function lookAtState({ stateDir }: Config): Promise<StateFacts> {
  const directory = await lookAtDirectory(stateDir, true);
  const owner = directory.is === 'there' ? (await stat(stateDir)).uid : null;
  return {
    directory,
    isOwn: owner === null || owner === process.getuid?.(),
    outbox: await lookAtOutbox(stateDir),
    schemaMax: migrations.length,
    heldBy: await holderOf(stateDir),
  };
}

export async function lookAtRoot(root: DropRootConfig): Promise<RootFacts> {
  const { name, path, resultsDir, archive } = root;
  const isWrittenTo = resultsDir === null || archive !== null;
  const folders = (await readdir(path, { withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .slice(0, sampledMax);
  const opened = await Promise.all(
    folders.map((folder) => may(join(path, folder.name), constants.R_OK | constants.X_OK)),
  );
  const others = [resultsDir, archive?.path ?? null].filter((other) => other !== null);
  return {
    name,
    // Nothing is made where run folders lie, not for a moment.
    directory: await lookAtDirectory(path, false),
    sampled: opened.length,
    closed: opened.filter((isOpen) => !isOpen).length,
    isWrittenTo,
    others: await Promise.all(others.map((other) => lookAtDirectory(other, true))),
  };
}

/** Whether users may make hard links to what is not theirs: 0 or 1. @returns null where the kernel does not say */
export async function lookAtHardLinks(): Promise<string | null> {
  const said = await readFile('/proc/sys/fs/protected_hardlinks', 'utf8').catch(() => null);
  return said?.trim() ?? null;
}

/** @returns null where the kernel does not say */
export async function lookAtWatches(roots: number): Promise<WatchFacts | null> {
  const limit = async (name: string): Promise<number> =>
    Number(await readFile(`/proc/sys/fs/inotify/${name}`, 'utf8').catch(() => 'NaN'));
  const watchesMax = await limit('max_user_watches');
  const instancesMax = await limit('max_user_instances');
  if (Number.isNaN(watchesMax) || Number.isNaN(instancesMax)) return null;
  let watchesUsed = 0;
  let instancesUsed = 0;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const owner = await lstat(`/proc/${pid}`).catch(() => null);
    if (owner?.uid !== process.getuid?.()) continue;
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (target !== 'anon_inode:inotify') continue;
      instancesUsed += 1;
      const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8').catch(() => '');
      watchesUsed += info.split('\n').filter((line) => line.startsWith('inotify wd:')).length;
    }
  }
  return { watchesMax, watchesUsed, watchesNeeded: roots * openWatchesMax, instancesMax, instancesUsed };
}

/** @returns null where `quota` is not installed */
export function lookAtQuota(): { readonly isOver: boolean; readonly text: string } | null {
  const { error, status, stdout } = spawnSync('quota', ['-q'], { encoding: 'utf8', timeout: 10_000 });
  if (error !== undefined) return null;
  return { isOver: status !== 0 && stdout.trim() !== '', text: stdout.trim().split('\n').join('; ') };
}
