/** Who has a run in hand, who may conclude it, and what is left when a process dies. */
import { deliveryLines } from '../../src/core/turns.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Happening } from '../../src/core/happening.ts';
import type { Claim } from '../../src/outbox/nouns.ts';
import { openOutbox, type Outbox } from '../../src/outbox/outbox.ts';
import { absence } from '../core/lives.ts';
import {
  chance,
  claimed,
  concluded,
  far,
  later,
  newRun,
  now,
  opened,
  platform,
  road,
  taken,
  temporaryFolder,
  trouble,
  type Wanted,
} from './runs.ts';

async function withRuns(outbox: Outbox, count: number, app?: string): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const base = (await outbox.counts()).states.queued ?? 0;
    await outbox.enqueue(newRun({ path: `run-${base}`, ...(app === undefined ? {} : { app }) }), later(base));
  }
}

const numbers = (claims: readonly Claim[]): number[] => claims.map(({ run }) => run).sort((a, b) => a - b);

describe('claiming', () => {
  test('takes what is due, the longest due first, and nothing twice', async () => {
    const outbox = await opened();
    await withRuns(outbox, 5);
    expect(numbers(await claimed(outbox, far, 2))).toEqual([1, 2]);
    expect(numbers(await claimed(outbox, far, 9))).toEqual([3, 4, 5]);
    expect(await claimed(outbox, far, 9)).toEqual([]);
  });

  test('leaves what is not due yet', async () => {
    const outbox = await opened();
    await withRuns(outbox, 2);
    expect(numbers(await claimed(outbox, now, 9))).toEqual([1]);
    expect(await outbox.nextDueMs(platform, deliveryLines)).toBe(now + 1);
  });

  test('leaves the runs of a paused app, and takes those of another', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1, 'hare-app');
    await withRuns(outbox, 1, 'tortoise-app');
    expect(numbers(await claimed(outbox, far, 9, ['hare-app']))).toEqual([2]);
  });

  test('beside an app that is left out goes by the time at which runs are due, whatever their app', async () => {
    const outbox = await opened();
    for (const [n, app] of ['hare-app', 'snail-app', 'tortoise-app', 'snail-app', 'hare-app'].entries())
      await outbox.enqueue(newRun({ path: `plan-${n}`, app }), later(n));
    expect(numbers(await claimed(outbox, far, 2, ['hare-app']))).toEqual([2, 3]);
    expect(numbers(await claimed(outbox, far, 2, ['hare-app']))).toEqual([4]);
    expect(numbers(await claimed(outbox, far, 9, ['snail-app', 'tortoise-app']))).toEqual([1, 5]);
  });

  test('leaves a run whose outcome is unknown to the reconciler', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1);
    await taken(outbox, 1, road.unknown);
    expect(await claimed(outbox, far, 9)).toEqual([]);
    expect(await outbox.nextDueMs(platform, deliveryLines)).toBeNull();
    expect(await outbox.nextDueMs(platform, ['reconcile'])).toBe(now);
    expect(await outbox.unknownApps(platform, now)).toEqual(['hare-app']);
    const page = await outbox.unknownDue(platform, 'hare-app', now, null, 9);
    expect(numbers(page)).toEqual([1]);
    expect(await outbox.unknownDue(platform, 'hare-app', now, page[0] ?? null, 9)).toEqual([]);
  });

  test('gives the reconciler those of one app, page by page, each once', async () => {
    const outbox = await opened();
    const apps = ['hare-app', 'tortoise-app', 'hare-app', 'hare-app', 'hare-app'];
    for (const [n, app] of apps.entries()) {
      await outbox.enqueue(newRun({ path: `plan-${n}`, app }), later(n));
      const made = road.unknown.slice(0, 2);
      await taken(outbox, n + 1, [
        ...made,
        // Some of them at the same moment.
        { kind: 'unclear', failure: trouble, endedAtMs: now },
      ]);
    }
    const pages: number[][] = [];
    for (let after: Claim | null = null; ;) {
      const page: readonly Claim[] = await outbox.unknownDue(platform, 'hare-app', far, after, 2);
      const last = page.at(-1);
      if (last === undefined) break;
      pages.push(numbers(page));
      after = last;
    }
    expect(pages).toEqual([
      [1, 3],
      [4, 5],
    ]);
    expect(numbers(await outbox.unknownDue(platform, 'tortoise-app', far, null, 9))).toEqual([2]);
    expect(await outbox.unknownDue(platform, 'hare-app', now - 1, null, 9)).toEqual([]);
  });

  test('leaves what waits for a person or is over', async () => {
    const outbox = await opened();
    await withRuns(outbox, 2);
    await taken(outbox, 1, road.recorded);
    await outbox.enqueue(newRun({ path: 'doubtful', doubt: trouble }), chance);
    await outbox.apply(2, { kind: 'skip' }, chance);
    expect(await claimed(outbox, far, 9)).toEqual([]);
  });

  test('of one run takes that one alone', async () => {
    const outbox = await opened();
    await withRuns(outbox, 2);
    expect((await outbox.claimRun(platform, 2, far))?.run).toBe(2);
    expect(await outbox.claimRun(platform, 2, far)).toBeNull();
    expect(numbers(await claimed(outbox, far, 9))).toEqual([1]);
  });

  test('counts every try', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1);
    await outbox.release((await claimed(outbox, far, 1))[0] ?? { run: 0, fence: 0 }, now);
    await claimed(outbox, far, 1);
    expect((await outbox.run(1))?.triesTotal).toBe(2);
  });

  test('keeps others from changing a run that may have been sent', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1);
    const claim = await taken(outbox, 1, road.intended, true);
    expect(await outbox.apply(1, { kind: 'skip' }, chance)).toBe('claimed');
    expect(await outbox.run(1)).toMatchObject({ life: claim.life, isClaimed: true });
    expect(await outbox.apply(9, { kind: 'skip' }, chance)).toBeNull();
  });

  test.each(['queued', 'uploaded'] as const)(
    'of a run that is %s ends when its folder or a person says something else, so that it cannot be sent',
    async (state) => {
      const outbox = await opened();
      await withRuns(outbox, 1);
      const claim = await taken(outbox, 1, road[state], true);
      expect(await outbox.apply(1, { kind: 'skip' }, chance)).toMatchObject({
        life: { state: { kind: 'skipped' } },
      });
      const intent = { life: { ...claim.life, state: { kind: 'uploaded', uploads: [] } } } as const;
      const intended = concluded(intent, { kind: 'intended', platformTimeMs: now });
      expect(await outbox.conclude(claim, intended, true, now)).toBe(false);
      expect(await outbox.run(1)).toMatchObject({ life: { state: { kind: 'skipped' } }, isClaimed: false });
    },
  );

  test('leaves the runs of another platform, and tells of them', async () => {
    const outbox = await opened();
    await withRuns(outbox, 2);
    const other = 'https://other.test';
    expect(await claimed(outbox, far, 9, [], other)).toEqual([]);
    expect(await outbox.claimRun(other, 1, far)).toBeNull();
    expect(await outbox.nextDueMs(other, deliveryLines)).toBeNull();
    expect(await outbox.foreignDue(other)).toEqual([{ platform, count: 2 }]);
    expect(await outbox.foreignDue(platform)).toEqual([]);
    await taken(outbox, 1, road.unknown);
    expect(await outbox.unknownApps(other, far)).toEqual([]);
    expect(await outbox.unknownDue(other, 'hare-app', far, null, 9)).toEqual([]);
  });
});

