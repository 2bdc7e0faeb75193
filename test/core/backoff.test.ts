import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from '../../src/core/backoff.ts';

const policy = { delayMsMin: 1_000, delayMsMax: 300_000 };
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test.each([
  { tries: 1, random: 0, is: 500 },
  { tries: 1, random: 0.999_999, is: 999 },
  { tries: 2, random: 0, is: 1_000 },
  { tries: 5, random: 0.5, is: 12_000 },
  { tries: 30, random: 0, is: 150_000 },
  { tries: 1_000_000, random: 0.999_999, is: 299_999 },
])('the wait after $tries tries at chance $random is $is ms', ({ tries, random, is }) => {
  expect(backoffMs(tries, policy, random)).toBe(is);
});

test('a wait is never shorter than half of what it can be, nor longer than the longest', () => {
  fc.assert(
    fc.property(fc.nat(), chance, (tries, random) => {
      const ms = backoffMs(tries, policy, random);
      expect(Number.isSafeInteger(ms)).toBe(true);
      expect(ms).toBeGreaterThanOrEqual(policy.delayMsMin / 2);
      expect(ms).toBeLessThanOrEqual(policy.delayMsMax);
    }),
  );
});

test('the ceiling doubles with each try until it is reached', () => {
  const ceilings = [1, 2, 3, 4, 9, 10].map((tries) => backoffMs(tries, policy, 0.999_999));
  expect(ceilings).toEqual([999, 1_999, 3_999, 7_999, 255_999, 299_999]);
});

test('what the server asks for is a floor: chance only adds, as much again at most, and never more than the longest wait', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      chance,
      fc.double({ min: 0.1, max: 86_400_000, noNaN: true }),
      (tries, random, floorMs) => {
        const ms = backoffMs(tries, policy, random, floorMs);
        expect(Number.isSafeInteger(ms)).toBe(true);
        expect(ms).toBeGreaterThanOrEqual(floorMs);
        expect(ms).toBeLessThanOrEqual(Math.ceil(floorMs) + policy.delayMsMax);
      },
    ),
  );
});

test.each([
  { tries: 1, floorMs: 1, most: 1 + 999 },
  { tries: 1, floorMs: 60_000, most: 60_000 + 59_999 },
  { tries: 7, floorMs: 10_000, most: 10_000 + 63_999 },
  { tries: 1, floorMs: 600_000, most: 600_000 + 299_999 },
])(
  'a wish for $floorMs ms after $tries tries is kept, and at most $most ms are waited',
  ({ tries, floorMs, most }) => {
    expect(backoffMs(tries, policy, 0, floorMs)).toBe(floorMs);
    expect(backoffMs(tries, policy, 0.999_999, floorMs)).toBe(most);
  },
);
