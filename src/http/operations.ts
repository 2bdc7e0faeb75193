/**
 * What one can see and ask for: the questions and orders that the control socket carries, and the shapes of the answers.
 * The names in the shapes are a promise to users' scripts.
 */
import { z } from 'zod';
import type { Reason } from '../core/failure.ts';
import type { HintsKind } from '../intake/hints.ts';
import { shownStates, type ShownState } from '../core/run.ts';
import type { RunFacts } from '../core/runFacts.ts';

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
  readonly reason: Reason | null;
  readonly hint: string | null;
  readonly warnings: readonly string[];
  /** What the solver's log says; null: nothing, or there is no run yet. `show` has the two series as well. */
  readonly facts: Omit<RunFacts, 'incumbents' | 'bounds'> | null;
  /** Where its folder was moved to; absent: it was not. */
  readonly archived_to?: string;
}

export interface RunStory extends RunView {
  readonly facts: RunFacts | null;
  readonly history: readonly { readonly at: string; readonly state: string; readonly note: string }[];
  readonly artefacts: readonly {
    readonly role: string;
    readonly name: string;
    readonly type: string;
    /** Of an archive: of its files, as they lie in the folder. */
    readonly bytes: number;
    /** Of an archive: over its files, so that it is the same however they are packed. */
    readonly sha256: string;
    /** How many files it is made of. */
    readonly files: number;
  }[];
  /** Members or artefacts that the run has on the platform and the folder has not: added from the log. */
  readonly enriched: readonly string[];
  /** The output document as it was uploaded, where something was added to it; null: it is the file itself. */
  readonly output_sent: { readonly bytes: number; readonly sha256: string } | null;
  /** What meta.json did not say and was inferred, each with its reason. */
  readonly inferred: readonly string[];
  /** It ended so long ago that its history and what was known of its files were let go (`history.keep`). */
  readonly thinned: boolean;
  /** What happens next, and when: one sentence. */
  readonly next: string;
  /** When a folder that is settling is a person’s matter, unless it moves before; null for everything else. */
  readonly overdue_at: string | null;
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
  /** The same, each with the class that `explain` knows. */
  readonly problem_reasons: readonly Reason[];
  /** Where health and metrics are served, such as http://127.0.0.1:8420 or unix:/path; null: nowhere. */
  readonly http: string | null;
  readonly counts: Partial<Record<ShownState, number>>;
  readonly oldest_waiting: RunView | null;
  /** When that one's folder was complete. */
  readonly waiting_since: string | null;
  readonly needs_person: readonly RunView[];
  readonly platform: {
    readonly kind: string;
    readonly endpoint: string | null;
    readonly state: 'ok' | 'paused';
    readonly reason: string | null;
    readonly apps: readonly { readonly app: string; readonly state: 'paused'; readonly reason: string }[];
    /** Where artefacts are uploaded to: its trouble stops uploads only. */
    readonly storage: { readonly state: 'ok' | 'paused'; readonly reason: string | null };
    /** What may leave now; null: no limit. */
    readonly budget: {
      readonly runs_per_second: number | null;
      readonly requests_per_minute: number | null;
      readonly waiting: number;
      /** The platform refuses some, and holds us well below what is configured. */
      readonly narrowed: boolean;
      /** As they are configured. */
      readonly limits: {
        readonly runs_per_second: number | null;
        readonly requests_per_minute: number | null;
      };
    };
  };
  /** The state directory, as a place for results whose folders do not take them: its trouble stops these only. */
  readonly results: { readonly state: 'ok' | 'paused'; readonly reason: string | null };
  /** The file, and whether what it says now is in force. */
  readonly configuration: ConfigurationView;
  /** Runs whose output came back different from what was sent; null while the outbox does not answer. */
  readonly outputs_differ: number | null;
  /** What the daemon does all the time, and when each last got something done or found nothing to do. */
  readonly loops: readonly {
    readonly name: string;
    readonly last_progress: string;
    readonly moving: boolean;
  }[];
  /** What happened in the last fourteen days, the oldest first; days without any event are left out. */
  readonly history: readonly DayView[];
  readonly drop_roots: readonly {
    readonly name: string;
    readonly path: string;
    readonly app: string;
    /** What makes looks come sooner than the next scan. */
    readonly hints: HintsKind;
    /** How many run folders this process has seen first because of a scan, and because of an event. */
    readonly found: { readonly by_scan: number; readonly by_event: number };
    readonly settling: number;
    readonly overdue: number;
    readonly last_scan: string | null;
    /** Where recorded folders are moved to; null: they stay. */
    readonly archive: { readonly path: string; readonly problem: string | null } | null;
    readonly backfill: {
      readonly mode: string;
      /** Run folders that lay there when the root was first watched. */
      readonly found: number;
      /** Folders that are skipped without a run: history that is left out, above all. */
      readonly left_out: number;
      /** History that waits to be sent. */
      readonly waiting: number;
      /** When it is over at the platform's pace; null: nothing waits, or nothing limits it. */
      readonly eta: string | null;
    };
    readonly problem: string | null;
  }[];
}

