/**
 * Which changes are on disk before they are acknowledged, and which may follow the next one that is. The journal is
 * synced from its beginning, so what a power cut takes are always the last changes, and never one that something durable
 * came after: no intent, and nothing that led to it. A process that is killed loses nothing either way.
 */
import type { Conclusion } from '../core/happening.ts';
import { outsideRootName } from '../core/identity.ts';
import type { StateKind } from '../core/run.ts';
import type { NewRun } from './nouns.ts';
import type { OperationName } from './operations.ts';

export interface Asked {
  readonly name: OperationName;
  readonly args: readonly unknown[];
}

/**
 * Facts that are found again when they are lost, from the state before them: artefacts are uploaded again; a run whose
 * intent is on disk is looked for and adopted; a result is asked for, and written, again. None of these ways leads to a
 * second run.
 */
const foundAgain: ReadonlySet<StateKind> = new Set<StateKind>(['uploaded', 'tracked', 'final', 'recorded']);

/** What changes nothing, what ends with the process, and what the next scan, audit or listing notes again. */
const following: ReadonlySet<OperationName> = new Set([
  'addPage',
  'addWarnings',
  'appsToAsk',
  'archiveCandidates',
  'auditedTo',
  'beginListing',
  'begunArchivings',
  'claimInTurn',
  'claimRun',
  'clockSetFor',
  'concludeAside',
  'countOldRuns',
  'counts',
  'days',
  'distrust',
  'fingerprintsShow',
  'folderCount',
  'folders',
  'foldersOfRoot',
  'foreignDue',
  'forgetListings',
  'history',
  'intents',
  'isAwaited',
  'keepsEarlier',
  'lasting',
  'lastingUnclear',
  'leftOut',
  'leftOutOfInode',
  'list',
  'lookWanted',
  'mayLeaveOut',
  'moveLeftOut',
  'newestChangeMs',
  'nextDueMs',
  'noteApp',
  'noteProof',
  'oldestOf',
  'oldestRun',
  'openFolders',
  'otherNames',
  'pathsNamed',
  'proof',
  'proving',
  'pullEnded',
  'recentRuns',
  'recognise',
  'recorded',
  'release',
  'resultPlace',
  'rootPlace',
  'rootStart',
  'run',
  'runsAtPath',
  'runsOfInode',
  'sampleOfFolders',
  'saveAuditedTo',
  'saveFolder',
  'scanFacts',
  'showsOurs',
  'standingOf',
  'takeAside',
  'thinRuns',
  'unknownApps',
  'unknownDue',
  'unseenApps',
  'unsettled',
] satisfies OperationName[]);

/** What nobody thought about here is durable. */
export function isDurable({ name, args }: Asked): boolean {
  if (name === 'conclude') return !foundAgain.has((args[1] as Conclusion).life.state.kind);
  if (name === 'enqueue') return !isFoundByScan(args[0] as NewRun);
  return !following.has(name);
}

/** The next scan finds the folder again, and makes the same run of it: its key is the content's, and the app that of its root. */
function isFoundByScan({ key, settings, again, believed, movedFrom, movedAway }: NewRun): boolean {
  const isPlain = !again && believed === null && movedFrom === null && movedAway.length === 0;
  return isPlain && settings.isAppAsked !== true && key.dropRoot !== outsideRootName;
}
