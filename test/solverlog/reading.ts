/** What the tests of solvers' logs share: the logs with their truth, and a log from text. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Truth } from '../../bench/logScoring.mjs';
import type { SolverLog } from '../../src/core/solverFacts.ts';
import { parseSolverLog } from '../../src/solverlog/parseSolverLog.ts';

const logs = join(dirname(fileURLToPath(import.meta.url)), 'logs');

/** The names of all cases, in order. */
export const cases: readonly string[] = readdirSync(logs, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

export const logFile = (name: string): string => join(logs, name, 'run.log');
export const bytesOf = (name: string): Buffer => readFileSync(logFile(name));
export const truthOf = (name: string): Truth =>
  JSON.parse(readFileSync(join(logs, name, 'truth.json'), 'utf8')) as Truth;

/** @param log text, or bytes as they lie in a file */
export const parse = (log: string | Uint8Array): Promise<SolverLog> =>
  parseSolverLog([typeof log === 'string' ? Buffer.from(log) : log]);

/** What a log says, without where it says it. */
export const factsOf = (log: SolverLog): object =>
  JSON.parse(
    JSON.stringify(log, (key, value: unknown) => (key === 'evidence' ? undefined : value)),
  ) as object;
