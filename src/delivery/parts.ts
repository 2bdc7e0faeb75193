/** What every step of delivery works with. */
import type { Measures } from '../core/measures.ts';
import type { LifecyclePolicy } from '../core/policy.ts';
import type { PassPoint } from '../core/points.ts';
import type { Run } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { RunFolders } from '../reading/runFolders.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../system/log.ts';
import type { RootPlaces } from '../system/resultDirectory.ts';
import type { PacedPlatform } from './pacedPlatform.ts';

export interface DeliveryParts {
  readonly outbox: Outbox;
  readonly folders: RunFolders;
  /** Asked at the pace of the budget, which all drop roots share. */
  readonly platform: PacedPlatform;
  /** The platform's normalised origin, or the stand-in's id: part of every key. */
  readonly platformId: string;
  /** This machine's name, as it is frozen in the outbox. */
  readonly host: string;
  /** A name that no other process has: what it counts of time is not another one’s. */
  readonly process: string;
  readonly policy: LifecyclePolicy;
  readonly clock: Clock;
  readonly log: Log;
  /** So many artefacts are on their way at once. */
  readonly uploadsAtOnce: number;
  /** So many runs are in hand at once. */
  readonly runsAtOnce: number;
  /** Where a drop root and its results lie; null when the configuration no longer has it. */
  readonly placesOfRoot: (dropRoot: string) => RootPlaces | null;
  /** Likewise, and of one that was taken out while the daemon runs: what was sent from it is seen through. */
  readonly placesOfResults: (dropRoot: string) => RootPlaces | null;
  /** Where results go whose folder cannot take them. */
  readonly resultsDir: string;
  /** Where archives lie until they are uploaded. */
  readonly spoolDir: string;
  readonly consoleUrl: (app: string, runId: string) => string | null;
  readonly passPoint: PassPoint;
  readonly measures: Measures;
  /** Called whenever a loop got something done, or found that there was nothing to do. */
  readonly progress: { readonly delivery: () => void; readonly reconcile: () => void };
  /** Told after a run's new state is on disk. */
  readonly onConcluded: (run: Run) => void;
}
