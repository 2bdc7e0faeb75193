/** The nouns in which the outbox speaks: runs, folders, claims. None of them knows of SQL. */
import type { DirectoryIdentity, FolderContent } from '../core/content.ts';
import type { Enrichment } from '../core/enrichment.ts';
import type { Failure } from '../core/failure.ts';
import type { RunLife } from '../core/happening.ts';
import type { Key } from '../core/identity.ts';
import type { RunState, ShownState } from '../core/run.ts';
import type { Taken } from '../core/turns.ts';

/** What the configuration adds to a folder's own content, as it stood when the run was made. */
export interface RunSettings {
  readonly instance: string | null;
  readonly name: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
  readonly batchExperimentId: string | null;
  /** What is added from the log; absent in rows of a time when nothing was. Kept, so that it is the same in each upload. */
  readonly enrich?: readonly Enrichment[];
  /** A person has said the app: it stands nowhere in the folder, and is not that of its root. */
  readonly isAppAsked?: true;
  /** A deliberate second run of the same content: what was to be sent beside it is meant as well. */
  readonly isAgain?: true;
}

/** A run: one generation on its way to one app of one platform. */
export interface Run {
  readonly run: number;
  readonly key: Key;
  readonly fingerprint: string;
  /** Where its folder is now, relative to the drop root. */
  readonly path: string;
  readonly directory: DirectoryIdentity;
  readonly content: FolderContent;
  readonly settings: RunSettings;
  readonly life: RunLife;
  readonly sinceMs: number;
  readonly dueAtMs: number | null;
  readonly triesTotal: number;
  readonly isClaimed: boolean;
  readonly warnings: readonly string[];
  readonly createdAtMs: number;
  /** A run of this content under another fingerprint, made while the outbox was lost; null: none was seen. */
  readonly twin: string | null;
  /** Where its folder was moved to, absolute; null: it was not. */
  readonly archivedTo: string | null;
  /** The output document as it was last uploaded, where that is not the file itself; null: it is. */
  readonly sent: SentDocument | null;
  /** Whether the output came back as it was sent; null: it was not compared, or nobody knows any more. */
  readonly outputSame: boolean | null;
  /** It ended long ago: its history is gone, and of a recorded one nearly all that was known of its content. */
  readonly isThinned: boolean;
}

