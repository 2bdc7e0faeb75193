/** An outbox that does not know what it sent: the platform's list tells it so, however often that list breaks half-way. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect } from 'vitest';
import type { Misbehaviour } from '../../src/standin/faults.ts';
import { plan } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { app, minuteMs, test, type Bench } from './bench.ts';

const leadsTo = (token: string): Misbehaviour => ({
  kind: 'answer',
  status: 200,
  body: JSON.stringify({ runs: [], next_page_token: token }),
});

/**
 * A run that the outbox takes for new, and that an outbox before it has sent: it is the oldest of five on the platform,
 * so that it shows on the last of three pages.
 */
async function sentBefore(
  bench: Bench,
  name = 'lost',
): Promise<{ run: number; runId: string; creates: number }> {
  bench.standIn.faults.pageSize = 2;
  bench.standIn.faults.listOrder = 'newest-first';
  const run = await bench.track(name);
  const { fingerprint, key } = await bench.run(run);
  const mark = `[${fingerprint} g:${key.generation.slice(0, 10)} host:bench]`;
  const [runId = ''] = await bench.foreignRuns(1, `sent before ${mark}`);
  bench.letPass(1_000);
  await bench.foreignRuns(4);
  return { run, runId, creates: bench.creates };
}

/** Listens to the list being read. @returns how often a page was asked for */
function pagesOf(bench: Bench): () => number {
  let pages = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'list' && phase === 'received') pages += 1;
  };
  return () => pages;
}

test('a run of the outbox that was lost is found at the end of the list, and not sent again', async ({
  bench,
}) => {
  const { run, runId, creates } = await sentBefore(bench);
  bench.start();
  expect((await bench.reaches(run, 'recorded')).life.state).toMatchObject({ runId });
  expect(bench.creates).toBe(creates);
  expect(await bench.outbox.distrust()).toMatchObject({ reason: expect.stringContaining(runId) as string });
});

test('a run that the outbox takes for unsent, though it once wondered at it and does not believe what is older, is not sent again', async ({
  bench,
}) => {
  const { run, runId, creates } = await sentBefore(bench);
  const { fingerprint } = await bench.run(run);
  // As in a file of which some pages are older than others.
  const file = new Database(join(bench.dir, 'state', 'outbox.db'));
  const nowMs = bench.clock.nowMs() + minuteMs;
  file.prepare('insert into stranger values (?, ?)').run(fingerprint, nowMs);
  file.prepare("update outbox set distrusted_at_ms = ?, distrust_reason = 'it was lost'").run(nowMs);
  file.close();
  bench.start();
  expect((await bench.reaches(run, 'recorded')).life.state).toMatchObject({ runId });
  expect(bench.creates).toBe(creates);
});

describe('a list that breaks while the outbox is being proven', () => {
  test.for<{ name: string; breaks: (bench: Bench) => void; pages: number }>([
    {
      name: 'at its second page',
      breaks: ({ standIn: { faults } }) =>
        faults.next({ kind: 'list', skip: 1 }, { kind: 'answer', status: 500 }),
      pages: 2,
    },
    {
      name: 'at its last page, by a connection that is cut',
      breaks: ({ standIn: { faults } }) =>
        faults.next({ kind: 'list', skip: 2 }, { kind: 'drop', when: 'before' }),
      pages: 3,
    },
    {
      name: 'by answering something else',
      breaks: ({ standIn: { faults } }) =>
        faults.next({ kind: 'list', skip: 1 }, { kind: 'answer', status: 200, body: '{"message":"later"}' }),
      pages: 2,
    },
    {
      name: 'by naming the same page for ever',
      breaks: ({ standIn: { faults } }) => faults.next({ kind: 'list' }, leadsTo('again'), 2),
      pages: 2,
    },
    {
      name: 'by going round in three pages',
      breaks: ({ standIn: { faults } }) => {
        for (const token of ['one', 'two', 'three', 'one']) faults.next({ kind: 'list' }, leadsTo(token));
      },
      pages: 4,
    },
  ])(
    '$name proves nothing: it is read again, and nothing is sent twice',
    async ({ breaks, pages }, { bench }) => {
      const { run, runId, creates } = await sentBefore(bench);
      const read = pagesOf(bench);
      breaks(bench);
      bench.start();
      const found = await until('the run to be recorded or sent', async () => {
        bench.letPass(1_000);
        const now = await bench.run(run);
        return (now.life.state.kind === 'recorded' || bench.creates > creates) && now;
      });
      expect(found.life.state).toMatchObject({ kind: 'recorded', runId });
      expect(bench.creates).toBe(creates);
      expect(read()).toBeGreaterThan(pages);
      bench.standIn.faults.pageSize = 50;
      expect(await bench.copiesOf(run)).toBe(1);
    },
  );

  test('shows its strangers again the next time, with nothing noted of the broken one', async ({ bench }) => {
    const { run } = await sentBefore(bench);
    // The stranger is on a page that is read, and the page after it is the one that breaks.
    bench.standIn.faults.listOrder = 'oldest-first';
    let broken = 0;
    bench.standIn.faults.always({ kind: 'list', skip: 1 }, { kind: 'answer', status: 500 });
    bench.onRequest = ({ kind, phase }) => {
      if (kind === 'list' && phase === 'received') broken += 1;
    };
    bench.start();
    await until('the list to have broken', () => {
      bench.letPass(1_000);
      return broken >= 2;
    });
    expect(await bench.outbox.proof(bench.standIn.endpoint, app)).toBeNull();
    expect(await bench.outbox.distrust()).toBeNull();
    const { fingerprint } = await bench.run(run);
    const stranger = { runId: 'x', createdAtMs: 0, fingerprint, generation: null, host: 'bench' };
    expect((await bench.outbox.recognise('bench', [stranger])).strangers).toEqual([
      { ...stranger, isTakenForUnsent: true },
    ]);

    bench.calm();
    await until('the run to be recorded', async () => {
      bench.letPass(1_000);
      return (await bench.run(run)).life.state.kind === 'recorded';
    });
    expect(await bench.copiesOf(run)).toBe(1);
  });
});

