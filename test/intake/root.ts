/** A drop root with an outbox of its own, and nothing that delivers: intake alone, with or without events. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as plainTest } from 'vitest';
import { defaultPolicy } from '../../src/core/policy.ts';
import { Auditor } from '../../src/intake/auditor.ts';
import { MissedEvents } from '../../src/intake/missedEvents.ts';
import { RootIntake } from '../../src/intake/rootIntake.ts';
import type { IntakeParts } from '../../src/intake/parts.ts';
import { rootForOutside, type DropRoot } from '../../src/intake/rules.ts';
import { openOutbox, type Outbox } from '../../src/outbox/outbox.ts';
import { RunFolders } from '../../src/reading/runFolders.ts';
import { machineClock } from '../../src/system/clock.ts';
import type { Log } from '../../src/system/log.ts';
import { dropFolder, plan, type Files } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';

export interface Said {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
}

/** Keeps what is said. */
function keeper(said: Said[]): Log {
  const at =
    (level: Said['level']) =>
    (...args: unknown[]): void =>
      void said.push({ level, text: String(args.at(-1)) });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as unknown as Log;
}

export class Root {
  readonly dir = mkdtempSync(join(tmpdir(), 'rt-root-'));
  readonly path = join(this.dir, 'runs');
  readonly said: Said[] = [];
  readonly missed = new MissedEvents(machineClock);
  readonly auditor: Auditor;
  readonly folders: RunFolders;
  readonly #running: { readonly stop: AbortController; readonly ended: Promise<void> }[] = [];
  #outbox: Outbox | null = null;
  readonly #log = keeper(this.said);

  constructor() {
    mkdirSync(this.path);
    this.auditor = new Auditor(this.#log);
    this.folders = new RunFolders(this.#log);
    this.missed.start();
  }

  get outbox(): Outbox {
    if (this.#outbox === null) throw new Error('the outbox is not open yet');
    return this.#outbox;
  }

  async open(): Promise<void> {
    this.#outbox = await openOutbox(join(this.dir, 'state'));
    await this.#outbox.freezeHost('test-host', machineClock.nowMs());
  }

  parts(changes: Partial<IntakeParts> = {}): IntakeParts {
    return {
      outbox: this.outbox,
      folders: this.folders,
      clock: machineClock,
      log: this.#log,
      policy: defaultPolicy,
      platformId: 'platform',
      host: 'test-host',
      passHostGuard: () => Promise.resolve(),
      placesOfRoot: () => ({ path: this.path, resultsDir: null }),
      runsPerSecond: () => null,
      onEnqueued: () => undefined,
      ...changes,
    };
  }

  dropRoot(changes: Partial<DropRoot> = {}): DropRoot {
    return {
      ...rootForOutside('hare-app'),
      path: this.path,
      name: 'runs',
      settle: { quietMs: 30, deadlineMs: 3_600_000 },
      scanEveryMs: 100,
      auditEveryMs: 3_600_000,
      ignore: ['*.tmp', '.*'],
      ...changes,
    };
  }

  /** What reads folders, with other answers to some questions: root, say, may list everything, so nothing is closed to it. */
  foldersBut(changes: Partial<RunFolders>): RunFolders {
    const { folders } = this;
    return new Proxy(folders, {
      get: (_, key) => {
        const value: unknown = Reflect.get(key in changes ? changes : folders, key, folders);
        return typeof value === 'function' ? (value.bind(folders) as unknown) : value;
      },
    });
  }

  /** Told whenever the intake gets something done. */
  onProgress: () => void = () => undefined;

  /** Until some scans have ended. */
  async severalScans(): Promise<void> {
    let ended = 0;
    this.onProgress = () => (ended += 1);
    await until('some scans', () => ended >= 5);
  }

  errors(): string[] {
    return this.said.filter(({ level }) => level === 'error').map(({ text }) => text);
  }

  intake(changes: Partial<DropRoot> = {}, withEvents = false, parts: Partial<IntakeParts> = {}): RootIntake {
    const shared = { auditor: this.auditor, missed: withEvents ? this.missed : null };
    return new RootIntake(this.dropRoot(changes), this.parts(parts), shared, () => this.onProgress());
  }

  /** Begins to watch. @returns the intake, and what ends it */
  start(
    changes: Partial<DropRoot> = {},
    withEvents = false,
    parts: Partial<IntakeParts> = {},
  ): { intake: RootIntake; stop: () => Promise<void> } {
    const intake = this.intake(changes, withEvents, parts);
    const stop = new AbortController();
    const running = { stop, ended: intake.run(stop.signal) };
    this.#running.push(running);
    return {
      intake,
      stop: async () => {
        stop.abort();
        await running.ended;
      },
    };
  }

  drop(path: string, files: Files = plan(path)): string {
    return dropFolder(this.path, path, files);
  }

  async count(state: 'queued' | 'settling' | 'skipped' | 'rejected' | 'overdue' | 'gone'): Promise<number> {
    return (await this.outbox.counts()).states[state] ?? 0;
  }

  async end(): Promise<void> {
    for (const { stop } of this.#running) stop.abort();
    await Promise.allSettled(this.#running.map(({ ended }) => ended));
    this.missed.stop();
    await this.auditor.close();
    await this.folders.close();
    await this.#outbox?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export const test = plainTest.extend<{ root: Root }>({
  // eslint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
  root: async ({}, use) => {
    const root = new Root();
    await root.open();
    await use(root);
    await root.end();
  },
});