/** A document that was uploaded with something added to it. */
export interface SentDocument {
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Who has a run in hand: all of a claim that a change needs, and that is worth being told to another thread. */
export interface Hand {
  readonly run: number;
  readonly fence: number;
}

export function handOf({ run, fence }: Hand): Hand {
  return { run, fence };
}

/** A run in the hands of one worker. Only the newest claim may conclude. */
export interface Claim extends Run, Hand {
  /** It was in hand when a process died, and is alone in hand until it has come further. */
  readonly isSuspect: boolean;
}

/** What is taken in hand next. */
export interface Turn extends Taken<Claim> {
  /** A suspect is due, and those that are in hand keep it from being alone there. */
  readonly isSuspectKept: boolean;
}

/** What whoever writes a result back has to know of its run, beside the claim: it may be news. */
export interface ResultPlace {
  /** Where its folder is now. */
  readonly path: string;
  readonly directory: DirectoryIdentity;
  readonly sent: SentDocument | null;
  /** What lies at its path by now has become another run, or is about to. */
  readonly isTaken: boolean;
}

/** Where a run stands, without all that it is made of: there may be very many. */
export interface Standing {
  readonly run: number;
  readonly dropRoot: string;
  /** Of a parked one; null: it is not. */
  readonly reasonClass: string | null;
}

export interface HistoryEntry {
  readonly atMs: number;
  readonly state: RunState['kind'];
  readonly note: string;
}

/** A run folder that has not become a run, or has, as the last look found it. */
export interface Folder {
  readonly dropRoot: string;
  readonly path: string;
  readonly state: Extract<ShownState, 'settling' | 'overdue' | 'rejected' | 'skipped'> | 'known';
  readonly reason: { readonly class: string; readonly text: string };
  readonly hint: string;
  /** '' asks for a fresh look. */
  readonly signature: string;
  readonly directory: DirectoryIdentity;
  readonly firstSeenMs: number;
  readonly changedAtMs: number;
  readonly sinceMs: number;
  readonly run: number | null;
  /** The platform and app for which this is so: for others it is looked at afresh. */
  readonly target: string;
}

/** Which run of the platform a folder is already, and by what key. */
export interface Proof extends Pick<Key, 'firstPath' | 'counter'> {
  readonly runId: string;
}

/** History that backfill leaves out. */
export function isLeftOutHistory({ state, reason }: Folder): boolean {
  return state === 'skipped' && reason.class === 'backfill';
}

export interface NewRun {
  /** Without a counter: the outbox knows which ones are taken. */
  readonly key: Omit<Key, 'counter' | 'firstPath'>;
  readonly path: string;
  readonly directory: DirectoryIdentity;
  readonly signature: string;
  readonly content: FolderContent;
  readonly settings: RunSettings;
  /** The row that this very directory was when it lay elsewhere, found by whoever looked at the disk. */
  readonly movedFrom: number | null;
  /** The rows of this path and content whose own directories lie elsewhere now: this folder is another one. */
  readonly movedAway: readonly { readonly run: number; readonly path: string }[];
  /** Set where it cannot be told whether this is a moved folder or a copy: the run is born parked. */
  readonly doubt: Failure | null;
  /** What the folder's row is to say: which platform and app it is known to. */
  readonly target: string;
  /** A deliberate second run of the same content. */
  readonly again: boolean;
  /** It was there when its root was first looked at: fresh runs go before it. */
  readonly isBacklog: boolean;
  /** When a mapped file last changed, by the file system's clock, in ms. */
  readonly newestFileChangeMs: number;
  /** When its solver last wrote a mapped file, as the file says, in ms: history goes oldest first. */
  readonly newestWriteMs: number;
  /** Set where a result file in the folder proves that this very content is that run already. */
  readonly believed: Proof | null;
}

export interface Enqueued {
  readonly run: number;
  readonly kind: 'new' | 'known' | 'moved' | 'revived' | 'refreshed';
  /** Why the outbox is distrusted since now: the folder's result file proved a run that it should have known. */
  readonly distrust?: string;
}

/** What happened in a drop root on one day to runs whose solver ended like this. */
export interface DaySum {
  /** Since 1970, in UTC. */
  readonly day: number;
  readonly dropRoot: string;
  /** What the solver's log says of its end; '': nothing. Runs that were made or parked are counted there. */
  readonly status: string;
  readonly made: number;
  readonly recorded: number;
  readonly failed: number;
  readonly parked: number;
  readonly recordedMs: number;
  readonly recordedMsMax: number;
  readonly gaps: number;
  readonly gapSum: number;
}

/** What `list` can be asked for. */
export interface RunQuery {
  readonly states: readonly ShownState[];
  readonly dropRoot: string | null;
  readonly sinceMs: number | null;
  /** Newest first; runs with a number below this one. */
  readonly beforeRun: number | null;
  readonly limit: number;
}

/** What a picture shows of a run. */
export interface RecentRun {
  readonly run: number;
  readonly dropRoot: string;
  /** Relative to the drop root. */
  readonly folder: string;
  readonly state: RunState['kind'];
  readonly status: 'succeeded' | 'failed';
  readonly durationMs: number | null;
  /** A fraction, where the solver's log says it. */
  readonly gap: number | null;
}

/** A folder whose run is recorded, as it was when that was so. */
export interface ArchiveCandidate {
  readonly run: number;
  /** Relative to the drop root. */
  readonly path: string;
  readonly signature: string;
  readonly directory: DirectoryIdentity;
}

/** A move to the archive that was begun and whose end is not written down. */
export interface BegunArchiving {
  readonly run: number;
  readonly path: string;
  /** Absolute. */
  readonly target: string;
}

/** What is known of how a drop root was first watched. */
export interface RootStart {
  /** What has not changed since this moment is history, wall clock in ms; null: nothing counts as history. */
  readonly firstStartMs: number | null;
  /** How many folders lay there then. */
  readonly historyFound: number;
}

/** A folder that has been dealt with, and what it looked like then. */
export type Recorded = readonly [path: string, signature: string];

/** Where a drop root was when it was last looked at. */
export interface KeptPlace {
  /** Which directory it was; null: it was never looked at, though a folder may have been tracked in it. */
  readonly mark: string | null;
  /** The real path of the directory; null: it was not looked at since that is kept. */
  readonly realPath: string | null;
}

/** Another name under which a directory was a drop root. */
export interface OtherName {
  readonly name: string;
  readonly mark: string;
  readonly realPath: string;
  /** How many folders and runs are known under it. */
  readonly folders: number;
  readonly runs: number;
}

/** What a scan has to know before it begins. */
export interface ScanFacts {
  readonly place: KeptPlace;
  readonly start: RootStart | null;
  /** Since when the outbox is not believed, wall clock in ms, and why; null: it is. */
  readonly distrust: { readonly sinceMs: number; readonly reason: string } | null;
  /** Somebody asked for a fresh look at a folder. */
  readonly hasUnsettled: boolean;
  /** The result of a run does not lie beside its content. */
  readonly hasAside: boolean;
  /** All recorded folders; null where they are too many. */
  readonly recorded: readonly Recorded[] | null;
}