test('a run of our host that nobody here knows makes everything that is new be looked for, and is wondered at once', async ({
  bench,
}) => {
  const [stranger = ''] = await bench.foreignRuns(1, `[rt1:${'a'.repeat(26)} g:0123456789 host:bench]`);
  const run = await bench.track('new');
  bench.start();
  await bench.missedOnce(run);
  const since = await bench.outbox.distrust();
  expect(since?.reason).toContain(stranger);
  const sent = bench.creates;
  // The stranger shows that this list shows fingerprints, so what it does not show is surely absent.
  await bench.reachesAfter(21 * minuteMs, run, 'recorded');
  expect(bench.creates).toBe(sent + 1);

  // What comes from now on is new, and the stranger of before is no reason to doubt it.
  bench.letPass(minuteMs);
  await bench.reaches(await bench.track('fresh'), 'recorded');
  expect(await bench.outbox.distrust()).toEqual(since);
});

test('a run that the list shows from this very second, of which the platform’s date knows only the beginning, stops nobody', async ({
  bench,
}) => {
  await bench.foreignRuns(1);
  bench.letPass(2 * minuteMs);
  await bench.foreignRuns(1);
  bench.start();
  await bench.reaches(await bench.track('beside-others'), 'recorded');
});

test('a run of another host is nothing to wonder at', async ({ bench }) => {
  await bench.foreignRuns(1, `[rt1:${'a'.repeat(26)} g:0123456789 host:another]`);
  bench.start();
  await bench.reaches(await bench.track('new'), 'recorded');
  expect(await bench.outbox.distrust()).toBeNull();
});

test('a run that was found again in the list shows that fingerprints show: what is absent then is sent', async ({
  bench,
}) => {
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
  bench.start();
  await bench.reaches(await bench.track('found'), 'recorded');
  expect(await bench.outbox.fingerprintsShow(bench.standIn.endpoint, app)).toBe(true);

  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
  const run = await bench.track('lost');
  await bench.missedOnce(run);
  bench.letPass(21 * minuteMs);
  await until('the run to be sent or parked', async () =>
    ['recorded', 'parked'].includes((await bench.run(run)).life.state.kind),
  );
  expect((await bench.run(run)).life.state.kind).toBe('recorded');
  expect(await bench.copiesOf(run)).toBe(1);
});

test('a folder that was moved while the outbox was lost parks, and is sent only on a person’s word after a whole look', async ({
  bench,
}) => {
  const run = await bench.track('moved-since');
  const { key } = await bench.run(run);
  // What the lost outbox sent of it, from the place where it lay then.
  const mark = `[rt1:${'b'.repeat(26)} g:${key.generation.slice(0, 10)} host:bench]`;
  const [twin = ''] = await bench.foreignRuns(1, mark);
  const sent = bench.creates;
  bench.start();
  await bench.missedOnce(run);
  const { life } = await bench.reachesAfter(21 * minuteMs, run, 'parked');
  expect(life.state).toMatchObject({
    from: { kind: 'unknown' },
    reason: { class: 'moved-while-lost', text: expect.stringContaining(twin) as string },
  });
  expect(bench.creates).toBe(sent);

  await bench.retry(run);
  await bench.missedOnce(run);
  expect(bench.creates).toBe(sent);
  await bench.reachesAfter(21 * minuteMs, run, 'recorded');
  expect(bench.creates).toBe(sent + 1);
  expect(await bench.copiesOf(run)).toBe(1);
});

test('a copy of a folder that this outbox tracked is no twin of it', async ({ bench }) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  const files = plan('the same');
  await bench.reaches(await bench.track('original', files), 'recorded');
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
  const copy = await bench.track('copy', files);
  await bench.missedOnce(copy);
  await bench.reachesAfter(21 * minuteMs, copy, 'recorded');
  expect(await bench.copiesOf(copy)).toBe(1);
});
