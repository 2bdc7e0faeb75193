/** Of runs under one fingerprint the oldest is kept, in whatever order the list shows them, and each other is told. */
import { describe, expect, test } from 'vitest';
import { olderOf, type Found } from '../../src/core/foundTwice.ts';

const noTime = Number.MAX_SAFE_INTEGER;
const at = (runId: string, createdAtMs: number): Found => ({ runId, createdAtMs });

/** What is kept of a list, and which ones are told, in its order. */
function read(list: readonly Found[]): { readonly kept: string | undefined; readonly told: string[] } {
  let kept: Found | undefined;
  const told: string[] = [];
  for (const candidate of list) {
    const next = olderOf(kept, candidate);
    kept = next.kept;
    if (next.surplus !== null) told.push(next.surplus.runId);
  }
  return { kept: kept?.runId, told };
}

test.each<{ name: string; list: Found[]; kept: string; told: string[] }>([
  { name: 'one run is kept, and nobody is told', list: [at('a', 5)], kept: 'a', told: [] },
  { name: 'the older one is kept, listed last', list: [at('b', 7), at('a', 5)], kept: 'a', told: ['b'] },
  { name: 'the older one is kept, listed first', list: [at('a', 5), at('b', 7)], kept: 'a', told: ['b'] },
  {
    name: 'a run that two pages show is one run',
    list: [at('a', 5), at('a', 5)],
    kept: 'a',
    told: [],
  },
  {
    name: 'a run whose time changes from page to page is one run as well',
    list: [at('a', 5), at('a', 3)],
    kept: 'a',
    told: [],
  },
  {
    name: 'one without a time is younger than any other',
    list: [at('a', noTime), at('b', 7)],
    kept: 'b',
    told: ['a'],
  },
])('$name', ({ list, kept, told }) => {
  expect(read(list)).toEqual({ kept, told });
});

describe('in every order of a list', () => {
  const orders = (list: readonly Found[]): Found[][] =>
    list.length === 0
      ? [[]]
      : list.flatMap((one) => orders(list.filter((other) => other !== one)).map((rest) => [one, ...rest]));

  test.each([
    { name: 'of three ages', list: [at('c', 9), at('b', 7), at('a', 8)], kept: 'b' },
    { name: 'of one age', list: [at('c', 7), at('b', 7), at('a', 7)], kept: 'a' },
    { name: 'without times', list: [at('c', noTime), at('b', noTime)], kept: 'b' },
  ])('$name the same one is kept, and each other is told once', ({ list, kept }) => {
    const others = list.map(({ runId }) => runId).filter((runId) => runId !== kept);
    for (const order of orders(list)) {
      const found = read(order);
      expect(found.kept).toBe(kept);
      expect(found.told.toSorted()).toEqual(others.toSorted());
    }
  });
});
