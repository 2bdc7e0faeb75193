/** The list of runs: pages, orders, and what happens when runs come and go while someone reads it. */
import { beforeEach, expect, test } from 'vitest';
import { app, started, type Client } from './harness.ts';

interface Page {
  readonly ids: string[];
  readonly next: string | undefined;
}

let client: Client;
let made: string[];

beforeEach(async () => {
  client = await started();
  made = [];
});

async function make(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) made.push(await client.track({ name: `n${made.length}` }));
}

async function page(token?: string): Promise<Page> {
  const query = token === undefined ? '' : `&pagetoken=${token}`;
  const { json } = await client.call('GET', `/runs?pagereturn=true${query}`);
  const next = json['next_page_token'] as string | undefined;
  return { ids: (json['runs'] as { id: string }[]).map((run) => run.id), next };
}

async function allPages(between?: (pages: number) => Promise<void>): Promise<string[][]> {
  const pages: string[][] = [];
  let token: string | undefined;
  do {
    const { ids, next } = await page(token);
    pages.push(ids);
    token = next;
    await between?.(pages.length);
  } while (token !== undefined);
  return pages;
}

test('120 runs are three pages, the newest first, and no token is on the last page', async () => {
  await make(120);
  const pages = await allPages();
  expect(pages.map((ids) => ids.length)).toStrictEqual([50, 50, 20]);
  expect(pages.flat()).toStrictEqual(made.toReversed());
});

test('a list that fills its last page exactly does not promise another one', async () => {
  client.standIn.faults.pageSize = 5;
  await make(10);
  expect((await allPages()).map((ids) => ids.length)).toStrictEqual([5, 5]);
});

test('an empty list is one page without a token', async () => {
  expect(await page()).toStrictEqual({ ids: [], next: undefined });
});

test('oldest first is the other way round', async () => {
  client.standIn.faults.listOrder = 'oldest-first';
  await make(120);
  expect((await allPages()).flat()).toStrictEqual(made);
});

test('shuffled is neither, has each run once, and is the same each time', async () => {
  client.standIn.faults.listOrder = 'shuffled';
  await make(120);
  const listed = (await allPages()).flat();
  expect(listed).not.toStrictEqual(made);
  expect(listed).not.toStrictEqual(made.toReversed());
  expect(listed.toSorted()).toStrictEqual(made.toSorted());
  expect((await allPages()).flat()).toStrictEqual(listed);
});

test.each(['newest-first', 'oldest-first', 'shuffled'] as const)(
  'runs that are made or deleted while pages are turned neither repeat others nor hide them (%s)',
  async (order) => {
    client.standIn.faults.listOrder = order;
    client.standIn.faults.pageSize = 10;
    await make(40);
    const atFirst = [...made];
    const deleted = new Set<string>();
    const pages = await allPages(async (turned) => {
      if (turned > 3) return;
      await make(3);
      const victim = atFirst[turned] ?? '';
      await client.call('DELETE', `/runs/${victim}`);
      deleted.add(victim);
    });
    const listed = pages.flat();
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed).toEqual(expect.arrayContaining(atFirst.filter((id) => !deleted.has(id))));
  },
);

test('a change of the order does not disturb a listing under way', async () => {
  client.standIn.faults.pageSize = 10;
  await make(20);
  const first = await page();
  client.standIn.faults.listOrder = 'oldest-first';
  expect([...first.ids, ...(await page(first.next)).ids]).toStrictEqual(made.toReversed());
});

test('the list is of one app only', async () => {
  await make(1);
  const other = await client.send('GET', `${client.standIn.endpoint}/v1/applications/other-app/runs`, {
    headers: { authorization: 'Bearer k' },
  });
  expect(other.json).toStrictEqual({ runs: [] });
});

test('a run shows in the list only after the lag, and by its id at once', async () => {
  let nowMs = Date.now();
  client = await started({ now: () => nowMs });
  client.standIn.faults.listLagMs = 1000;
  await make(1);
  nowMs += 999;
  expect((await page()).ids).toStrictEqual([]);
  expect((await client.call('GET', `/runs/${made[0] ?? ''}/metadata`)).status).toBe(200);
  nowMs += 1;
  expect((await page()).ids).toStrictEqual(made);
});

test('a clock that is set back hides no run, with a lag or without', async () => {
  let nowMs = Date.now();
  client = await started({ now: () => nowMs });
  await make(2);
  nowMs -= 24 * 3_600_000;
  expect((await page()).ids).toStrictEqual(made.toReversed());
  client.standIn.faults.listLagMs = 1000;
  await make(1);
  expect((await page()).ids).toStrictEqual(made.slice(0, 2).toReversed());
  nowMs += 1000;
  expect((await page()).ids).toStrictEqual(made.toReversed());
});

test('a page token that was not given out here is refused', async () => {
  expect((await client.call('GET', '/runs?pagetoken=50')).status).toBe(400);
});

test('an item has every field that a client may require', async () => {
  client = await started({ now: () => Date.UTC(2026, 10, 22, 3, 26, 41) });
  const id = await client.track(
    {
      name: 'plan',
      description: 'fp:abc',
      options: { n: '5' },
      configuration: { run_type: { type: 'external', reference_id: 'ref' }, queuing: { priority: 3 } },
      batch_experiment_id: 'batch-1',
    },
    '?instance_id=prod',
  );
  const { json } = await client.call('GET', '/runs');
  expect(json).toStrictEqual({
    runs: [
      {
        id,
        user_email: 'stand-in@localhost',
        name: 'plan',
        description: 'fp:abc',
        created_at: '2026-11-22T03:26:41Z',
        application_id: app,
        application_instance_id: 'prod',
        application_version_id: '',
        run_type: { type: 'external', definition_id: '', reference_id: 'ref' },
        execution_class: '',
        runtime: '',
        status_v2: 'succeeded',
        queuing_priority: 3,
        queuing_disabled: false,
        experiment_id: 'batch-1',
        statistics: { status: 'success', error: '', indicators: [] },
        metrics: { status: 'success', error: '', indicators: [] },
        input_id: '',
        option_set: '',
        options: { n: '5' },
        request_options: { n: '5' },
        options_summary: [{ name: 'n', source: 'run', value: '5' }],
        scenario_id: '',
        repetition: 0,
        input_set_id: '',
      },
    ],
  });
});
