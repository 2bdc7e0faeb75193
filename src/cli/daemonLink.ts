/**
 * One way in: a command asks the running daemon over its control socket, and opens the outbox itself only when no
 * daemon holds it. Either way it speaks to the same operations.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import type { Client, Dispatcher } from 'undici';
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import {
  Unanswerable,
  type AnsweredView,
  type BackupView,
  type DayView,
  type Operations,
  type PageLinkView,
  type PreviewLine,
  type ReloadedView,
  type RunStory,
  type RunView,
  type ScanLine,
  type StatusView,
} from '../http/operations.ts';
import { controlSocketIn } from '../core/controlSocket.ts';
import { isOutboxName } from '../outbox/place.ts';
import { OutboxHeld } from '../outbox/unusable.ts';
import { machineClock } from '../system/clock.ts';
import { errorCode } from '../system/files.ts';
import { quietLog } from '../system/log.ts';
import { exitOnSignals } from './brokenOff.ts';
import { CommandFailure, exitCodes } from './exit.ts';
import { programVersion } from '../system/programVersion.ts';

export interface DaemonLink {
  readonly operations: Operations;
  readonly isDaemon: boolean;
  /** Takes one run further: the daemon does so by itself, a command without one has to. */
  deliver(run: number, until: 'tracked' | 'recorded'): Promise<void>;
  close(): Promise<void>;
}

/** What a command is about to do. */
export type Purpose = 'look' | 'change';

/** A daemon that has a socket answers within this, or hangs. */
const startingMsMax = 5_000;
/** Another command, or a daemon that is just starting or ending, holds the lock and has no socket; it is done in this. */
const heldMsMax = 20_000;
const askAgainMs = 200;
/** A scan of a large root takes its time. */
const answerMsMax = 10 * 60_000;

/**
 * A daemon that runs goes by what it has read: the file may be wrong by now, or name a directory that does not answer.
 * @param controlDir where it would listen; null: nobody can tell
 * @param configure reads the configuration, for when there is no daemon
 * @param purpose whoever only looks makes no outbox where there is none
 * @throws CommandFailure when a daemon holds the outbox and has no socket (75), or has one and does not answer (69)
 */
export async function linkToDaemon(
  controlDir: string | null,
  configure: () => Config,
  purpose: Purpose,
): Promise<DaemonLink> {
  const beganMs = machineClock.monotonicMs();
  let config: Config | null = null;
  for (;;) {
    const link = controlDir === null ? 'nobody' : await linkOverSocket(controlSocketIn(controlDir));
    if (typeof link === 'object') return link;
    config ??= configure();
    try {
      return await linkWithoutDaemon(config, purpose);
    } catch (error) {
      if (!(error instanceof OutboxHeld)) throw error;
      if (machineClock.monotonicMs() - beganMs >= (link === 'silent' ? startingMsMax : heldMsMax)) {
        throw link === 'silent'
          ? new CommandFailure(
              exitCodes.unreachable,
              `${error.message}; it runs and does not answer: it is stopped, or hangs. \`runtrackd explain not-answering\` says what to do`,
            )
          : new CommandFailure(exitCodes.held, `${error.message}; it does not answer on its control socket`);
      }
    }
    await sleep(askAgainMs);
  }
}

async function linkWithoutDaemon(config: Config, purpose: Purpose): Promise<DaemonLink> {
  if (purpose === 'look' && isUntouched(config.stateDir)) return await linkToNothing(config);
  return await linkToOutbox(config);
}

/** Nobody has begun to work there. */
function isUntouched(stateDir: string): boolean {
  try {
    return !readdirSync(stateDir).some(isOutboxName);
  } catch (error) {
    // Of a directory that is closed to this user nobody knows.
    return errorCode(error) === 'ENOENT';
  }
}

/** What can be looked at before the first start, with an outbox that is empty and goes away again. */
async function linkToNothing(config: Config): Promise<DaemonLink> {
  const stateDir = throwAwayDir();
  const remove = (): void => rmSync(stateDir, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', remove);
  const giveUp = exitOnSignals();
  const end = (): void => {
    remove();
    process.off('exit', remove);
    giveUp();
  };
  const standIn = { ...config.platform.standIn, dataDir: join(stateDir, 'stand-in') };
  // What is counted of it goes away with it.
  const environment = { ...process.env, RUNTIME_DIRECTORY: stateDir };
  try {
    const link = await linkToOutbox(
      { ...config, stateDir, platform: { ...config.platform, standIn } },
      environment,
    );
    return { ...link, close: () => link.close().finally(end) };
  } catch (error) {
    end();
    throw error;
  }
}

/** @throws CommandFailure where this machine has no place for what is only for a moment */
function throwAwayDir(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'runtrackd-'));
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw new CommandFailure(
      exitCodes.failed,
      `no directory can be made in ${tmpdir()} (${code}), which is needed to look around before the first start: set TMPDIR to a directory that this user may write to`,
    );
  }
}

