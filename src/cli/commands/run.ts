/** `run`: the daemon. `--once`: deliver what is there and end. `--sample`: show a newcomer the whole way. */
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import ms, { type StringValue } from 'ms';
import { describeProblem, type Config } from '../../config/config.ts';
import { makeRoots } from '../../config/madeRoots.ts';
import { rereaderFor, type Rereader } from '../../config/rereader.ts';
import type { PassPoint } from '../../core/points.ts';
import { OutboxHeld, OutboxUnusable } from '../../outbox/outbox.ts';
import { crashDrill, crashDrillVariable } from '../../service/crashDrill.ts';
import type { OnceOutcome } from '../../service/once.ts';
import type { RunFolders } from '../../reading/runFolders.ts';
import { openWatched, type OpenedOutbox } from '../../service/outboxWatch.ts';
import type { Service, Surroundings } from '../../service/service.ts';
import { Hangups, watchSignals, type Shutdown } from '../../service/signals.ts';
import { machineClock } from '../../system/clock.ts';
import { openLog, type Log } from '../../system/log.ts';
import { serviceManagerOf } from '../../system/serviceManager.ts';
import { tellBackfill } from '../backfillText.ts';
import { asFailure } from '../asFailure.ts';
import { configOption, tell } from '../common.ts';
import { configFor } from '../configured.ts';
import { CommandFailure, exitCodes } from '../exit.ts';
import { SampleTour } from '../sampleTour.ts';
import { programVersion } from '../../system/programVersion.ts';

/** A command is done within this, in ms; whoever holds the outbox for longer is a daemon. */
const heldMsMax = 2_000;
const heldAgainMs = 100;
/** After the shutdown's deadline what is cut off gets this long to write down how far it came. */
const afterDeadlineMs = 4_000;
/** Without an outbox nothing can be finished, only cut off: that takes no longer than this, in ms. */
const afterFailureMs = 10_000;

export const runCommand = () =>
  new Command('run')
    .addOption(configOption())
    .option('--once', 'scan, deliver what is complete or becomes so, and end')
    .addOption(
      new Option('--wait-max <duration>', 'with --once: end after so long without any progress')
        .argParser(parseWait)
        .default(5 * 60_000, '5m'),
    )
    .option('--sample', "drop a real solver's run folder in, once, and tell what becomes of it")
    .action(async ({ config: explicit, once, waitMax, sample }) => {
      const config = configFor(explicit);
      const log = openLog(config.logLevel, process.env);
      dieOfBugs(log);
      const hangups = new Hangups();
      const service = await openService(config, log);
      const shutdown = watchSignals(
        () => service.config.shutdownDeadlineMs,
        () => machineClock.monotonicMs(),
        (signal) =>
          log.info({ signal }, `${signal}: finishing what is under way; a second one ends it at once`),
        () => cutOff(service, log),
      );
      try {
        const tour = sample === true ? await SampleTour.begin(config, service) : null;
        const ended = new AbortController();
        endAnyway(service.failed, log);
        hangups.listen(() => reloadOn(service));
        const work = once === true ? runOnce(service, shutdown, waitMax) : service.run(shutdown.stop);
        await Promise.all([
          work.finally(() => ended.abort()),
          tour?.follow(ended.signal),
          tellBackfill(() => service.answers.status(), ended.signal),
        ]);
      } finally {
        await service.close();
        shutdown.dispose();
        hangups.dispose();
        log.info('runtrackd has ended');
      }
    });

async function openService(config: Config, log: Log): Promise<Service> {
  try {
    const passPoint = drillOf(process.env[crashDrillVariable]);
    const unmade = makeRoots(config);
    if (unmade.length > 0) throw new CommandFailure(exitCodes.config, unmade.map(describeProblem).join('\n'));
    const around = {
      clock: machineClock,
      log,
      version: programVersion(),
      environment: process.env,
      passPoint,
      reread: rereadingOf(log),
      manager: serviceManagerOf(process.env, process.pid, (why) => log.warn(why)),
    };
    return await openBeside(config, around);
  } catch (error) {
    throw asFailure(error);
  }
}

function rereadingOf(log: Log): Rereader {
  return rereaderFor(process.env, hostname(), {
    onSilent: (path) => log.warn({ path }, `${path} does not answer: it was not looked at`),
    onManySilent: () =>
      log.warn(
        'several directories do not answer: those that have not yet are not waited for, and were not looked at',
      ),
  });
}

