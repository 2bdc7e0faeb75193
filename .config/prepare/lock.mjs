/**
 * One process at a time. The lock is a file with the owner's process id in it; a lock whose owner is gone is no lock. A
 * process that was killed may have left its npm running, which goes on changing node_modules: so the file also names
 * the process group that the owner's work runs in.
 */
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const lookAgainMs = 200;
/** Taking over a lock is a matter of milliseconds; who takes longer was killed in between. */
const takeOverMsMax = 10_000;

export async function withLock(path, action) {
  mkdirSync(dirname(path), { recursive: true });
  await acquire(path);
  try {
    await action({ noteGroup: (group) => replaceFile(path, describeSelf(group)) });
  } finally {
    unlinkSync(path);
  }
}

async function acquire(path) {
  let hasSaid = false;
  while (!tryToTake(path)) {
    const owner = readOwner(path);
    if (owner !== undefined && !isAlive(owner)) takeAway(path);
    else if (owner !== undefined && !hasSaid) {
      console.error(`waiting for process ${owner.pid}, which installs or builds here (lock: ${path})…`);
      hasSaid = true;
    }
    await sleep(lookAgainMs);
  }
}

/** The file appears with its content in it: a lock without an owner's name would be taken for an abandoned one. */
function tryToTake(path) {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, describeSelf(null));
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(own);
  }
}

/** Under a lock of its own: two that find the same abandoned lock must not remove each other's new one. */
function takeAway(path) {
  const takeOver = `${path}.takeover`;
  try {
    writeFileSync(takeOver, '', { flag: 'wx' });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    const since = statSync(takeOver, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > takeOverMsMax) rmSync(takeOver, { force: true });
    return;
  }
  const owner = readOwner(path);
  if (owner !== undefined && !isAlive(owner)) rmSync(path, { force: true });
  rmSync(takeOver, { force: true });
}

function describeSelf(group) {
  return JSON.stringify({ pid: process.pid, started: startOf(process.pid), group });
}

function replaceFile(path, text) {
  const next = `${path}.${process.pid}`;
  writeFileSync(next, text);
  renameSync(next, path);
}

/** Files are put in place whole; one that cannot be understood was left by a full disk. */
function readOwner(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    if (error instanceof SyntaxError) return { pid: null, started: null, group: null };
    throw error;
  }
}

function isAlive({ pid, started, group }) {
  const isSameProcess = pid !== null && exists(pid) && (started === null || startOf(pid) === started);
  return isSameProcess || (group !== null && exists(-group));
}

function exists(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Process ids are used again; together with the time of its start (Linux only) an id means one process. */
function startOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ')[19];
  } catch {
    return null;
  }
}
