/**
 * The overview as a stream of what changed in it. It is made once for all who look, only while somebody does, and not
 * more often than its making may cost. Whoever reads too slowly is dropped: nothing is kept for them, and their browser
 * comes back by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../system/clock.ts';
import { sectionNames, type SectionName, type Sections } from './sections.ts';

/** More people do not look at one host; each costs a connection and its share of what is sent. */
const watchersMax = 32;
/** What one reader may be behind. */
const behindBytesMax = 512 * 1024;
/** The pause after each look, in ms, and how many times as long as the look took it is: so much of a core it costs. */
const pauseMsMin = 2_000;
const pauseTimes = 200;
const pauseMsMax = 30_000;
/** Something is said this often at least, so that everybody between knows that the stream lives. */
const silentMsMax = 10_000;

export interface LiveParts {
  readonly clock: Clock;
  /** Everything that the overview shows, rendered. */
  readonly look: () => Promise<Sections>;
  /** Waits until some run changed since `seen`, or for so long. */
  readonly changes: { readonly count: number; next(seen: number, msMax: number): Promise<void> };
  readonly onBug: (error: unknown) => void;
}

export interface Reader {
  /** Ends the connection, with what of the stream has not been read. */
  readonly cut: () => void;
  /** Whether there still is the session that let it in: asked each time before it is told anything. */
  readonly mayLook: () => boolean;
}

interface Watcher extends Reader {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** What it was told last. */
  told: Partial<Record<SectionName, string>>;
}

export class LiveView {
  readonly #parts: LiveParts;
  readonly #watchers = new Set<Watcher>();
  #isRunning = false;
  #latest: Sections | null = null;

  constructor(parts: LiveParts) {
    this.#parts = parts;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** @returns the stream for one more reader; null: there are too many */
  watch(reader: Reader): ReadableStream<Uint8Array> | null {
    if (this.#watchers.size >= watchersMax) return null;
    let watcher: Watcher | null = null;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          watcher = { ...reader, controller, told: {} };
          this.#watchers.add(watcher);
          controller.enqueue(bytesOf('retry: 5000\n\n'));
          if (this.#latest !== null) this.#tell(watcher, this.#latest);
          this.#run();
        },
        cancel: () => {
          if (watcher !== null) this.#watchers.delete(watcher);
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: behindBytesMax }),
    );
  }

  /** The daemon ends: every stream does. */
  close(): void {
    for (const watcher of this.#watchers) this.#drop(watcher);
  }

  #run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#loop()
      .catch(this.#parts.onBug)
      .finally(() => {
        this.#isRunning = false;
        this.#latest = null;
        // Who came while it ended, or is left because it broke.
        if (this.#watchers.size > 0) this.close();
      });
  }

  async #loop(): Promise<void> {
    const { clock, look, changes } = this.#parts;
    while (this.#watchers.size > 0) {
      const seen = changes.count;
      const fromMs = clock.monotonicMs();
      const sections = await look();
      const tookMs = clock.monotonicMs() - fromMs;
      this.#latest = sections;
      for (const watcher of this.#watchers) this.#tell(watcher, sections);
      const pauseMs = Math.min(pauseMsMax, Math.max(pauseMsMin, tookMs * pauseTimes));
      await sleep(pauseMs, undefined, { ref: false });
      await changes.next(seen, silentMsMax);
    }
  }

  #tell(watcher: Watcher, sections: Sections): void {
    if (!watcher.mayLook()) {
      this.#drop(watcher);
      return;
    }
    const changed = sectionNames.filter((name) => watcher.told[name] !== sections[name]);
    watcher.told = sections;
    const text =
      changed.length === 0
        ? ': still here\n\n'
        : `data: ${JSON.stringify(Object.fromEntries(changed.map((name) => [name, sections[name]])))}\n\n`;
    const { controller } = watcher;
    if ((controller.desiredSize ?? 0) <= 0) this.#drop(watcher);
    else controller.enqueue(bytesOf(text));
  }

  /**
   * Cut off at its connection: one that is ended would first be given all that waits for it, and an error of the stream
   * would be nobody's. A browser takes neither for the end of all, and comes back.
   */
  #drop(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    watcher.cut();
  }
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}
