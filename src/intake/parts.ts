/** What intake works with. */
import type { LifecyclePolicy } from '../core/policy.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../system/log.ts';

export interface IntakeParts {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: LifecyclePolicy;
  readonly platformId: string;
  readonly host: string;
  /** Absolute path of a drop root; null when the configuration no longer has it. */
  readonly pathOfRoot: (dropRoot: string) => string | null;
  /** Told when a run was made or revived: there is something to deliver. */
  readonly onEnqueued: (run: number) => void;
}
