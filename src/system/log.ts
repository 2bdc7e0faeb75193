/**
 * The log: JSON lines on stdout for journald, sentences on a terminal.
 * Written synchronously: a line that was logged is out even if the process is killed right after.
 */
import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';
import { scrub } from '../core/scrub.ts';

export type Log = Logger;
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export function openLog(level: LogLevel): Log {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
  };
  if (!process.stdout.isTTY) return pino(options);
  return pino(
    options,
    pretty({
      sync: true,
      hideObject: true,
      ignore: 'pid,hostname',
      translateTime: 'SYS:HH:MM:ss',
      destination: 1,
    }),
  );
}

/** Everything of an error that helps, and nothing that could carry a header or a URL's query. */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: scrub(String(error)) };
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    message: scrub(error.message),
    ...(typeof code === 'string' ? { code } : {}),
    stack: scrub(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

/** The log of a command: what needs attention goes to stderr, so that stdout holds nothing but results. */
export function quietLog(): Log {
  return pino(
    { level: 'warn', base: null, timestamp: false, serializers: { err: describeError } },
    pretty({
      sync: true,
      destination: 2,
      ignore: 'pid,hostname,root,folder,run,state,runId,class',
      colorize: process.stderr.isTTY,
    }),
  );
}
