/** Long work in pieces comes to the same as in one go, and no piece is long. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  generationOf,
  generationPiecewise,
  membersPiecewise,
  type ContentFile,
} from '../../src/core/identity.ts';
import { atOnce, pieceLength, sortedPiecewise } from '../../src/core/piecewise.ts';

const byKey = (a: { readonly key: number }, b: { readonly key: number }): number => a.key - b.key;
const keyed = (keys: readonly number[]) => keys.map((key, place) => ({ key, place }));

test.each([0, 1, 2, pieceLength - 1, pieceLength, pieceLength + 1, 3 * pieceLength, 7 * pieceLength + 5])(
  '%i items are sorted as `toSorted` has them, equal ones in their order',
  (count) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 997 }), (kinds, step) => {
        const items = keyed(Array.from({ length: count }, (_, n) => (n * step) % kinds));
        expect(atOnce(sortedPiecewise(items, byKey))).toEqual(items.toSorted(byKey));
      }),
      { numRuns: 5 },
    );
  },
);

test('what is given stays as it is', () => {
  const items = keyed([3, 1, 2]);
  atOnce(sortedPiecewise(items, byKey));
  expect(items.map(({ key }) => key)).toEqual([3, 1, 2]);
});

test('others have their turn again and again while a hundred thousand names are sorted and digested', () => {
  const files = Array.from({ length: 100_000 }, (_, n): ContentFile => {
    return { role: 'output', path: `part-${(n * 7_919) % 100_000}.sol`, bytes: 1, sha256: 'a'.repeat(64) };
  });
  const turns = (
    work: Generator<void, string, void>,
  ): { readonly turns: number; readonly digest: string } => {
    for (let count = 1; ; count += 1) {
      const step = work.next();
      if (step.done === true) return { turns: count, digest: step.value };
    }
  };
  const content = { files, status: null, appId: null };
  const generation = turns(generationPiecewise(content));
  // A piece for each thousand: sorted once, merged seven times, digested once.
  expect(generation.turns).toBeGreaterThan(9 * (files.length / pieceLength - 5));
  expect(generation.digest).toBe(generationOf({ ...content, files: files.toReversed() }));
  expect(turns(membersPiecewise(files)).turns).toBe(generation.turns);
});
