/** What the status says of the pace. */
import { describe, expect, vi } from 'vitest';
import { pacePolicy } from '../../src/core/pace.ts';
import { minuteMs, test } from '../delivery/bench.ts';
import { answersOf } from './answersOf.ts';

test('the narrowest pace is told as what it is, and not as none at all', async ({ bench }) => {
  const { rateMin } = pacePolicy;
  vi.spyOn(bench.delivery.budget, 'rates').mockReturnValue({ runs: rateMin, api: 19.7531 });
  const { budget } = (await answersOf(bench).status()).platform;
  expect(budget.runs_per_second).toBeCloseTo(rateMin, 5);
  expect(budget.requests_per_minute).toBe(1_185);
});

describe('a platform that refuses each new run as one too many', () => {
  const refusesFor = (line: string, ms: number) => (asked: string) => (asked === line ? ms : 0);

  test.for([
    { when: 'for half an hour', line: 'create', ms: 30 * minuteMs, isNamed: true },
    { when: 'for less', line: 'create', ms: 30 * minuteMs - 1, isNamed: false },
    { when: 'before it can be sent', line: 'upload', ms: 30 * minuteMs, isNamed: true },
    { when: 'and has none to answer for', line: 'result', ms: 30 * minuteMs, isNamed: false },
  ])('$when is a problem: $isNamed', async ({ line, ms, isNamed }, { bench }) => {
    vi.spyOn(bench.delivery.budget, 'refusedForMs').mockImplementation(refusesFor(line, ms));
    const answers = answersOf(bench);
    expect((await answers.status()).problem_reasons).toEqual([]);
    await bench.track('waits');
    const { healthy, problem_reasons: problems } = await answers.status();
    expect(healthy).toBe(!isNamed);
    expect(problems.map(({ class: name }) => name)).toEqual(isNamed ? ['rate-limited'] : []);
  });
});