describe('concluding', () => {
  test('ends the claim, or keeps it for the next step', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1);
    const [claim] = await claimed(outbox, far, 1);
    if (claim === undefined) throw new Error('nothing was due');
    const [landed, intent] = road.intended;
    const uploaded = concluded(claim, landed);
    expect(await outbox.conclude(claim, uploaded, true, now)).toBe(true);
    expect((await outbox.run(1))?.isClaimed).toBe(true);
    expect(await outbox.conclude(claim, concluded({ life: uploaded.life }, intent), false, now)).toBe(true);
    expect(await outbox.run(1)).toMatchObject({ isClaimed: false, life: { state: { kind: 'intended' } } });
    expect(await outbox.conclude(claim, uploaded, false, now)).toBe(false);
  });

  test('tells since when a run is what it is, and is not fooled by a try that changed nothing', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1);
    const [claim] = await claimed(outbox, far, 1);
    if (claim === undefined) throw new Error('nothing was due');
    await outbox.conclude(claim, concluded(claim, { kind: 'failed', failure: trouble }), true, now + 50);
    expect((await outbox.run(1))?.sinceMs).toBe(now);
    await outbox.conclude(claim, concluded(claim, road.uploaded[0]), false, now + 70);
    expect((await outbox.run(1))?.sinceMs).toBe(now + 70);
  });

  test('of a refusal is not overtaken by the claim’s end, though it waits for others to share its sync', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1);
    const claim = await taken(outbox, 1, road.intended, true);
    outbox.tellCrowd(64);
    const refused = concluded(claim, { kind: 'refused', failure: trouble });
    const isConcluded = outbox.conclude(claim, refused, true, now);
    await outbox.release(claim, now);
    expect(await isConcluded).toBe(true);
    expect(await outbox.run(1)).toMatchObject({
      isClaimed: false,
      life: { state: { kind: 'queued' }, plainest: true },
    });
  });

  test('with a source that changed asks for a fresh look at the folder', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1);
    const { dropRoot } = newRun().key;
    await outbox.saveFolder({
      dropRoot,
      path: 'run-0',
      state: 'known',
      reason: { class: '', text: '' },
      hint: '',
      signature: 'as it was',
      directory: newRun().directory,
      firstSeenMs: now,
      changedAtMs: now,
      sinceMs: now,
      run: 1,
      target: '',
    });
    const [claim] = await claimed(outbox, far, 1);
    if (claim === undefined) throw new Error('nothing was due');
    await outbox.concludeChanged(
      claim,
      concluded(claim, { kind: 'sourceChanged', failure: trouble }),
      now + 9,
    );
    expect(await outbox.folders(dropRoot, ['run-0'])).toMatchObject([
      { signature: '', changedAtMs: now + 9 },
    ]);
    expect(await claimed(outbox, far, 9)).toEqual([]);
  });

  test.each<{ how: string; first: Wanted; second: Wanted }>([
    { how: 'it was tracked once more', first: {}, second: { again: true } },
    { how: 'a person has named two apps', first: { isAppAsked: true }, second: { app: 'tortoise-app' } },
  ])(
    'with a source that changed asks for a fresh look at the folder, though it is another run’s: $how',
    async ({ first, second }) => {
      const outbox = await opened();
      await outbox.enqueue(newRun({ path: 'plan', ...first }), later(0));
      const claim = await taken(outbox, 1, road.uploaded, true);
      await outbox.enqueue(newRun({ path: 'plan', ...second }), later(1));
      const changed = concluded(claim, { kind: 'sourceChanged', failure: trouble });
      await outbox.concludeChanged(claim, changed, now + 3);
      expect((await outbox.run(1))?.life.state.kind).toBe('queued');
      expect(await outbox.unsettled('plans', '', 9)).toEqual(['plan']);
    },
  );

  test('of a changed source whose folder is another run’s by now, and this one is not meant beside that, makes way', async () => {
    const outbox = await opened();
    await outbox.enqueue(newRun({ path: 'plan' }), later(0));
    await outbox.apply(1, { kind: 'skip' }, chance);
    await outbox.enqueue(newRun({ path: 'plan', text: 'B' }), later(1));
    await outbox.answer(1, 'retry', ['skipped'], chance);
    const claim = await taken(outbox, 1, road.queued, true);
    const changed = concluded(claim, { kind: 'sourceChanged', failure: trouble });
    await outbox.concludeChanged(claim, changed, now + 3);
    expect((await outbox.run(1))?.life.state.kind).toBe('superseded');
    expect((await outbox.run(2))?.life.state.kind).toBe('queued');
    expect(await outbox.unsettled('plans', '', 9)).toEqual([]);
  });

  test('of a changed source whose folder nobody knows any more asks for a look at it', async () => {
    const outbox = await opened();
    await outbox.enqueue(newRun({ path: 'plan' }), chance);
    await outbox.apply(1, { kind: 'skip' }, chance);
    expect(await outbox.folderVanished('plans', 'plan', chance)).toEqual([]);
    await outbox.answer(1, 'retry', ['skipped'], chance);
    const claim = await taken(outbox, 1, road.queued, true);
    const changed = concluded(claim, { kind: 'sourceChanged', failure: trouble });
    await outbox.concludeChanged(claim, changed, now + 3);
    expect(await outbox.folders('plans', ['plan'])).toMatchObject([
      { state: 'settling', reason: { text: 'there was trouble' }, run: 1 },
    ]);
    expect(await outbox.unsettled('plans', '', 9)).toEqual(['plan']);
    expect(await outbox.folderVanished('plans', 'plan', chance)).toEqual([1]);
    expect((await outbox.run(1))?.life.state.kind).toBe('gone');
  });

  test.each([
    { first: 'is tracked', happenings: road.tracked, thinned: 0 },
    { first: 'is recorded and thinned', happenings: road.recorded, thinned: 1 },
  ])(
    'never lets two rows have one run of the platform: the first $first',
    async ({ happenings, thinned }) => {
      const outbox = await opened();
      await withRuns(outbox, 2);
      await taken(outbox, 1, happenings);
      expect(await outbox.thinRuns(far, 50)).toBe(thinned);
      await expect(taken(outbox, 2, road.tracked)).rejects.toThrow('not concluded: runIdTaken');
      // That changed nothing, not even a part.
      expect(await outbox.run(2)).toMatchObject({ life: { state: { kind: 'intended' } }, isClaimed: true });
      expect((await outbox.history(2)).map(({ state }) => state)).not.toContain('tracked');
    },
  );
});