export interface ConfigurationView {
  readonly file: string;
  /** What is wrong with it on disk, so that an earlier reading stays in force. */
  readonly problems: readonly string[];
  /** Keys that were changed and count from the next start on. */
  readonly waiting: readonly string[];
}

export interface ReloadedView extends ConfigurationView {
  /** Whether what the file says is in force now. */
  readonly ok: boolean;
  /** What is wrong with the file; where it is in force, which of its drop roots are not watched all the same, and why. */
  readonly problems: readonly string[];
  /** Keys that count from now on. */
  readonly changed: readonly string[];
  /** Names of drop roots. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Runs that wait for a drop root that was removed, and that go on because one is there again. */
  readonly parked: number;
  readonly revived: number;
}

/** What happened in a drop root on one day, in UTC. */
export interface DayView {
  /** Such as 2026-01-31. */
  readonly day: string;
  readonly drop_root: string;
  /** Complete folders that became runs. */
  readonly made: number;
  readonly recorded: number;
  /** Of those recorded: the solver's run had failed. */
  readonly failed: number;
  readonly parked: number;
  /** From complete to recorded; null: none was recorded. */
  readonly recorded_seconds: { readonly mean: number; readonly max: number } | null;
  /** How the solvers of the recorded runs ended, as far as their logs say. */
  readonly solver: readonly {
    readonly status: string;
    readonly runs: number;
    readonly gap_mean: number | null;
  }[];
}

export const historyQuery = z.strictObject({
  /** Up to today. */
  days: z.coerce.number().int().min(1).max(400).default(14),
  /** Null: all. */
  root: z.string().max(200).nullable().default(null),
});
export type HistoryQuery = z.infer<typeof historyQuery>;

/** A path or a folder's name, or `#42`. */
export const selector = z.strictObject({
  text: z.string().min(1).max(4096),
  /** The same against the caller's working directory. */
  path: z.string().max(4096),
  /** The first digits of a generation, to tell several runs of one folder apart. */
  generation: z.string().max(80).nullable(),
  /** Its number, where that is known for sure: a folder may be called anything, also "#42". */
  run: z.number().int().positive().optional(),
  /** The drop root that the text is shown with: it means what lies in that one, and nothing else. */
  dropRoot: z.string().max(200).optional(),
});
export type Selector = z.infer<typeof selector>;

/** One of a list, behind which it goes on: a run by its number, a folder that is no run as it is shown. */
export const listPlace = z.union([
  z.strictObject({ run: z.number().int().positive() }),
  z.strictObject({
    state: z.enum(shownStates),
    dropRoot: z.string().max(200),
    folder: z.string().max(4096),
  }),
]);
export type ListPlace = z.infer<typeof listPlace>;