/** What is wrong with the file is said by the reload itself. */
function reloadOn(service: Service): void {
  void service.reload().catch((error: unknown) => {
    // An outbox that cannot be used ends the daemon, which says why; everything else is a bug.
    if (!(error instanceof OutboxUnusable)) throw error;
  });
}

function drillOf(setting: string | undefined): PassPoint {
  try {
    return crashDrill(setting);
  } catch (error) {
    throw new CommandFailure(exitCodes.usage, error instanceof Error ? error.message : String(error));
  }
}

/** Two threads take as long to begin as it takes this one to load everything else: they begin first. */
async function openBeside(config: Config, around: Surroundings): Promise<Service> {
  const opening = openWhenFree(config, around.log);
  // It may fail before anybody waits for it; whoever does is told.
  opening.catch(() => undefined);
  let folders: RunFolders | undefined;
  try {
    const reading = await import('../../reading/runFolders.ts');
    folders = new reading.RunFolders(around.log);
    // It touches nothing before it is asked to.
    folders.begin();
    const { Service } = await import('../../service/service.ts');
    return await Service.open(config, around, true, { opening, folders });
  } catch (error) {
    // Threads that nobody ends would keep the process, and its lock, for ever.
    await folders?.close();
    await opening.then(
      ({ outbox }) => outbox.close(),
      () => undefined,
    );
    throw error;
  }
}

/** A command that reads the outbox while there is no daemon holds it for a moment. */
async function openWhenFree({ stateDir }: Config, log: Log): Promise<OpenedOutbox> {
  const giveUpAtMs = machineClock.monotonicMs() + heldMsMax;
  for (;;) {
    try {
      return await openWatched(stateDir, log, true);
    } catch (error) {
      if (!(error instanceof OutboxHeld) || machineClock.monotonicMs() >= giveUpAtMs) throw error;
      await sleep(heldAgainMs);
    }
  }
}

async function runOnce(service: Service, shutdown: Shutdown, waitMsMax: number): Promise<void> {
  const outcome = await service.runOnce(shutdown.stop, waitMsMax);
  tell(onceText(outcome));
  if (outcome.undelivered > 0 && !shutdown.stop.aborted) process.exitCode = exitCodes.unreachable;
  else if (outcome.unscanned.length > 0) process.exitCode = exitCodes.failed;
  else if (outcome.needsPerson > 0) process.exitCode = exitCodes.needsPerson;
}

function onceText({ recorded, undelivered, settling, needsPerson, paused, unscanned }: OnceOutcome): string {
  const parts = [`${String(recorded)} recorded`];
  if (undelivered > 0)
    parts.push(`${String(undelivered)} not delivered${paused === null ? '' : ` (${paused})`}`);
  if (settling > 0) parts.push(`${String(settling)} still being written`);
  if (needsPerson > 0) parts.push(`${String(needsPerson)} need a person: see \`runtrackd status\``);
  return [`${parts.join(', ')}.`, ...unscanned.map((root) => `Not looked at: drop root ${root}.`)].join('\n');
}

/** The deadline has passed: what is under way is cut off, and the outbox says how far it came. */
function cutOff(service: Service, log: Log): void {
  log.warn('shutdown_deadline has passed: what is under way is cut off');
  service.cutOff();
  setTimeout(() => {
    log.error('the shutdown did not end in time');
    process.exit(exitCodes.failed);
  }, afterDeadlineMs).unref();
}

/** What still hangs on something else, a large upload say, must not keep a daemon without an outbox alive. */
function endAnyway(failed: AbortSignal, log: Log): void {
  const end = (): void => {
    setTimeout(() => {
      log.error('the end did not come in time');
      process.exit(exitCodes.outboxTrouble);
    }, afterFailureMs).unref();
  };
  failed.addEventListener('abort', end, { once: true });
  if (failed.aborted) end();
}

/** A bug ends the process, loudly: systemd starts it again, and the outbox has lost nothing. */
function dieOfBugs(log: Log): void {
  const die = (error: unknown): void => {
    if (error instanceof OutboxUnusable) process.exit(exitCodes.outboxTrouble);
    log.fatal({ err: error }, 'an error that nobody foresaw: this is a bug, and the daemon stops');
    process.exit(exitCodes.failed);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}

function parseWait(text: string): number {
  const wait: unknown = /^[0-9.]+ *[a-z]+$/i.test(text) ? ms(text as StringValue) : undefined;
  if (typeof wait === 'number' && wait > 0) return wait;
  throw new InvalidArgumentError('say a duration like 30s or 5m.');
}
