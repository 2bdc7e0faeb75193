/** What every step of delivery works with. */
import type { LifecyclePolicy } from '../core/policy.ts';
import type { PassPoint } from '../core/points.ts';
import type { Run } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { PlatformClient } from '../platform/client.ts';
import type { Clock } from '../system/clock.ts';
import type { Log } from '../system/log.ts';

export interface DeliveryParts {
  readonly outbox: Outbox;
  readonly platform: PlatformClient;
  /** The platform's normalised origin, or the stand-in's id: part of every key. */
  readonly platformId: string;
  readonly policy: LifecyclePolicy;
  readonly clock: Clock;
  readonly log: Log;
  /** So many artefacts are on their way at once, and so many runs in hand. */
  readonly uploadsAtOnce: number;
  /** Absolute path of a drop root; null when the configuration no longer has it. */
  readonly pathOfRoot: (dropRoot: string) => string | null;
  /** Where results go whose folder cannot take them. */
  readonly resultsDir: string;
  readonly consoleUrl: (app: string, runId: string) => string | null;
  readonly passPoint: PassPoint;
  /** Told after a run's new state is on disk. */
  readonly onConcluded: (run: Run) => void;
}
