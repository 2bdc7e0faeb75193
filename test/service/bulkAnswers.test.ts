/** An answer to many at once, some of which become something else while it is given. */
import { expect, vi } from 'vitest';
import type { PersonsAnswer } from '../../src/http/operations.ts';
import type { Folder } from '../../src/outbox/nouns.ts';
import { test, type Bench } from '../delivery/bench.ts';
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

test('a run that was taken in hand meanwhile is left alone, and the others are answered', async ({
  bench,
}) => {
  const [, second] = await parkedRuns(bench);
  const answers = answersOf(bench, {
    apply: async (run, ...args) => (run === second ? 'claimed' : await bench.outbox.apply(run, ...args)),
  });
  const woken = vi.spyOn(bench.delivery, 'wake');
  const answered = await answers.answer({ ...all, word: 'retry' });
  expect(answered.runs.map(({ folder }) => folder).sort()).toEqual(['plans/a', 'plans/c']);
  expect(answered.left_alone).toMatchObject([{ run: { run: second }, why: 'it is under way just now' }]);
  expect(woken).toHaveBeenCalled();
});

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
