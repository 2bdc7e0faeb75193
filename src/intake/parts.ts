/** What intake works with. */
import type { LifecyclePolicy } from '../core/policy.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { RunFolders } from '../reading/runFolders.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../system/log.ts';
import type { RootPlaces } from '../system/resultDirectory.ts';

export interface IntakeParts {
  readonly outbox: Outbox;
  readonly folders: RunFolders;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: LifecyclePolicy;
  readonly platformId: string;
  readonly host: string;
  /** Waited for before a run is made: whether this host's name is the one that the drop roots know. @throws HostChanged */
  readonly passHostGuard: () => Promise<void>;
  /** Where a drop root and its results lie; null when the configuration no longer has it. */
  readonly placesOfRoot: (dropRoot: string) => RootPlaces | null;
  /** At which pace runs are recorded at the moment; null: nothing limits it. */
  readonly runsPerSecond: () => number | null;
  /** Told when a run was made or revived: there is something to deliver. */
  readonly onEnqueued: (run: number) => void;
}
