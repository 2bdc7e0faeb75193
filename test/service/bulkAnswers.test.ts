/** An answer to many at once, some of which become something else while it is given. */
import { expect, vi } from 'vitest';
import type { PersonsAnswer } from '../../src/http/operations.ts';
import type { Folder } from '../../src/outbox/nouns.ts';
import { minuteMs, test, type Bench } from '../delivery/bench.ts';
import { until } from '../journey/waiting.ts';
import { answersOf } from './answersOf.ts';
import { chance, newDirectory, newRun, now, trouble } from '../outbox/runs.ts';

const all: PersonsAnswer = {
  ...{ word: 'skip', selectors: [], all: true, reason: null, root: null, dryRun: false },
};

const rejected: Folder = {
  ...{ dropRoot: 'plans', path: 'bad', state: 'rejected', reason: { class: 'rejected', text: 'why' } },
  ...{ hint: '', signature: 's', directory: newDirectory(), run: null, target: 'here' },
  ...{ firstSeenMs: now, changedAtMs: now, sinceMs: now },
};

async function parkedRuns(bench: Bench): Promise<number[]> {
  const runs: number[] = [];
  for (const path of ['a', 'b', 'c'])
    runs.push((await bench.outbox.enqueue(newRun({ path, doubt: trouble }), chance)).run);
  return runs;
}

test('a run that was answered otherwise meanwhile is left alone, and the others are answered', async ({
  bench,
}) => {
  const [, second = 0] = await parkedRuns(bench);
  const answers = answersOf(bench, {
    list: async (...args) => {
      const page = await bench.outbox.list(...args);
      await bench.outbox.answer(second, 'skip', ['parked'], chance);
      return page;
    },
  });
  const woken = vi.spyOn(bench.delivery, 'wake');
  const answered = await answers.answer({ ...all, word: 'retry' });
  expect(answered.runs.map(({ folder }) => folder).sort()).toEqual(['plans/a', 'plans/c']);
  expect(answered.left_alone).toMatchObject([
    { run: { run: second, state: 'skipped' }, why: 'it has changed just now' },
  ]);
  expect(woken).toHaveBeenCalled();
});

test.for([
  { by: 'unknown' as const, fails: ['list' as const] },
  { by: 'tracked' as const, fails: ['run' as const, 'metadata' as const] },
])(
  'a run that waited for its turn when a person said skip, and is $by before all are found, is seen through',
  async ({ by, fails }, { bench }) => {
    const { faults } = bench.standIn;
    if (by === 'unknown') faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' });
    bench.onRequest = ({ kind, phase }) => {
      if (kind === 'create' && phase === 'received')
        faults.always({ kind: fails }, { kind: 'answer', status: 503 });
    };
    const [sent, other] = [await bench.track('sent'), await bench.track('other')];
    const skipped = await bench.outbox.answer(other, 'skip', ['queued'], chance);
    const answers = answersOf(bench, {
      run: async (run) => {
        if (run === other) {
          bench.start();
          await bench.reaches(sent, by);
          await until('nobody to have it in hand', async () => !(await bench.run(sent)).isClaimed);
        }
        return await bench.outbox.run(run);
      },
    });
    const selectors = [sent, other].map((run) => ({ text: '', path: '/', generation: null, run }));
    const answered = await answers.answer({ ...all, selectors, all: false });
    expect(skipped).toMatchObject({ run: other, life: { state: { kind: 'skipped' } } });
    expect(answered.runs).toEqual([]);
    expect(answered.left_alone).toMatchObject([
      { run: { run: sent, state: by }, why: 'it has changed just now' },
      { run: { run: other, state: 'skipped' } },
    ]);

    bench.calm();
    bench.letPass(minuteMs);
    await bench.reaches(sent, 'recorded');
    expect(bench.creates).toBe(1);
  },
);

test('a folder that became a run since it was listed stays one', async ({ bench }) => {
  await bench.outbox.saveFolder(rejected);
  const answers = answersOf(bench, {
    openFolders: async (...args) => {
      const page = await bench.outbox.openFolders(...args);
      if (page.length > 0) await bench.outbox.enqueue(newRun({ path: 'bad' }), chance);
      return page;
    },
  });
  const answered = await answers.answer(all);
  expect(answered.runs).toEqual([]);
  expect(answered.left_alone).toMatchObject([{ run: { folder: 'plans/bad', state: 'queued' } }]);
  const run = answered.left_alone[0]?.run.run;
  expect(await bench.outbox.folders('plans', ['bad'])).toMatchObject([{ state: 'known', run }]);
});

test('what is named, and named again by its reason, is answered once', async ({ bench }) => {
  const runs = await parkedRuns(bench);
  const text = `#${String(runs[0])}`;
  const named = { text, path: `/${text}`, generation: null };
  const answered = await answersOf(bench, {}).answer({
    ...all,
    ...{ selectors: [named], all: false, reason: trouble.class },
  });
  expect(answered.runs.map(({ run }) => run).sort()).toEqual(runs);
  expect(answered.left_alone).toEqual([]);
});