export const listQuery = z.strictObject({
  states: z.array(z.enum(shownStates)),
  root: z.string().nullable(),
  sinceMs: z.number().nullable(),
  /** 0: all. */
  limit: z.number().int().min(0),
  /** Absent or null: from the beginning. */
  after: listPlace.nullish(),
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
  /** As many more were answered likewise, and are not named: there are too many. */
  readonly more: number;
  /** Selected, but not parked, rejected or overdue: nothing to answer. */
  readonly left_alone: readonly { readonly run: RunView; readonly why: string }[];
}

/** Null: all roots. */
export const scanOrder = z.strictObject({ root: z.string().nullable() });
export type ScanOrder = z.infer<typeof scanOrder>;

export interface ScannedView {
  readonly dry_run: false;
  readonly drop_roots: readonly {
    readonly name: string;
    readonly folders: number;
    readonly problem: string | null;
  }[];
  /** The runs that the scan made. */
  readonly folders: readonly SeenFolder[];
  /** How many runs and folders, of all roots, are parked, rejected or overdue. */
  readonly needs_person: number;
}

/** A scan as it goes on: years of runs take minutes. */
export type ScanLine =
  /** That drop root is looked at, and so much of all is done, from 0 to 1. */
  | { readonly kind: 'progress'; readonly drop_root: string; readonly part: number }
  | { readonly kind: 'end'; readonly scanned: ScannedView };

export interface SeenFolder {
  readonly folder: string;
  readonly drop_root: string;
  readonly verdict: string;
  readonly reason: string;
  readonly run: number | null;
}

/** What a scan would do, as it is found out: there may be years of runs. */
export type PreviewLine =
  /** A folder that is not a run yet, or is ignored. */
  | ({ readonly kind: 'folder' } & SeenFolder)
  /** So many were looked at, of all that there were at the beginning. */
  | { readonly kind: 'progress'; readonly looked: number; readonly of: number }
  /** A root is done. */
  | {
      readonly kind: 'root';
      readonly name: string;
      /** Folders that are no runs. */
      readonly folders: number;
      /** Folders that are runs already. */
      readonly known: number;
      /** Folders that `ignore` leaves out: counted nowhere else. */
      readonly ignored: number;
      readonly problem: string | null;
    }
  /** All is done. Runs and folders, of all roots, that are parked, rejected or overdue. */
  | { readonly kind: 'end'; readonly needs_person: number };

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

export const backupOrder = z.strictObject({
  /** Absolute: the caller's working directory is not the daemon's. */
  file: z.string().min(2).max(4096).startsWith('/'),
});
export type BackupOrder = z.infer<typeof backupOrder>;

export interface BackupView {
  readonly file: string;
  readonly bytes: number;
  readonly runs: number;
}

/** Where the page is, with a key in it that lets one browser in. */
export interface PageLinkView {
  readonly url: string;
}

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
  /** What happened day by day, the oldest first. */
  history(query: HistoryQuery): Promise<readonly DayView[]>;
  /** Folders that are no runs first, then runs, newest first; folders that were skipped or left out last. */
  list(query: ListQuery): AsyncIterable<RunView>;
  /** @throws Unanswerable when none or several match */
  show(wanted: Selector): Promise<RunStory>;
  answer(word: PersonsAnswer): Promise<AnsweredView>;
  /** @throws Unanswerable when there is no such root */
  scan(order: ScanOrder): AsyncIterable<ScanLine>;
  /** What a scan would do; nothing is changed. @throws Unanswerable when there is no such root */
  preview(order: ScanOrder): AsyncIterable<PreviewLine>;
  /** @throws Unanswerable (refused) with the reason why the folder is not tracked */
  track(order: TrackOrder): Promise<RunView>;
  /** Waits until the run has come that far, needs a person, or the time is up. */
  waitFor(order: WaitOrder): Promise<RunView>;
  /** A copy of the outbox as it is now. @throws Unanswerable (refused) with the reason why there is none */
  backup(order: BackupOrder): Promise<BackupView>;
  /** Reads the configuration again. @throws Unanswerable where no daemon runs */
  reload(): Promise<ReloadedView>;
  /** A link to the status page that is good once. @throws Unanswerable (refused) when there is no page */
  pageLink(): Promise<PageLinkView>;
}
