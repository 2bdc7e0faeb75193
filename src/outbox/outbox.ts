/**
 * The outbox as the rest of the program knows it: asynchronous, and in terms of runs. A change is acknowledged when its
 * group is on disk, or will follow soon where that is enough (durability.ts). Nothing above this file knows that there
 * is SQLite behind it.
 */
import { Worker } from 'node:worker_threads';
import type { OutboxTrouble } from '../core/outboxTrouble.ts';
import { threadMemory } from '../system/threadMemory.ts';
import { backUp, type BackedUp } from './backup.ts';
import { GroupQueue, type OutboxWatch } from './groupQueue.ts';
import type { CountPlace } from './intentCount.ts';
import type { OperationName, Operations } from './operations.ts';
import { databasePath, type OutboxNote } from './place.ts';
import type { ThreadData } from './thread.ts';
import type { OutboxUnusable } from './unusable.ts';

export type { OutboxWatch } from './groupQueue.ts';
export { OutboxHeld, OutboxUnusable } from './unusable.ts';

type Asynchronous = {
  readonly [Name in OperationName]: (
    ...args: Parameters<Operations[Name]>
  ) => Promise<ReturnType<Operations[Name]>>;
};

export interface Outbox extends Asynchronous {
  /** Waits for what was asked for, then gives the outbox up. */
  close(): Promise<void>;
  /** How many groups were committed: one fsync each, or none. */
  readonly groupsCommitted: () => number;
  /** So many runs are under way: where they are many, changes wait a moment for others to share their sync. */
  tellCrowd(runs: number): void;
  /** What the last process, or the opening, left to be done before anything is believed; null: nothing. */
  readonly note: OutboxNote | null;
  /** What the note called for is durable. */
  forgetNote(): void;
  /** Keeps the number of intents there as well, from now on. */
  keepCount(place: CountPlace): void;
  /** Why changes wait at the moment; null: they do not. */
  trouble(): OutboxTrouble | null;
  /** Why the outbox cannot be used any more; null: it can. */
  failure(): OutboxUnusable | null;
  /** Waits no longer for a disk in trouble: whoever asked is told. Nothing that was acknowledged is lost. */
  giveUp(): void;
  /** A consistent copy of all that is acknowledged, while changes go on. @throws BackupRefused */
  backUp(file: string): Promise<BackedUp>;
}

export interface OpenOptions {
  /** Only the daemon puts a new outbox in the place of a damaged one. */
  readonly mayReplace?: boolean;
  readonly watch?: OutboxWatch;
}

/** Of what moves with a clock that was set, so many runs are one change: the outbox is not held for longer than others wait. */
const movedAtOnce = 100;

const operationNames = [
  'takeOver',
  'clockSet',
  'clockSetFor',
  'pullEnded',
  'enqueue',
  'claimInTurn',
  'claimRun',
  'nextDueMs',
  'foreignDue',
  'conclude',
  'concludeAside',
  'concludeChanged',
  'release',
  'apply',
  'answer',
  'distrust',
  'beginDistrust',
  'noteWholeScan',
  'addWarnings',
  'standingOf',
  'noteSent',
  'resultPlace',
  'run',
  'history',
  'runsAtPath',
  'runsOfInode',
  'freezeHost',
  'folders',
  'foldersOfRoot',
  'pathsNamed',
  'saveFolder',
  'skipFolder',
  'forgetFolder',
  'folderVanished',
  'unsettleFolder',
  'takeAside',
  'openFolders',
  'rootPlace',
  'saveRootMark',
  'otherNames',
  'saveRootPath',
  'keepRootPlace',
  'beginRoot',
  'rootStart',
  'scanFacts',
  'noteHistory',
  'mayLeaveOut',
  'wantFolder',
  'wantLeftOut',
  'leftOut',
  'leftOutOfInode',
  'moveLeftOut',
  'lookWanted',
  'unsettled',
  'recorded',
  'folderCount',
  'auditedTo',
  'saveAuditedTo',
  'sampleOfFolders',
  'counts',
  'newestChangeMs',
  'list',
  'recentRuns',
  'lasting',
  'lastingUnclear',
  'oldestOf',
  'oldestRun',
  'appsToAsk',
  'isAwaited',
  'unknownApps',
  'unknownDue',
  'unseenApps',
  'noteApp',
  'fingerprintsShow',
  'beginListing',
  'addPage',
  'proof',
  'noteProof',
  'recognise',
  'showsOurs',
  'keepsEarlier',
  'forgetListings',
  'settle',
  'intents',
  'proving',
  'archiveCandidates',
  'beginArchiving',
  'begunArchivings',
  'forgetArchiving',
  'archived',
  'days',
  'countOldRuns',
  'thinRuns',
] as const satisfies readonly OperationName[];

/**
 * Opens the outbox in the state directory and becomes its one owner.
 * @throws OutboxHeld when another process owns it, OutboxUnusable when this version must not or cannot use it
 */
export async function openOutbox(
  stateDir: string,
  { mayReplace = false, watch = unwatched }: OpenOptions = {},
): Promise<Outbox> {
  const workerData: ThreadData = { stateDir, mayReplace };
  const queue = new GroupQueue(
    new Worker(new URL('./thread.js', import.meta.url), {
      workerData,
      execArgv: [],
      resourceLimits: threadMemory,
    }),
    watch,
  );
  const note = await queue.opened;
  const ask =
    (name: OperationName) =>
    (...args: unknown[]) =>
      queue.ask(name, args);
  const operations = Object.fromEntries(operationNames.map((name) => [name, ask(name)]));
  const asked = operations as unknown as Asynchronous;
  return {
    ...asked,
    async clockSet(byMs, nowMs) {
      await asked.clockSet(byMs, nowMs);
      for (const kind of ['unknown', 'tracked'] as const)
        for (let after: number | null = 0; after !== null;)
          after = await asked.clockSetFor(kind, byMs, nowMs, after, movedAtOnce);
      while ((await asked.pullEnded(nowMs, movedAtOnce)) === movedAtOnce);
    },
    close: () => queue.close(),
    groupsCommitted: () => queue.groups,
    tellCrowd: (runs) => {
      queue.crowd = runs;
    },
    note,
    forgetNote: () => queue.order({ kind: 'noted' }),
    keepCount: (place) => queue.order({ kind: 'count', place }),
    trouble: () => queue.trouble(),
    failure: () => queue.failure,
    giveUp: () => queue.giveUp(),
    backUp: (file) => backUp(databasePath(stateDir), file),
  };
}

const unwatched: OutboxWatch = { onTrouble: () => undefined, onFailure: () => undefined };