type Move = 'claim' | 'conclude' | 'keep' | 'release' | 'takeOver' | 'conclude the first' | 'person';

test('in any order of claims, restarts and late conclusions, only the newest claim concludes', async () => {
  const outbox = await opened();
  let path = 0;
  const moves = fc.array(
    fc.constantFrom<Move[]>(
      'claim',
      'conclude',
      'keep',
      'release',
      'takeOver',
      'conclude the first',
      'person',
    ),
    { maxLength: 14 },
  );
  await fc.assert(
    fc.asyncProperty(moves, async (taken) => {
      path += 1;
      const { run } = await outbox.enqueue(newRun({ path: `path-${path}` }), chance);
      const claims: Claim[] = [];
      let open: Claim | null = null;
      const failed = (claim: Claim) =>
        concluded(claim, { kind: 'failed', failure: { ...trouble, reach: 'app' } });
      for (const move of taken) {
        const claim = move === 'conclude the first' ? claims[0] : claims.at(-1);
        switch (move) {
          case 'claim': {
            const next = await outbox.claimRun(platform, run, far);
            expect(next === null).toBe(open !== null);
            if (next === null) break;
            claims.push(next);
            open = next;
            break;
          }
          case 'conclude':
          case 'conclude the first':
            if (claim === undefined) break;
            expect(await outbox.conclude(claim, failed(claim), false, now)).toBe(claim === open);
            if (claim === open) open = null;
            break;
          case 'keep':
            if (claim !== undefined)
              expect(await outbox.conclude(claim, failed(claim), true, now)).toBe(claim === open);
            break;
          case 'release':
            if (claim !== undefined) await outbox.release(claim, now);
            if (claim === open) open = null;
            break;
          case 'takeOver':
            await outbox.takeOver(chance);
            open = null;
            break;
          case 'person':
            // It was not sent yet, so that a person's word takes it out of whatever hand it is in.
            expect(await outbox.apply(run, { kind: 'retry' }, chance)).toMatchObject({ isClaimed: false });
            open = null;
            break;
        }
        expect((await outbox.run(run))?.isClaimed).toBe(open !== null);
      }
      // Out of the way of the next ones.
      await outbox.takeOver(chance);
      await outbox.apply(run, { kind: 'skip' }, chance);
    }),
    { numRuns: 300 },
  );
});

