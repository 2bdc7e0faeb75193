/** What the daemon answers, over the outbox and the delivery of a bench, without drop roots. */
import { Sessions } from '../../src/http/page/sessions.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { Answers } from '../../src/service/answers.ts';
import { Changes } from '../../src/service/changes.ts';
import { DropRoots } from '../../src/service/dropRoots.ts';
import { LoopProgress } from '../../src/service/loopProgress.ts';
import { quietLog } from '../../src/system/log.ts';
import type { Bench } from '../delivery/bench.ts';

/** @param changes operations of the outbox that answer otherwise */
export function answersOf(bench: Bench, changes: Partial<Outbox> = {}): Answers {
  const places = { placesOfRoot: () => null };
  const intakeParts = {
    ...places,
    outbox: { ...bench.outbox, ...changes },
    folders: bench.folders,
    clock: bench.clock,
    log: quietLog(),
    policy: bench.policy,
    platformId: bench.standIn.endpoint,
    host: 'bench',
    passHostGuard: () => Promise.resolve(),
    runsPerSecond: () => null,
    onEnqueued: () => undefined,
  };
  const progress = new LoopProgress(bench.clock);
  return new Answers({
    intakeParts,
    dropRoots: new DropRoots([], { intakeParts, progress, isDaemon: false }),
    delivery: bench.delivery,
    progress,
    listener: null,
    reloading: null,
    configFile: '/etc/runtrackd/config.yaml',
    sessions: new Sessions('link', null, bench.clock),
    isDaemon: true,
    version: '0.0.0',
    platform: { kind: 'stand-in', endpoint: bench.standIn.endpoint },
    platformId: bench.standIn.endpoint,
    changes: new Changes(),
    view: { ...places, appOfRoot: () => '', deadlineMsOfRoot: () => null, consoleUrl: () => null },
  });
}
