/** A list is worth something when it was read to its end, and when it has one. */
import { expect, test } from 'vitest';
import { RuntrackdError, type Failure } from '../../src/core/failure.ts';
import { defaultPolicy } from '../../src/core/policy.ts';
import { pagesOfRuns } from '../../src/delivery/listedRuns.ts';
import { failureOfConnection, failureOfStatus } from '../../src/platform/answers.ts';
import { machineClock } from '../../src/system/clock.ts';
import type { RunPage } from '../../src/platform/wire.ts';

const never = new AbortController().signal;

const policy = { ...defaultPolicy, backoff: { delayMsMin: 1, delayMsMax: 4 } };

/** A list whose page after `token` is what `next` says, unless it fails; counts how often it was asked. */
function listOf(
  next: (asked: number) => string | undefined,
  fails: (asked: number) => Failure | null = () => null,
) {
  const list = {
    asked: 0,
    listRuns: (): Promise<RunPage> => {
      list.asked += 1;
      const failure = fails(list.asked);
      if (failure !== null) return Promise.reject(new RuntrackdError(failure));
      const page = { runs: [{ id: `run-${list.asked}` }], next_page_token: next(list.asked) };
      return Promise.resolve(page as unknown as RunPage);
    },
  };
  return list;
}

async function idsOf(list: ReturnType<typeof listOf>, clock = machineClock): Promise<string[]> {
  const ids: string[] = [];
  const parts = { platform: list, policy, clock };
  for await (const runs of pagesOfRuns('hare-app', 'proof', parts, never))
    ids.push(...runs.map(({ runId }) => runId));
  return ids;
}

test.each([
  { name: 'without a word of a next page', last: undefined },
  { name: 'with an empty one', last: '' },
])('a list ends $name', async ({ last }) => {
  const list = listOf((asked) => (asked < 3 ? `page-${asked}` : last));
  expect(await idsOf(list)).toEqual(['run-1', 'run-2', 'run-3']);
});

test.each([
  { name: 'names its own page', next: () => 'again', asked: 2 },
  { name: 'goes round', next: (asked: number) => `page-${asked % 3}`, asked: 4 },
])('a list that $name throws at the first page that it names twice', async ({ next, asked }) => {
  const list = listOf(next);
  await expect(idsOf(list)).rejects.toThrow('does not end');
  expect(list.asked).toBe(asked);
});

test('a list that goes on for ever is given up, and proves nothing', async () => {
  const list = listOf((asked) => `page-${asked}`);
  await expect(idsOf(list)).rejects.toMatchObject({ reason: 'list-loops', failure: { reach: 'app' } });
  expect(list.asked).toBe(100_000);
});

const asked = { what: 'listing the runs', app: 'hare-app' };
const status = (code: number, retryAfterMs?: number): Failure =>
  failureOfStatus(asked, code, retryAfterMs, '');
const threePages = (page: number): string | undefined => (page < 7 ? `page-${page}` : undefined);

test.each([
  { name: 'an error of the server', failure: status(503) },
  { name: 'one too many', failure: status(429) },
  { name: 'no answer', failure: failureOfConnection(asked, 'reset') },
])(
  'a later page that meets $name a few times is asked for again: the others stay read',
  async ({ failure }) => {
    const list = listOf(threePages, (n) => (n >= 2 && n <= 5 ? failure : null));
    expect(await idsOf(list)).toEqual(['run-1', 'run-6', 'run-7']);
  },
);

test.each([
  { name: 'a later one that fails each time', from: 2, failure: status(503), isAsked: 6 },
  { name: 'the first one', from: 1, failure: status(503), isAsked: 1 },
  { name: 'one that is refused', from: 2, failure: status(403), isAsked: 2 },
  { name: 'one that is to be asked for in an hour', from: 2, failure: status(503, 3_600_000), isAsked: 2 },
])('a page that cannot be read ends the listing: $name', async ({ from, failure, isAsked }) => {
  const list = listOf(threePages, (n) => (n >= from ? failure : null));
  await expect(idsOf(list)).rejects.toMatchObject({ failure: { class: failure.class } });
  expect(list.asked).toBe(isAsked);
});

test('a page that failed only after a minute of silence is not waited for once more', async () => {
  const list = listOf(threePages, (n) => (n >= 2 ? failureOfConnection(asked, 'silence') : null));
  const clock = { ...machineClock, monotonicMs: () => list.asked * 61_000 };
  await expect(idsOf(list, clock)).rejects.toMatchObject({ failure: { class: 'unreachable' } });
  expect(list.asked).toBe(2);
});