async function linkToOutbox(config: Config, environment = process.env): Promise<DaemonLink> {
  // The whole service, which nobody needs who finds a daemon.
  const { Service } = await import('../service/service.ts');
  const around = {
    clock: machineClock,
    log: quietLog(),
    version: programVersion(),
    environment,
    passPoint: () => undefined,
  };
  const service = await Service.open(config, around, false);
  return {
    operations: service.answers,
    isDaemon: false,
    deliver: (run, until) => service.deliverOnly(run, until, new AbortController().signal),
    close: () => service.close(),
  };
}

/** A daemon that was stopped (SIGSTOP) takes connections, by its kernel, and never says a word. */
export async function linkOverSocket(socketPath: string): Promise<DaemonLink | 'nobody' | 'silent'> {
  try {
    await lstat(socketPath);
  } catch (error) {
    if (errorCode(error) === 'EACCES') throw mayNotAsk(socketPath);
    return 'nobody';
  }
  // A daemon that starts shares this file, and has other things to do first.
  const { Client } = await import('undici');
  const client = new Client('http://runtrackd', {
    socketPath,
    headersTimeout: answerMsMax,
    bodyTimeout: answerMsMax,
  });
  try {
    const { body } = await client.request({
      method: 'GET',
      path: '/status',
      signal: AbortSignal.timeout(startingMsMax),
    });
    await body.dump();
  } catch (error) {
    // Not closed: that would wait for the answer that does not come.
    await client.destroy();
    if (errorCode(error) === 'EACCES') throw mayNotAsk(socketPath);
    return error instanceof Error && error.name === 'TimeoutError' ? 'silent' : 'nobody';
  }
  return {
    operations: overSocket(client),
    isDaemon: true,
    deliver: () => Promise.resolve(),
    close: () => client.close(),
  };
}

/** Closed to this user is the socket, or a directory on the way to it. */
function mayNotAsk(socketPath: string): CommandFailure {
  return new CommandFailure(
    exitCodes.unreachable,
    `this user may not ask the daemon: ${socketPath} is closed to it; try as the daemon's user, or with sudo`,
  );
}

const complaint = z.object({ kind: z.string(), message: z.string() });

/** A connection that broke, be it in the middle of the answer: the daemon was killed, or met its end. */
function asEnded(error: unknown): never {
  if (errorCode(error) === undefined) throw error;
  throw new CommandFailure(exitCodes.unreachable, 'the daemon ended before it had answered');
}

/** Without what came of a line that was cut off. */
async function* wholeLines(body: Readable): AsyncGenerator<string> {
  let begun = '';
  try {
    for await (const text of body.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (begun + text).split('\n');
      begun = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    asEnded(error);
  }
}

function overSocket(client: Client): Operations {
  const request = (options: Dispatcher.RequestOptions) => client.request(options).catch(asEnded);
  const open = async (path: string, order?: unknown) => {
    const { statusCode, body } = await request({
      method: order === undefined ? 'GET' : 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: order === undefined ? null : JSON.stringify(order),
    });
    if (statusCode === 200) return body;
    const said = complaint.safeParse(await body.json().catch(() => undefined));
    const { kind, message } = said.success
      ? said.data
      : { kind: 'bug', message: `the daemon answered ${statusCode}` };
    if (kind === 'none' || kind === 'ambiguous' || kind === 'refused') throw new Unanswerable(kind, message);
    throw new CommandFailure(exitCodes.failed, message);
  };
  async function* lines<T extends object>(path: string, order: unknown): AsyncGenerator<T> {
    for await (const line of wholeLines(await open(path, order))) {
      const read = JSON.parse(line) as T | { readonly brokenOff: string };
      if ('brokenOff' in read) throw new Unanswerable('refused', read.brokenOff);
      yield read;
    }
  }
  // The shapes are the daemon's own, and both sides are one package: they are not checked again.
  const ask = async (path: string, order?: unknown): Promise<unknown> =>
    await (await open(path, order)).json().catch(asEnded);
  return {
    status: async () => (await ask('/status')) as StatusView,
    history: async (query) => (await ask('/history', query)) as DayView[],
    list: (query) => lines<RunView>('/list', query),
    preview: (order) => lines<PreviewLine>('/preview', order),
    show: async (wanted) => (await ask('/show', wanted)) as RunStory,
    answer: async (word) => (await ask('/answer', word)) as AnsweredView,
    scan: (order) => lines<ScanLine>('/scan', order),
    track: async (order) => (await ask('/track', order)) as RunView,
    backup: async (order) => (await ask('/backup', order)) as BackupView,
    reload: async () => (await ask('/reload', {})) as ReloadedView,
    waitFor: async (order) => (await ask('/wait', order)) as RunView,
    pageLink: async () => (await ask('/page-link', {})) as PageLinkView,
  };
}
