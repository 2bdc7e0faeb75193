/** The thread in which `folderJobs.ts` is carried out, one job after the other. */
import { parentPort } from 'node:worker_threads';
import { machineClock } from '../system/clock.ts';
import { errorCode } from '../system/files.ts';
import { SourceChanged } from './bodies.ts';
import type { DirectoryNames } from './directoryNames.ts';
import { folderJobs, type FolderJobs, type FolderRules } from './folderJobs.ts';
import { ignoredBy } from './mapping.ts';
import type { SightRules } from './sight.ts';

/** What of the rules can be told to another thread: what is ignored follows from the names. */
export interface ToldRules {
  readonly sight: Omit<SightRules, 'isIgnored'>;
  readonly reading: Omit<FolderRules['reading'], 'beat'>;
}

export type FolderOrder =
  /** Told once, before the first job that goes by them. */
  | { readonly kind: 'rules'; readonly id: number; readonly rules: ToldRules }
  /** Those that are wanted again are told again. */
  | { readonly kind: 'forgetRules' }
  | {
      readonly kind: 'job';
      readonly id: number;
      readonly name: keyof FolderJobs;
      /** By which rules; null: the job needs none. */
      readonly rules: number | null;
      readonly args: readonly unknown[];
    };

export type FolderReply =
  /** It is not done yet, and gets on. */
  | { readonly id: number; readonly isUnderWay: true }
  | { readonly id: number; readonly ok: true; readonly tookMs: number; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly tookMs: number; readonly error: FolderError };

export type FolderError =
  | { readonly kind: 'changed'; readonly fileName: string; readonly message: string }
  | { readonly kind: 'system'; readonly code: string; readonly message: string }
  | { readonly kind: 'bug'; readonly message: string; readonly stack: string };

const rulesById = new Map<number, FolderRules>();

async function carryOut({ id, name, rules, args }: Extract<FolderOrder, { kind: 'job' }>): Promise<void> {
  const job = folderJobs[name] as (...given: unknown[]) => Promise<unknown>;
  const beganMs = machineClock.monotonicMs();
  // A sync is waited for beside other jobs, which also have their turns in a long listing.
  const isAlone = name !== 'put' && name !== 'names';
  const tookMs = (): number => (isAlone ? machineClock.monotonicMs() - beganMs : 0);
  const beat = (): void => reply({ id, isUnderWay: true }, []);
  try {
    const given = rules === null ? args : [rulesById.get(rules), ...args];
    const value = await job(...given, beat);
    reply({ id, ok: true, tookMs: tookMs(), value }, buffersOf(value));
  } catch (error) {
    reply({ id, ok: false, tookMs: tookMs(), error: told(error) }, []);
  }
}

function reply(message: FolderReply, buffers: readonly ArrayBuffer[]): void {
  parentPort?.postMessage(message, buffers);
}

/** What was read is handed over, not copied. */
function buffersOf(value: unknown): ArrayBuffer[] {
  const held = Array.isArray(value) ? value : isListed(value) ? value.directories : [value];
  return held.flatMap((one) =>
    one instanceof Uint8Array && one.buffer instanceof ArrayBuffer ? [one.buffer] : [],
  );
}

function isListed(value: unknown): value is DirectoryNames {
  return typeof value === 'object' && value !== null && 'directories' in value;
}

function told(error: unknown): FolderError {
  if (error instanceof SourceChanged)
    return { kind: 'changed', fileName: error.fileName, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  const code = errorCode(error);
  if (code !== undefined) return { kind: 'system', code, message };
  return { kind: 'bug', message, stack: error instanceof Error ? (error.stack ?? '') : '' };
}

parentPort?.on('message', (order: FolderOrder) => {
  switch (order.kind) {
    case 'job':
      void carryOut(order);
      break;
    case 'forgetRules':
      rulesById.clear();
      break;
    case 'rules': {
      const { sight, reading } = order.rules;
      rulesById.set(order.id, { sight: { ...sight, isIgnored: ignoredBy(sight.names) }, reading });
    }
  }
});
