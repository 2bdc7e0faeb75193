/** What is asked of the outbox about earlier listings, and what follows from what was asked before. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EarlierListings, type EarlierListing } from '../../src/delivery/earlierListings.ts';

/** @param lost when the runs were made that each listing showed and the later one does not */
function over(lost: ReadonlyMap<number, readonly number[]>) {
  const asked: EarlierListing[] = [];
  const isKept = ({ earlier, sinceMs }: EarlierListing): boolean =>
    !(lost.get(earlier) ?? []).some((madeMs) => madeMs >= sinceMs);
  let [under, gotOn] = [0, 0];
  const keepsEarlier = async (earlier: number, later: number, sinceMs: number): Promise<boolean> => {
    expect([later, (under += 1)]).toEqual([9, 1]);
    asked.push({ earlier, sinceMs });
    await new Promise((resolve) => setImmediate(resolve));
    under -= 1;
    return isKept({ earlier, sinceMs });
  };
  const listings = new EarlierListings(9, { keepsEarlier }, () => (gotOn += 1));
  return { listings, asked, isKept, gotOn: () => gotOn };
}

const since = (...sinceMs: number[]): EarlierListing[] => sinceMs.map((ms) => ({ earlier: 1, sinceMs: ms }));

describe('of an earlier listing', () => {
  test('that is kept, one question answers those of all, from the oldest intent on', async () => {
    const { listings, asked, gotOn } = over(new Map());
    await listings.read(since(50, 10, 70));
    await listings.read(since(20));
    expect(asked).toEqual(since(10));
    expect(gotOn()).toBe(1);
    for (const question of since(50, 10, 70, 20)) expect(listings.isKept(question)).toBe(true);
  });

  test('that is not kept, nobody asks again from when on it is not', async () => {
    const { listings, asked } = over(new Map([[1, [100]]]));
    await listings.read(since(0, 0));
    await listings.read(since(0));
    expect(asked).toEqual(since(0));
    expect(listings.isKept({ earlier: 1, sinceMs: 0 })).toBe(false);
  });

  test('nothing is said that was not read', () => {
    const { listings } = over(new Map());
    expect(() => listings.isKept({ earlier: 1, sinceMs: 0 })).toThrow('nobody read');
  });
});

test('each is answered as the outbox answers it, and nothing is asked twice', async () => {
  const questions = fc.array(
    fc.record({ earlier: fc.integer({ min: 1, max: 3 }), sinceMs: fc.integer({ min: 0, max: 20 }) }),
    { maxLength: 12 },
  );
  const lost = fc.array(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 2 }), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.array(questions, { maxLength: 4 }), lost, async (pages, lostOf) => {
      const { listings, asked, isKept } = over(new Map(lostOf.map((made, n) => [n + 1, made])));
      for (const page of pages) {
        await listings.read(page);
        for (const question of page) expect(listings.isKept(question)).toBe(isKept(question));
      }
      const texts = asked.map(({ earlier, sinceMs }) => `${earlier} ${sinceMs}`);
      expect(texts).toEqual([...new Set(texts)]);
    }),
    { numRuns: 200 },
  );
});
