/**
 * Whether the listing that was just read still shows what earlier ones had shown. To find that out the outbox goes
 * through a whole listing, which may be of hundreds of thousands of runs, and thousands of unknown runs ask it of the
 * same one: each question is asked once, and never beside another, so that others ask the outbox in between.
 */
import type { Outbox } from '../outbox/outbox.ts';

/** What a run asks: of this earlier listing, and of no run that was made before, wall clock in ms. */
export interface EarlierListing {
  readonly earlier: number;
  readonly sinceMs: number;
}

/** From when on all is still shown, and from when on it surely is not, wall clock in ms: between these nobody asked. */
interface Known {
  readonly keptSinceMs: number;
  readonly lostSinceMs: number;
}

export class EarlierListings {
  /** As many as there are listings that unknown runs of the app refer to, each of which is whole in the outbox. */
  readonly #known = new Map<number, Known>();
  readonly #later: number;
  readonly #outbox: Pick<Outbox, 'keepsEarlier'>;
  readonly #gotOn: () => void;

  /** @param gotOn told after each question */
  constructor(later: number, outbox: Pick<Outbox, 'keepsEarlier'>, gotOn: () => void) {
    this.#later = later;
    this.#outbox = outbox;
    this.#gotOn = gotOn;
  }

  /** Finds out what these ask, from where most of it follows from what was found out: nothing is lost since later, either. */
  async read(questions: readonly EarlierListing[]): Promise<void> {
    for (const question of questions.toSorted((one, other) => one.sinceMs - other.sinceMs))
      if (this.#answer(question) === null) await this.#ask(question);
  }

  /** @throws when it was not read before */
  isKept(question: EarlierListing): boolean {
    const answer = this.#answer(question);
    if (answer === null) throw new Error(`nobody read whether listing ${question.earlier} is kept`);
    return answer;
  }

  #answer({ earlier, sinceMs }: EarlierListing): boolean | null {
    const { keptSinceMs, lostSinceMs } = this.#knownOf(earlier);
    return sinceMs >= keptSinceMs ? true : sinceMs <= lostSinceMs ? false : null;
  }

  async #ask({ earlier, sinceMs }: EarlierListing): Promise<void> {
    const isKept = await this.#outbox.keepsEarlier(earlier, this.#later, sinceMs);
    const known = this.#knownOf(earlier);
    this.#known.set(earlier, { ...known, ...(isKept ? { keptSinceMs: sinceMs } : { lostSinceMs: sinceMs }) });
    this.#gotOn();
  }

  #knownOf(earlier: number): Known {
    return this.#known.get(earlier) ?? { keptSinceMs: Infinity, lostSinceMs: -Infinity };
  }
}
