/** "Surely absent": the one place where a duplicate could be born. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, vi } from 'vitest';
import { until } from '../journey/waiting.ts';
import { chance, newRun } from '../outbox/runs.ts';
import { app, minuteMs, test, type Bench } from './bench.ts';

const orders = ['newest-first', 'oldest-first', 'shuffled'] as const;

test('a run that surely is absent is sent again exactly once, and not a moment earlier', async ({
  bench,
}) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
  const run = await bench.track('lost');
  const { dueAtMs, life } = await bench.missedOnce(run);
  const endedAtMs = life.state.kind === 'unknown' ? life.state.endedAtMs : 0;
  // It is looked for again soon, because lists lag; but looking is not sending.
  expect(dueAtMs).toBeLessThan(endedAtMs + minuteMs);
  expect(bench.creates).toBe(2);

  bench.letPass(20 * minuteMs + 1_000);
  await bench.reaches(run, 'recorded');
  expect(bench.creates).toBe(3);
  expect(await bench.copiesOf(run)).toBe(1);
});

test('however often one looks, nothing is sent again before absent_after has passed', async ({ bench }) => {
  bench.start();
  const run = await bench.trackLost();
  let listings = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'list' && phase === 'done') listings += 1;
  };
  for (let look = 1; look <= 3; look += 1) {
    bench.letPass(5 * minuteMs);
    await bench.retry(run);
    await until('another listing to have been weighed', async () => {
      const { dueAtMs } = await bench.run(run);
      return listings >= look && (dueAtMs ?? 0) > bench.clock.nowMs();
    });
  }
  expect((await bench.run(run)).life.state.kind).toBe('unknown');
  expect(bench.creates).toBe(2);
  // It was read for two reasons; to read the same page again is no progress.
  expect(bench.delivery.pagesRead()).toBe(2);
});

test('time that passes while a listing is read is no proof, and the next listing makes up for it at once', async ({
  bench,
}) => {
  bench.start();
  const run = await bench.trackLost();
  let listings = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind !== 'list') return;
    if (phase === 'done') listings += 1;
    else if (listings === 0) bench.letPass(21 * minuteMs);
  };
  await bench.retry(run);
  await bench.reaches(run, 'recorded');
  // The one that had begun before, the late one, and the one that confirms it.
  expect(listings).toBeGreaterThanOrEqual(3);
  expect(bench.creates).toBe(3);
  expect(await bench.copiesOf(run)).toBe(1);
});

test('a platform that names the run of another folder is not believed: its list tells what was made', async ({
  bench,
}) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  const first = (await bench.listed())[0]?.id ?? '';
  const body = JSON.stringify({ run_id: first });
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 200, body, carriedOut: true });
  const run = await bench.track('second');
  const { life } = await bench.reaches(run, 'recorded');
  expect(life.state).not.toMatchObject({ runId: first });
  expect(bench.creates).toBe(2);
  expect(await bench.copiesOf(run)).toBe(1);
  const notes = (await bench.outbox.history(run)).map(({ note }) => note);
  expect(notes).toContainEqual(expect.stringContaining(`the platform names run ${first}, which is another`));
});

test('a run that the list shows as another folder’s is set aside: nobody knows whose it is', async ({
  bench,
}) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
  let madeId = '';
  bench.onRequest = async ({ kind, phase }) => {
    // The answer that was lost goes to the next one: what a proxy that mixes up connections would do.
    if (kind !== 'create' || phase !== 'done' || madeId !== '') return;
    madeId = (await bench.listed())[0]?.id ?? '';
    bench.standIn.faults.always({ kind: 'list' }, { kind: 'answer', status: 503 });
    const body = JSON.stringify({ run_id: madeId });
    bench.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status: 200, body });
  };
  const lost = await bench.track('lost');
  await bench.reaches(lost, 'unknown');
  const taker = await bench.track('taker');
  await bench.reaches(taker, 'recorded');
  bench.calm();
  await bench.retry(lost);
  const { life } = await bench.reaches(lost, 'parked');
  expect(life.state).toMatchObject({ reason: { class: 'run-id-taken' }, from: { kind: 'unknown' } });
  expect(bench.creates).toBe(3);
});

test('one listing serves all unknown runs of an app: a dozen cost no more of them than one', async ({
  bench,
}) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' }, 12);
  const runs = await Promise.all(Array.from({ length: 12 }, (_, n) => bench.track(`lost-${n}`)));
  for (const run of runs) await bench.missedOnce(run);
  let listings = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'list' && phase === 'received') listings += 1;
  };
  bench.letPass(21 * minuteMs);
  for (const run of runs) await bench.reaches(run, 'recorded');
  // One that may be under way, the late one, the one that confirms it, and as many for runs that were missed later.
  expect(listings).toBeLessThanOrEqual(6);
  for (const run of runs) expect(await bench.copiesOf(run)).toBe(1);
});

test('hundreds that are settled on a slow disk share its syncs, and the loop shows that it moves', async ({
  bench,
}) => {
  const runs = await Promise.all(Array.from({ length: 300 }, (_, n) => bench.track(`lost-${n}`)));
  const chance = { nowMs: bench.clock.nowMs(), random: 0, policy: bench.policy };
  await bench.outbox.beginDistrust('a lost outbox', null, chance);
  const apply = bench.outbox.apply.bind(bench.outbox);
  let [under, underMax, settled, restMsMax] = [0, 0, 0, 0];
  vi.spyOn(bench.outbox, 'apply').mockImplementation(async (...asked) => {
    underMax = Math.max(underMax, (under += 1));
    const now = await apply(...asked);
    under -= 1;
    settled += 1;
    bench.letPass(2_000);
    const loop = bench.progress.all().find(({ name }) => name === 'reconcile');
    restMsMax = Math.max(restMsMax, loop?.agoMs ?? Infinity);
    return now;
  });
  bench.start();
  await until('all to have been looked for', () => settled >= runs.length);
  expect(underMax).toBeGreaterThanOrEqual(100);
  expect(restMsMax).toBeLessThan(4 * minuteMs);
});

test('what hundreds ask of the listing that missed them is asked of the outbox once, and never beside another', async ({
  bench,
}) => {
  await bench.foreignRuns(60);
  const runs = await Promise.all(Array.from({ length: 300 }, (_, n) => bench.track(`lost-${n}`)));
  const chance = { nowMs: bench.clock.nowMs(), random: 0, policy: bench.policy };
  await bench.outbox.beginDistrust('a lost outbox', null, chance);
  const keepsEarlier = bench.outbox.keepsEarlier.bind(bench.outbox);
  const asked: string[] = [];
  let [under, underMax] = [0, 0];
  vi.spyOn(bench.outbox, 'keepsEarlier').mockImplementation(async (...question) => {
    asked.push(question.join(' '));
    underMax = Math.max(underMax, (under += 1));
    const isKept = await keepsEarlier(...question);
    under -= 1;
    return isKept;
  });
  bench.start();
  for (const run of runs) await bench.missedOnce(run);
  bench.letPass(21 * minuteMs);
  for (const run of runs)
    await until('the run not to be unknown any more', async () => {
      return (await bench.run(run)).life.state.kind !== 'unknown';
    });
  // The late listing, and the one that confirms it.
  expect(asked.length).toBeGreaterThanOrEqual(2);
  expect(asked).toEqual([...new Set(asked)]);
  expect(underMax).toBe(1);
});

test.for(orders)(
  'an answer that was lost is found among hundreds of foreign runs, listed %s',
  async (order, { bench }) => {
    bench.standIn.faults.listOrder = order;
    await bench.foreignRuns(120);
    bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
    bench.onRequest = async ({ kind, phase }) => {
      if (kind !== 'create' || phase !== 'done') return;
      bench.onRequest = null;
      await bench.foreignRuns(120);
    };
    const run = await bench.track('lost');
    bench.start();
    await bench.reaches(run, 'recorded');
    expect(await bench.copiesOf(run)).toBe(1);
  },
);

test.for(orders)(
  'what never arrived is absent from a list of hundreds, listed %s',
  async (order, { bench }) => {
    bench.start();
    await bench.provesThatFingerprintsShow();
    bench.standIn.faults.listOrder = order;
    await bench.foreignRuns(150);
    bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
    const run = await bench.track('lost');
    await bench.missedOnce(run);
    await bench.foreignRuns(70);
    await bench.reachesAfter(21 * minuteMs, run, 'recorded');
    expect(await bench.copiesOf(run)).toBe(1);
  },
);

test('a run that the list shows late is adopted, and nothing is sent again', async ({ bench }) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  // So that the lag hides the new run only, and not the one that was tracked before.
  bench.letPass(11 * minuteMs);
  bench.standIn.faults.listLagMs = 10 * minuteMs;
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
  const run = await bench.track('late');
  await bench.missedOnce(run);
  const sent = bench.creates;
  await bench.reachesAfter(21 * minuteMs, run, 'recorded');
  expect(bench.creates).toBe(sent);
  bench.calm();
  expect(await bench.copiesOf(run)).toBe(1);
});

test('a list that fails half-way proves nothing, however often', async ({ bench }) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  await bench.foreignRuns(60);
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
  const run = await bench.track('lost');
  await bench.missedOnce(run);
  const sent = bench.creates;
  let pages = 0;
  // The first page of each listing comes, the second never does.
  bench.onRequest = ({ kind, phase }) => {
    if (kind !== 'list' || phase !== 'received') return;
    pages += 1;
    if (pages % 2 === 0) bench.standIn.faults.next({ kind: 'list' }, { kind: 'answer', status: 500 });
  };
  await until('three listings that failed', () => {
    bench.letPass(5 * minuteMs);
    return pages >= 6;
  });
  expect((await bench.run(run)).life.state.kind).toBe('unknown');
  expect(bench.creates).toBe(sent);

  bench.onRequest = null;
  await until('the run to be sent', async () => {
    const { kind } = (await bench.run(run)).life.state;
    // Not during an upload, which would be too slow for its URL.
    if (kind === 'unknown') bench.letPass(5 * minuteMs);
    return kind === 'recorded';
  });
  expect(bench.creates).toBe(sent + 1);
  expect(await bench.copiesOf(run)).toBe(1);
});

test.for([
  { name: 'that goes in circles', body: { runs: [], next_page_token: 'again' } },
  { name: 'that is another document', body: { message: 'try again later' } },
  { name: 'that is empty', body: {} },
])('a list $name proves nothing', async ({ body }, { bench }) => {
  bench.start();
  const run = await bench.trackLost();
  let pages = 0;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'list' && phase === 'received') pages += 1;
  };
  bench.standIn.faults.always({ kind: 'list' }, { kind: 'answer', status: 200, body: JSON.stringify(body) });
  await until('the list to have been asked several times, or the run to be sent', () => {
    bench.letPass(10 * minuteMs);
    return pages >= 6 || bench.creates > 2;
  });
  expect((await bench.run(run)).life.state.kind).toBe('unknown');
  expect(bench.creates).toBe(2);
});

test.for([
  { what: 'a run of about the time of the intent', order: 'newest-first', agedMs: 0, isProof: false },
  {
    what: 'a run of long before, and that is newest first,',
    order: 'newest-first',
    agedMs: 300 * minuteMs,
    isProof: true,
  },
  {
    what: 'any run, and that is not newest first,',
    order: 'oldest-first',
    agedMs: 300 * minuteMs,
    isProof: false,
  },
] as const)(
  'when $what is missing in the next listing, that one still proves something: $isProof',
  async ({ order, agedMs, isProof }, { bench }) => {
    bench.standIn.faults.listOrder = order;
    bench.start();
    await bench.provesThatFingerprintsShow();
    // Made by somebody else; one of them is deleted later, which may shift pages. The platform's times have whole seconds.
    const foreign: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      bench.letPass(minuteMs);
      foreign.push(...(await bench.foreignRuns(1)));
    }
    bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
    const run = await bench.track('lost');
    const first = await bench.missedOnce(run);
    const sent = bench.creates;
    // Nobody's clock can be set back here.
    const file = new Database(join(bench.dir, 'state', 'outbox.db'));
    file.prepare('update listed set created_at_ms = created_at_ms - ?').run(agedMs);
    file.close();
    await bench.call('DELETE', `/runs/${foreign[1] ?? ''}`);
    bench.letPass(21 * minuteMs);
    const absent = await until('another listing to count', async () => {
      const { state } = (await bench.run(run)).life;
      const before = first.life.state.kind === 'unknown' ? first.life.state.absent : null;
      return state.kind === 'unknown' && state.absent?.listing !== before?.listing && state.absent;
    });
    expect(absent.isLate ?? false).toBe(isProof);
    expect(bench.creates).toBe(sent);
    await bench.reachesAfter(21 * minuteMs, run, 'recorded');
    expect(await bench.copiesOf(run)).toBe(1);
  },
);

test('where no fingerprint was ever seen in the list, absence parks the run, and a person’s retry sends it', async ({
  bench,
}) => {
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
  const run = await bench.track('lost');
  bench.start();
  await bench.missedOnce(run);
  const { life } = await bench.reachesAfter(21 * minuteMs, run, 'parked');
  expect(life.state).toMatchObject({ reason: { class: 'surely-absent' }, from: { kind: 'unknown' } });
  expect(bench.creates).toBe(1);

  await bench.retry(run);
  // The word of a person is no proof: it is looked for as long again, and sent only if it still is absent.
  await bench.missedOnce(run);
  expect(bench.creates).toBe(1);
  await bench.reachesAfter(21 * minuteMs, run, 'recorded');
  expect(bench.creates).toBe(2);
  expect(await bench.copiesOf(run)).toBe(1);
});

describe('with then: park', () => {
  test.override({ policy: { then: 'park' } });

  test('a run that surely is absent is parked, and a retry looks once more before it sends', async ({
    bench,
  }) => {
    bench.start();
    const run = await bench.trackLost();
    await bench.reachesAfter(21 * minuteMs, run, 'parked');
    expect(bench.creates).toBe(2);

    // By now it is there after all: found, not sent.
    const { fingerprint } = await bench.run(run);
    const [late] = await bench.foreignRuns(1, `text [${fingerprint} g:0123456789 host:bench]`);
    await bench.retry(run);
    const { life } = await bench.reaches(run, 'recorded');
    expect(life.state).toMatchObject({ runId: late });
    expect(await bench.copiesOf(run)).toBe(1);
  });
});

test('what is surely absent and not in its folder any more is gone, loudly, and not sent', async ({
  bench,
}) => {
  const said = vi.spyOn(bench.log, 'error');
  bench.start();
  const run = await bench.trackLost();
  const { key, path } = await bench.run(run);
  rmSync(join(bench.dir, 'lost'), { recursive: true });
  // As a scan notes it that finds the folder missing.
  await bench.outbox.forgetFolder(key.dropRoot, path);
  await bench.reachesAfter(21 * minuteMs, run, 'gone');
  const words = `${path} vanished, and nothing was made of it: run #${String(run)} is gone`;
  await until('that to be said', () => said.mock.calls.some(([, text]) => text === words));
  expect(bench.creates).toBe(2);
  expect(await bench.copiesOf(run)).toBe(0);
});

test('what is surely absent and goes to another platform by now is superseded, and says so', async ({
  bench,
}) => {
  bench.start();
  const run = await bench.trackLost();
  const { key, path, directory, content, settings } = await bench.run(run);
  const elsewhere = { ...key, platform: 'https://another.test' };
  await bench.outbox.enqueue({ ...newRun(), key: elsewhere, path, directory, content, settings }, chance);
  await bench.reachesAfter(21 * minuteMs, run, 'superseded');
  expect((await bench.outbox.history(run)).at(-1)?.note).toContain('goes to another app or platform');
  expect(await bench.copiesOf(run)).toBe(0);
});

test('of two runs with one fingerprint the older is kept and the other is told', async ({ bench }) => {
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
  let newer: string | undefined;
  bench.onRequest = async ({ kind, phase }) => {
    if (kind !== 'create' || phase !== 'done') return;
    bench.onRequest = null;
    const [stored] = await bench.listed();
    bench.letPass(5_000);
    [newer] = await bench.foreignRuns(1, stored?.description ?? '');
  };
  const run = await bench.track('twice');
  bench.start();
  const { life, warnings } = await bench.reaches(run, 'recorded');
  const older = (await bench.listed()).map(({ id }) => id).find((id) => id !== newer);
  expect(life.state).toMatchObject({ runId: older });
  expect(warnings).toContainEqual(expect.stringContaining(newer ?? 'the newer run'));
});

test('of a run that is known already a second one is told as soon as a list shows it, and once', async ({
  bench,
}) => {
  bench.start();
  const run = await bench.track('twice');
  await bench.reaches(run, 'recorded');
  const [made] = await bench.listed();
  const [second = ''] = await bench.foreignRuns(1, made?.description ?? '');
  for (const name of ['lost', 'lost again']) {
    bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
    await bench.missedOnce(await bench.track(name));
    const { life, warnings } = await bench.run(run);
    expect(life.state).toMatchObject({ kind: 'recorded', runId: made?.id });
    expect(warnings).toEqual([
      `the platform also has it as ${second}; the one that was known first was kept`,
    ]);
  }
});

test('only the last bracket of a description counts, whatever was copied in front of it', async ({
  bench,
}) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
  const run = await bench.track('lost');
  const { fingerprint } = await bench.missedOnce(run);
  const other = `[rt1:${'a'.repeat(26)} g:0123456789 host:other]`;
  const [copy] = await bench.foreignRuns(1, `[${fingerprint} g:0123456789 host:bench] ${other}`);
  const { life } = await bench.reachesAfter(21 * minuteMs, run, 'recorded');
  expect(life.state).not.toMatchObject({ runId: copy });
  expect(bench.creates).toBe(4);
});

test('of two runs of one content that were both meant, the one that is surely absent is sent again', async ({
  bench,
}) => {
  bench.start();
  const lost = await bench.trackLost();
  const second = await bench.track('lost', undefined, { again: true });
  await bench.reaches(second, 'recorded');
  await bench.reachesAfter(21 * minuteMs, lost, 'recorded');
  expect(await Promise.all([lost, second].map((run) => bench.copiesOf(run)))).toEqual([1, 1]);
});

test('a run that is taken out of delivery’s hands before its intent is not sent by those hands', async ({
  bench,
}) => {
  const run = await bench.track('seized');
  bench.onRequest = async ({ kind, phase }) => {
    if (kind !== 'put' || phase !== 'done') return;
    bench.onRequest = null;
    await bench.outbox.apply(
      run,
      { kind: 'newerContent' },
      { nowMs: bench.clock.nowMs(), random: 0, policy: bench.policy },
    );
  };
  bench.start();
  await bench.reaches(run, 'superseded');
  await until('delivery to have let go', () => Promise.resolve(bench.delivery.inHand() === 0));
  expect(bench.creates).toBe(0);
});

test('upload ids that are too old are not sent, but asked for anew', async ({ bench }) => {
  let uploads = 0;
  let hasAged = false;
  bench.onRequest = ({ kind, phase }) => {
    if (kind === 'uploadurl' && phase === 'received') uploads += 1;
    // Its artefacts are landing, and the clock is set ahead before the run is sent.
    if (kind === 'put' && phase === 'done' && !hasAged) {
      hasAged = true;
      bench.letPass(13 * minuteMs);
    }
  };
  bench.start();
  const run = await bench.track('aged');
  await bench.reaches(run, 'recorded');
  expect(uploads).toBeGreaterThan(2);
  expect(bench.creates).toBe(1);
});

test('of two runs with one fingerprint the older is kept also when the list breaks off before it', async ({
  bench,
}) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  const { faults } = bench.standIn;
  faults.listOrder = 'newest-first';
  faults.pageSize = 1;
  faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
  let [older, newer] = ['', ''];
  bench.onRequest = async ({ kind, phase }) => {
    if (kind !== 'create' || phase !== 'done') return;
    bench.onRequest = null;
    const [made] = await bench.listed();
    older = made?.id ?? '';
    bench.letPass(5_000);
    newer = (await bench.foreignRuns(1, made?.description ?? ''))[0] ?? '';
    faults.next({ kind: 'list', skip: 1 }, { kind: 'answer', status: 500 });
  };
  const run = await bench.track('twice');
  const { life, warnings } = await until('it to be recorded', async () => {
    bench.letPass(1_000);
    const now = await bench.run(run);
    return now.life.state.kind === 'recorded' && now;
  });
  expect(life.state).toMatchObject({ runId: older });
  expect(warnings.join()).toContain(newer);
});

test('where the runs of an app were removed, a run is set aside after a day, and a retry sends it once', async ({
  bench,
}) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  for (const { id } of await bench.listed()) await bench.call('DELETE', `/runs/${id}`);
  bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' });
  const run = await bench.track('lost');
  await bench.reaches(run, 'unknown');
  const { sinceMs } = await bench.run(run);
  await until('it to be set aside', async () => {
    bench.letPass(11 * minuteMs);
    return (await bench.run(run)).life.state.kind === 'parked';
  });
  expect(bench.clock.nowMs() - sinceMs).toBeGreaterThan(24 * 60 * minuteMs);
  expect((await bench.run(run)).life.state).toMatchObject({ reason: { class: 'surely-absent' } });
  const sent = bench.creates;
  await bench.retry(run);
  await until('it to be recorded', async () => {
    const { kind } = (await bench.run(run)).life.state;
    if (kind === 'unknown') bench.letPass(11 * minuteMs);
    return kind === 'recorded';
  });
  expect(bench.creates).toBe(sent + 1);
  expect(await bench.copiesOf(run)).toBe(1);
});

describe('what a list has shown', () => {
  /** How many listings are kept, and how many runs of them. */
  function kept(bench: Bench): { listings: number; listed: number } {
    // In a process of its own: closing a descriptor of the file would drop the outbox's locks.
    const script = `const db = new (require('better-sqlite3'))(process.argv[1], { readonly: true });
      const count = (table) => db.prepare('select count(*) from ' + table).pluck().get();
      console.log(JSON.stringify({ listings: count('listing'), listed: count('listed') }))`;
    const database = join(bench.dir, 'state', 'outbox.db');
    return JSON.parse(execFileSync(process.execPath, ['-e', script, database], { encoding: 'utf8' })) as {
      listings: number;
      listed: number;
    };
  }

  /** As a process leaves it that is killed in the middle of a listing. */
  async function leaveListing(bench: Bench): Promise<void> {
    const { outbox, standIn } = bench;
    const listing = await outbox.beginListing(standIn.endpoint, app, bench.clock.nowMs());
    const page = Array.from({ length: 50 }, (_, n) => ({
      runId: `run-${String(n)}`,
      createdAtMs: 0,
      fingerprint: null,
      generation: null,
      host: null,
    }));
    await outbox.addPage(listing, standIn.endpoint, app, page, bench.clock.nowMs());
  }

  test('is forgotten when a later page fails, each time', async ({ bench }) => {
    bench.start();
    await bench.provesThatFingerprintsShow();
    await bench.foreignRuns(9);
    bench.standIn.faults.pageSize = 2;
    bench.standIn.faults.listOrder = 'oldest-first';
    const refused = { kind: 'answer', status: 403 } as const;
    // The third page of the first listing, of the next one, and of each after that the first page.
    bench.standIn.faults.next({ kind: 'list', skip: 2 }, refused);
    bench.standIn.faults.next({ kind: 'list', skip: 4 }, refused);
    bench.standIn.faults.always({ kind: 'list', skip: 6 }, refused);
    let pages = 0;
    bench.onRequest = ({ kind, phase }) => {
      if (kind === 'list' && phase === 'received') pages += 1;
    };
    bench.standIn.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
    const run = await bench.track('looked for');
    await until('three listings to have failed', () => pages >= 9);
    await until('them to be forgotten', () => {
      const { listings, listed } = kept(bench);
      return listings === 0 && listed === 0;
    });
    bench.calm();
    await bench.reaches(run, 'recorded');
    expect(kept(bench)).toEqual({ listings: 0, listed: 0 });
  });

  test('to a process that was killed is forgotten before the next listing is read', async ({ bench }) => {
    for (let kill = 0; kill < 3; kill += 1) await leaveListing(bench);
    expect(kept(bench)).toEqual({ listings: 3, listed: 150 });
    await bench.outbox.noteApp(bench.standIn.endpoint, app);
    let pages = 0;
    bench.onRequest = ({ kind, phase }) => {
      if (kind === 'list' && phase === 'received') pages += 1;
    };
    bench.standIn.faults.always({ kind: 'list' }, { kind: 'hang', carriedOut: false });
    bench.start();
    await until('a listing to have begun', () => pages === 1);
    expect(kept(bench)).toEqual({ listings: 1, listed: 0 });
  });
});

test('a list that does not come holds up the lists of no other app', async ({ bench }) => {
  bench.start();
  await bench.provesThatFingerprintsShow();
  // Both were made, and no answer came: each app's list has its run.
  const lost = async (name: string, ofApp: string): Promise<number> => {
    bench.standIn.faults.next({ kind: 'create', app: ofApp }, { kind: 'drop', when: 'after' });
    return await bench.track(name, undefined, { ofApp });
  };
  let isAsked = false;
  bench.onRequest = ({ kind, app: ofApp, phase }) => {
    if (kind === 'list' && ofApp === app && phase === 'received') isAsked = true;
  };
  bench.standIn.faults.always({ kind: 'list', app }, { kind: 'delay', ms: 15_000 });
  const silent = await lost('silent', app);
  await until('its list to be asked for', () => isAsked);
  const other = await lost('other', 'tortoise-app');
  await bench.reaches(other, 'recorded');
  expect((await bench.run(silent)).life.state.kind).toBe('unknown');

  await bench.reaches(silent, 'recorded');
  expect(bench.creates).toBe(3);
});
