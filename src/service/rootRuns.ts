/**
 * What becomes of the runs of drop roots that come and go: what is sent is seen through, what is not waits, and goes on by
 * itself when its root is there again.
 */
import type { Happening } from '../core/happening.ts';
import { missingRoot, rootNotConfigured } from '../core/missingRoot.ts';
import type { LifecyclePolicy } from '../core/policy.ts';
import type { StateKind } from '../core/run.ts';
import type { Standing } from '../outbox/nouns.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Clock } from '../system/clock.ts';

/** Runs are gone through in pages of this many: others have their turn in between. */
const pageOfRuns = 500;

export interface RootRunsParts {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly policy: LifecyclePolicy;
  /** Told when runs go on. */
  readonly onRevived: () => void;
}

export class RootRuns {
  readonly #parts: RootRunsParts;

  constructor(parts: RootRunsParts) {
    this.#parts = parts;
  }

  /** The roots are not configured any more. @returns how many runs wait for them now */
  async park(roots: ReadonlySet<string>): Promise<number> {
    if (roots.size === 0) return 0;
    const ofRoots = ({ dropRoot }: Standing): boolean => roots.has(dropRoot);
    const removed = ({ dropRoot }: Standing): Happening => ({
      kind: 'rootRemoved',
      failure: missingRoot(dropRoot),
    });
    return (await this.#each('uploaded', ofRoots, removed)) + (await this.#each('queued', ofRoots, removed));
  }

  /** The roots are configured again. @returns how many runs go on */
  async revive(roots: ReadonlySet<string>): Promise<number> {
    if (roots.size === 0) return 0;
    const revived = await this.#each(
      'parked',
      ({ dropRoot, reasonClass }) => reasonClass === rootNotConfigured && roots.has(dropRoot),
      () => ({ kind: 'rootReturned' }),
    );
    if (revived > 0) this.#parts.onRevived();
    return revived;
  }

  async #each(
    kind: StateKind,
    isMeant: (standing: Standing) => boolean,
    happening: (standing: Standing) => Happening,
  ): Promise<number> {
    const { outbox, clock, policy } = this.#parts;
    let count = 0;
    for (let after = 0; ;) {
      const page: Standing[] = await outbox.standingOf(kind, after, pageOfRuns);
      const applied = await Promise.all(
        page.filter(isMeant).map((standing) =>
          outbox.apply(standing.run, happening(standing), {
            nowMs: clock.nowMs(),
            random: clock.random(),
            policy,
          }),
        ),
      );
      count += applied.filter(
        (run) => run !== null && run !== 'claimed' && run.life.state.kind !== kind,
      ).length;
      const last = page.at(-1);
      if (last === undefined || page.length < pageOfRuns) return count;
      after = last.run;
    }
  }
}
