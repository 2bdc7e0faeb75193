/** The log: JSON lines on stdout for journald, sentences on a terminal. */
import { fstatSync } from 'node:fs';
import { pino, type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';
import { scrub } from '../core/scrub.ts';
import { logOutput, streamTo } from './logOutput.ts';

export type Log = Logger;
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export function openLog(level: LogLevel, environment: NodeJS.ProcessEnv): Log {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
  };
  const output = logOutput(1);
  if (isJournal(1, environment)) return pino(options, withPriorities(output));
  if (!process.stdout.isTTY) return pino(options, output);
  return pino(
    options,
    pretty({
      hideObject: true,
      ignore: 'pid,hostname',
      translateTime: 'SYS:HH:MM:ss',
      destination: streamTo(output),
    }),
  );
}

/** Whether a descriptor leads to the journal: systemd says which file that is, and it may have been redirected since. */
function isJournal(descriptor: number, environment: NodeJS.ProcessEnv): boolean {
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  return environment['JOURNAL_STREAM'] === `${String(dev)}:${String(ino)}`;
}

/** Syslog's numbers, from which the journal knows what is an error; by pino's. */
const priorities: Readonly<Record<number, number>> = { 10: 7, 20: 7, 30: 6, 40: 4, 50: 3, 60: 2 };

/** Puts `<3>` in front of an error, and so on: the journal takes it off again. */
export function withPriorities(out: DestinationStream): DestinationStream {
  const stream = {
    // By this pino tells the level of the line that it is about to write.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write(line: string): void {
      out.write(`<${String(priorities[stream.lastLevel] ?? 6)}>${line}`);
    },
  };
  return stream;
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
      destination: streamTo(logOutput(2)),
      ignore: 'pid,hostname,root,folder,run,state,runId,class',
      colorize: process.stderr.isTTY,
    }),
  );
}
