/**
 * What one can see and ask for: the questions and orders that the control socket carries, and the shapes of the answers.
 * The names in the shapes are a promise to users' scripts.
 */
import { z } from 'zod';
import { shownStates, type ShownState } from '../core/run.ts';

export interface RunView {
  /** Its number in the outbox; null while it is not a run. */
  readonly run: number | null;
  readonly folder: string;
  readonly drop_root: string;
  readonly generation: string | null;
  readonly state: ShownState;
  readonly since: string;
  readonly app: string;
  readonly instance: string | null;
  readonly fingerprint: string | null;
  readonly run_id: string | null;
  readonly console_url: string | null;
  readonly tries: number;
  readonly due_at: string | null;
  readonly reason: { readonly class: string; readonly text: string } | null;
  readonly hint: string | null;
  readonly warnings: readonly string[];
}

export interface RunStory extends RunView {
  readonly history: readonly { readonly at: string; readonly state: string; readonly note: string }[];
  readonly artefacts: readonly {
    readonly role: string;
    readonly name: string;
    readonly type: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
  /** What happens next, and when: one sentence. */
  readonly next: string;
  /** Other runs of the same folder, newest first. */
  readonly same_folder: readonly number[];
}

export interface StatusView {
  readonly running: boolean;
  readonly pid: number | null;
  readonly version: string;
  readonly host: string;
  readonly healthy: boolean;
  readonly problems: readonly string[];
  readonly counts: Partial<Record<ShownState, number>>;
  readonly oldest_waiting: RunView | null;
  readonly needs_person: readonly RunView[];
  readonly platform: {
    readonly kind: string;
    readonly endpoint: string | null;
    readonly state: 'ok' | 'paused';
    readonly reason: string | null;
    readonly apps: readonly { readonly app: string; readonly state: 'paused'; readonly reason: string }[];
    /** What may leave now; null: no limit. */
    readonly budget: {
      readonly runs_per_second: number | null;
      readonly requests_per_minute: number | null;
      readonly waiting: number;
      readonly narrowed: boolean;
    };
  };
  readonly drop_roots: readonly {
    readonly name: string;
    readonly path: string;
    readonly app: string;
    readonly hints: 'chokidar' | 'scan-only';
    readonly settling: number;
    readonly overdue: number;
    readonly last_scan: string | null;
    readonly problem: string | null;
  }[];
}

/** A path or a folder's name, or `#42`. */
export const selector = z.strictObject({
  text: z.string().min(1).max(4096),
  /** The same against the caller's working directory. */
  path: z.string().max(4096),
  /** The first digits of a generation, to tell several runs of one folder apart. */
  generation: z.string().max(80).nullable(),
});
export type Selector = z.infer<typeof selector>;

export const listQuery = z.strictObject({
  states: z.array(z.enum(shownStates)),
  root: z.string().nullable(),
  sinceMs: z.number().nullable(),
  /** 0: all. */
  limit: z.number().int().min(0),
});
export type ListQuery = z.infer<typeof listQuery>;

export const personsAnswer = z.strictObject({
  word: z.enum(['retry', 'skip']),
  selectors: z.array(selector).max(10_000),
  all: z.boolean(),
  reason: z.string().nullable(),
  root: z.string().nullable(),
  dryRun: z.boolean(),
});
export type PersonsAnswer = z.infer<typeof personsAnswer>;

export interface AnsweredView {
  readonly dry_run: boolean;
  readonly runs: readonly RunView[];
  /** Selected, but not parked, rejected or overdue: nothing to answer. */
  readonly left_alone: readonly { readonly run: RunView; readonly why: string }[];
}

export const scanOrder = z.strictObject({ root: z.string().nullable(), dryRun: z.boolean() });
export type ScanOrder = z.infer<typeof scanOrder>;

export interface ScannedView {
  readonly dry_run: boolean;
  readonly drop_roots: readonly {
    readonly name: string;
    readonly folders: number;
    readonly problem: string | null;
  }[];
  /** With dry_run every folder that is not a run yet; else the runs that the scan made. */
  readonly folders: readonly {
    readonly folder: string;
    readonly drop_root: string;
    readonly verdict: string;
    readonly reason: string;
    readonly run: number | null;
  }[];
  /** How many runs and folders, of all roots, are parked, rejected or overdue. */
  readonly needs_person: number;
}

export const trackOrder = z.strictObject({
  folder: z.string().min(1).max(4096),
  app: z.string().nullable(),
  instance: z.string().nullable(),
  name: z.string().nullable(),
  again: z.boolean(),
});
export type TrackOrder = z.infer<typeof trackOrder>;

export const waitOrder = z.strictObject({
  run: z.number().int().positive(),
  until: z.enum(['tracked', 'recorded']),
  waitMsMax: z.number().int().min(0).max(60_000),
});
export type WaitOrder = z.infer<typeof waitOrder>;

/** A question that cannot be answered, with the reason for whoever asked. */
export class Unanswerable extends Error {
  readonly kind: 'none' | 'ambiguous' | 'refused';

  constructor(kind: 'none' | 'ambiguous' | 'refused', message: string) {
    super(message);
    this.name = 'Unanswerable';
    this.kind = kind;
  }
}

export interface Operations {
  status(): Promise<StatusView>;
  /** Folders that are no runs first, then runs, newest first. */
  list(query: ListQuery): AsyncIterable<RunView>;
  /** @throws Unanswerable when none or several match */
  show(wanted: Selector): Promise<RunStory>;
  answer(word: PersonsAnswer): Promise<AnsweredView>;
  scan(order: ScanOrder): Promise<ScannedView>;
  /** @throws Unanswerable (refused) with the reason why the folder is not tracked */
  track(order: TrackOrder): Promise<RunView>;
  /** Waits until the run has come that far, needs a person, or the time is up. */
  waitFor(order: WaitOrder): Promise<RunView>;
}
