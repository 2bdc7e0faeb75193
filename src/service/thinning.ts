/** The loop that lets go of old stories, a few runs at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  isClockBelieved,
  standingClock,
  thinnedBefore,
  thinningRestMs,
  type StandingClock,
} from '../core/thinning.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Clock } from '../system/clock.ts';

/** So many hold the outbox for some ms. */
const runsAtOnce = 20;
/** And it is left to the others for so long between two steps, in ms. */
const pauseMs = 50;

export interface ThinningParts {
  readonly outbox: Pick<Outbox, 'thinRuns'>;
  readonly clock: Clock;
  /** How long stories are kept, as it is in force now; null: for ever. */
  readonly keepMs: () => number | null;
  readonly progress: () => void;
  /** Where the process ends sooner than a clock could show that it stands, it is believed at once. */
  readonly isBrief: boolean;
}

export async function thinRuns(parts: ThinningParts, stop: AbortSignal): Promise<void> {
  const { outbox, clock, keepMs, progress, isBrief } = parts;
  let standing: StandingClock | null = null;
  while (!stop.aborted) {
    const [nowMs, steadyMs] = [clock.nowMs(), clock.monotonicMs()];
    standing = standingClock(standing, nowMs, steadyMs);
    const isBelieved = isBrief || isClockBelieved(standing, keepMs(), steadyMs);
    const beforeMs = isBelieved ? thinnedBefore(keepMs(), nowMs) : null;
    const thinned = beforeMs === null ? 0 : await outbox.thinRuns(beforeMs, runsAtOnce);
    progress();
    const restMs = thinned === runsAtOnce ? pauseMs : thinningRestMs(keepMs());
    await sleep(restMs, null, { signal: stop }).catch(() => null);
  }
}