describe('a new owner', () => {
  test('makes an intent unknown from its own start, and ends the claim', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1);
    const old = await taken(outbox, 1, road.intended, true);
    expect(await outbox.takeOver(later(5_000))).toEqual({ unknown: 1, suspects: 1 });
    expect(await outbox.run(1)).toMatchObject({
      isClaimed: false,
      life: { state: { kind: 'unknown', endedAtMs: now + 5_000, absent: null }, everUnknown: true },
    });
    expect((await outbox.history(1)).at(-1)?.state).toBe('unknown');
    expect(await outbox.conclude(old, concluded(old, { kind: 'made', runId: 'run-z' }), false, now)).toBe(
      false,
    );
  });

  test('makes an intent unknown that nobody had in hand', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1);
    await taken(outbox, 1, road.intended);
    expect(await outbox.takeOver(chance)).toMatchObject({ unknown: 1 });
    expect((await outbox.run(1))?.life.state.kind).toBe('unknown');
  });

  test('finds after a crash what was durable, and nothing of what was under way', async () => {
    const stateDir = temporaryFolder();
    const first = await openOutbox(stateDir);
    await withRuns(first, 3);
    await taken(first, 1, road.intended, true);
    await taken(first, 2, road.tracked);
    await first.claimRun(platform, 3, far);
    await first.close();
    const second = await opened(stateDir);
    expect(await second.takeOver(chance)).toEqual({ unknown: 1, suspects: 2 });
    expect((await second.counts()).states).toEqual({ unknown: 1, tracked: 1, queued: 1 });
  });

  test('takes suspects one at a time, and nothing beside them', async () => {
    const outbox = await opened();
    await withRuns(outbox, 4);
    await claimed(outbox, far, 2);
    expect(await outbox.takeOver(chance)).toEqual({ unknown: 0, suspects: 2 });
    const failed = (claim: Claim) =>
      concluded(claim, { kind: 'failed', failure: trouble } satisfies Happening);
    for (const suspect of [1, 2]) {
      const claims = await claimed(outbox, far, 9);
      expect(numbers(claims)).toEqual([suspect]);
      expect(await claimed(outbox, far, 9)).toEqual([]);
      for (const claim of claims) await outbox.conclude(claim, failed(claim), false, now);
    }
    expect(await claimed(outbox, far, 9)).toHaveLength(4);
  });

  test('takes no suspect while others are in hand', async () => {
    const outbox = await opened();
    await withRuns(outbox, 2);
    await outbox.claimRun(platform, 1, far);
    await outbox.takeOver(chance);
    await outbox.claimRun(platform, 2, far);
    expect(await claimed(outbox, far, 9)).toEqual([]);
  });

  test('takes no suspect of a paused app', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1, 'hare-app');
    await withRuns(outbox, 1, 'tortoise-app');
    await outbox.claimRun(platform, 1, far);
    await outbox.takeOver(chance);
    expect(numbers(await claimed(outbox, far, 9, ['hare-app']))).toEqual([2]);
  });

  test('parks what was alone in hand at three deaths, and lets the others go before it dies again', async () => {
    const outbox = await opened();
    await withRuns(outbox, 6);
    await claimed(outbox, far, 6);
    await outbox.takeOver(chance);
    const inHand: number[] = [];
    while ((await outbox.counts()).states.parked === undefined) {
      const [claim] = await claimed(outbox, far, 9);
      if (claim === undefined) throw new Error('nobody is left, and nobody was parked');
      inHand.push(claim.run);
      if (claim.run === 1) await outbox.takeOver(chance);
      else {
        const life = { ...claim.life, state: { kind: 'recorded', runId: `run-${claim.run}` } as const };
        await outbox.conclude(claim, { life, dueAtMs: null, note: null }, false, now);
      }
    }
    expect(inHand).toEqual([1, 2, 3, 4, 5, 6, 1, 1]);
    expect((await outbox.run(1))?.life.state).toMatchObject({ kind: 'parked', reason: { class: 'crash' } });
    expect((await outbox.counts()).states).toEqual({ parked: 1, recorded: 5 });
  });

  test('takes what would be parked by one death more only when the process has lived for a while', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1);
    // With others in hand, for all that anybody knew, and twice alone.
    for (let death = 0; death < 3; death += 1) {
      expect(numbers(await claimed(outbox, now, 9))).toEqual([1]);
      await outbox.takeOver(chance);
    }
    expect(await claimed(outbox, now + 59_999, 9)).toEqual([]);
    // A process that did not live as long says nothing of it.
    expect(await outbox.takeOver(later(5_000))).toEqual({ unknown: 0, suspects: 0 });
    expect(await claimed(outbox, now + 64_999, 9)).toEqual([]);
    expect(numbers(await claimed(outbox, now + 65_000, 9))).toEqual([1]);
    await outbox.takeOver(later(65_000));
    expect((await outbox.counts()).states).toEqual({ parked: 1 });
  });

  /** It is in hand until its request has left; then the process dies, and the list says that nothing was made. */
  const diesWhenItIsSent = async (outbox: Outbox): Promise<void> => {
    const [claim] = await claimed(outbox, far, 9);
    if (claim === undefined) throw new Error('nobody is left, and nobody was parked');
    let held = claim;
    for (const happening of road.intended) {
      const conclusion = concluded(held, happening);
      await outbox.conclude(held, conclusion, true, now);
      held = { ...held, life: conclusion.life };
    }
    await outbox.takeOver(chance);
  };

  test('parks what kills it each time that it is sent, though it is unknown and queued in between', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1);
    let deaths = 0;
    for (; (await outbox.counts()).states.parked === undefined && deaths < 10; deaths += 1) {
      await diesWhenItIsSent(outbox);
      if ((await outbox.run(1))?.life.state.kind === 'parked') continue;
      for (const [listing, at] of [now, far, far + 1].entries())
        await outbox.apply(1, absence(listing, at), { ...chance, nowMs: far });
    }
    // With others in hand, for all that anybody knew, and three times alone.
    expect(deaths).toBe(4);
    expect((await outbox.run(1))?.life.state).toMatchObject({
      kind: 'parked',
      from: { kind: 'unknown' },
      reason: { class: 'crash' },
    });
  });

  test('parks nobody who is met alone now here, now there', async () => {
    const outbox = await opened();
    await withRuns(outbox, 1);
    for (let death = 0; death < 10; death += 1) {
      const [claim] = await claimed(outbox, far, 9);
      if (claim === undefined) throw new Error('it was parked');
      if (death % 2 === 1) {
        const life = { ...claim.life, state: { kind: 'uploaded', uploads: [] } as const };
        await outbox.conclude(claim, { life, dueAtMs: now, note: null }, true, now);
      }
      await outbox.takeOver(chance);
      if (death % 2 === 1) await outbox.apply(1, { kind: 'logOrMetaChanged' }, chance);
    }
    expect((await outbox.counts()).states).toEqual({ queued: 1 });
  });

  test('parks nobody in any number of deaths with several in hand', async () => {
    const outbox = await opened();
    await withRuns(outbox, 3);
    for (let death = 0; death < 10; death += 1) {
      for (const run of [1, 2, 3]) await outbox.claimRun(platform, run, far);
      await outbox.takeOver(chance);
    }
    expect((await outbox.counts()).states).toEqual({ queued: 3 });
  });
});
