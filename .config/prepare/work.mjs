/**
 * One longer piece of work in a child process: what it prints goes to a log file, what it does is said in one line. It
 * has a process group of its own, so that an interrupt takes all of its children with it.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';

/** Something that a person has to know; there is no use in a stack trace. */
export class Failure extends Error {
  constructor(message, exitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

const linesShown = 40;
const politeMs = 3_000;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

export async function work({
  project,
  lock,
  doing,
  done,
  log,
  command,
  arguments: words,
  environment,
  ifFailed,
}) {
  const logDirectory = join(project, 'local');
  mkdirSync(logDirectory, { recursive: true });
  const logPath = join(logDirectory, log);
  const startedMs = Date.now();
  const progress = showProgress(doing, startedMs);
  const output = openSync(logPath, 'w');
  let end;
  try {
    const child = spawn(command, words, {
      cwd: project,
      env: { ...process.env, ...environment },
      stdio: ['ignore', output, output],
      detached: true,
    });
    end = await ended(child, lock);
  } finally {
    closeSync(output);
    progress.stop();
  }
  if (end.interruptedBy !== undefined) throw new Failure('', 128 + constants.signals[end.interruptedBy]);
  if (end.code !== 0) throw new Failure(describeFailure(doing, end, logPath, ifFailed), 1);
  if (done !== undefined) console.error(`${done} in ${seconds(startedMs)} s`);
}

/** Waits for the child; an interrupt is passed on to its whole group, and is over when no process of it is left. */
function ended(child, lock) {
  return new Promise((resolve) => {
    let interruptedBy;
    let impatience;
    const interrupt = (signal) => {
      signalGroup(child.pid, interruptedBy === undefined ? 'SIGTERM' : 'SIGKILL');
      interruptedBy ??= signal;
      impatience ??= setTimeout(() => signalGroup(child.pid, 'SIGKILL'), politeMs);
    };
    const finish = async (end) => {
      if (interruptedBy !== undefined) await groupEnded(child.pid);
      clearTimeout(impatience);
      for (const signal of signals) process.off(signal, interrupt);
      resolve({ ...end, interruptedBy });
    };
    for (const signal of signals) process.on(signal, interrupt);
    if (child.pid !== undefined) lock.noteGroup(child.pid);
    child.once('error', (error) => finish({ code: null, error }));
    child.once('exit', (code, signal) => finish({ code, signal }));
  });
}

async function groupEnded(group) {
  for (let waitedMs = 0; signalGroup(group, 0); waitedMs += 50) {
    if (waitedMs >= politeMs) signalGroup(group, 'SIGKILL');
    await sleep(50);
  }
}

function signalGroup(group, signal) {
  if (group === undefined) return false;
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

function describeFailure(doing, { code, signal, error }, logPath, ifFailed) {
  const lines = readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-linesShown);
  const how = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${code}`);
  const what = ifFailed ?? `${doing.split(' ')[0]} failed`;
  return [...lines, `${what} (${how}). All of its output: ${logPath}`].join('\n');
}

/** On a terminal a line that counts, elsewhere (a log, a pipe) one that stands. */
function showProgress(doing, startedMs) {
  if (doing === undefined) return { stop: () => {} };
  if (!process.stderr.isTTY) {
    console.error(`${doing}…`);
    return { stop: () => {} };
  }
  const show = () => process.stderr.write(`\r${doing}… ${seconds(startedMs)} s`);
  show();
  const timer = setInterval(show, 1000);
  return {
    stop: () => {
      clearInterval(timer);
      process.stderr.write('\r\x1b[K');
    },
  };
}

function seconds(sinceMs) {
  return Math.max(1, Math.round((Date.now() - sinceMs) / 1000));
}
