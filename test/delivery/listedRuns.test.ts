/** A list is worth something when it was read to its end, and when it has one. */
import { expect, test } from 'vitest';
import { pagesOfRuns } from '../../src/delivery/listedRuns.ts';
import type { RunPage } from '../../src/platform/wire.ts';

const never = new AbortController().signal;

/** A list whose page after `token` is what `next` says; counts how often it was asked. */
function listOf(next: (asked: number) => string | undefined) {
  const list = {
    asked: 0,
    listRuns: (): Promise<RunPage> => {
      list.asked += 1;
      const page = { runs: [{ id: `run-${list.asked}` }], next_page_token: next(list.asked) };
      return Promise.resolve(page as unknown as RunPage);
    },
  };
  return list;
}

async function idsOf(list: ReturnType<typeof listOf>): Promise<string[]> {
  const ids: string[] = [];
  for await (const runs of pagesOfRuns('hare-app', list, never)) ids.push(...runs.map(({ runId }) => runId));
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
