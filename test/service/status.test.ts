/** What the status says of the pace. */
import { expect, vi } from 'vitest';
import { pacePolicy } from '../../src/core/pace.ts';
import { test } from '../delivery/bench.ts';
import { answersOf } from './answersOf.ts';

test('the narrowest pace is told as what it is, and not as none at all', async ({ bench }) => {
  const { rateMin } = pacePolicy;
  vi.spyOn(bench.delivery.budget, 'rates').mockReturnValue({ runs: rateMin, api: 19.7531 });
  const { budget } = (await answersOf(bench).status()).platform;
  expect(budget.runs_per_second).toBeCloseTo(rateMin, 5);
  expect(budget.requests_per_minute).toBe(1_185);
});
