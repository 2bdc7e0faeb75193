/** The list of runs and folders, page by page: all of it once, and then an end, whatever there is most of. */
import { expect } from 'vitest';
import type { RunView } from '../../../src/http/operations.ts';
import { pageRoutes } from '../../../src/http/page/routes.ts';
import { Sessions } from '../../../src/http/page/sessions.ts';
import type { Folder } from '../../../src/outbox/nouns.ts';
import { Changes } from '../../../src/service/changes.ts';
import { quietLog } from '../../../src/system/log.ts';
import { test, type Bench } from '../../delivery/bench.ts';
import { chance, newDirectory, newRun, now } from '../../outbox/runs.ts';
import { answersOf } from '../../service/answersOf.ts';

/** More pages than any of these lists has. */
const pagesMax = 60;

async function saveFolders(
  bench: Bench,
  state: Folder['state'],
  count: number,
  dropRoot = 'plans',
): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, n) => `2026/${state} ${String(n).padStart(3, '0')}`);
  const directory = newDirectory();
  for (const path of paths)
    await bench.outbox.saveFolder({
      ...{
        dropRoot,
        path,
        state,
        reason: { class: 'why', text: 'why' },
        hint: '',
        signature: 's',
        directory,
      },
      ...{ run: null, target: 'here', firstSeenMs: now, changedAtMs: now, sinceMs: now },
    });
  return paths.map((path) => `${dropRoot}/${path}`);
}

async function makeRuns(bench: Bench, count: number): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, n) => `run ${String(n)}`);
  for (const path of paths) await bench.outbox.enqueue(newRun({ path, text: path }), chance);
  return paths.map((path) => `plans/${path}`).reverse();
}

function pages(bench: Bench) {
  const answers = answersOf(bench);
  return pageRoutes({
    operations: () => answers,
    questions: { contents: () => Promise.resolve(null), recent: () => Promise.resolve([]) },
    sessions: new Sessions('open', null, bench.clock),
    changes: new Changes(),
    clock: bench.clock,
    log: quietLog(),
    host: 'bench',
    version: '0.0.0',
  });
}

/** Every folder that the list names from there to its end, in pages of so many. */
async function walked(bench: Bench, from: string, limit = 50): Promise<string[]> {
  const app = pages(bench);
  const seen: string[] = [];
  let next: string | null = from;
  for (let page = 0; next !== null; page += 1) {
    expect(page).toBeLessThan(pagesMax);
    const answer: Response = await app.request(
      `${next}${next.includes('?') ? '&' : '?'}limit=${String(limit)}`,
    );
    expect([next, answer.status]).toEqual([next, 200]);
    const told = (await answer.json()) as { runs: RunView[]; next: string | null };
    seen.push(...told.runs.map(({ folder }) => folder));
    ({ next } = told);
  }
  return seen;
}

test('with more left-out folders than a page holds, the runs come before them, and an end after', async ({
  bench,
}) => {
  const skipped = await saveFolders(bench, 'skipped', 70);
  const runs = await makeRuns(bench, 10);
  expect(await walked(bench, '/api/runs')).toEqual([...runs, ...skipped]);
  expect(await walked(bench, '/api/runs?state=skipped')).toEqual(skipped);
});

test.for([
  { name: 'of one size', limit: 20 },
  // Each page ends in the middle of something.
  { name: 'of another', limit: 7 },
])(
  'folders that wait, of all kinds and roots, are all reached, in pages $name',
  async ({ limit }, { bench }) => {
    const all = [
      ...(await saveFolders(bench, 'overdue', 21)),
      ...(await saveFolders(bench, 'rejected', 25)),
      ...(await saveFolders(bench, 'rejected', 20, 'sketches')),
      ...(await saveFolders(bench, 'settling', 20)),
    ];
    const runs = await makeRuns(bench, 9);
    const skipped = await saveFolders(bench, 'skipped', 12, 'sketches');
    expect(await walked(bench, '/api/runs', limit)).toEqual([...all, ...runs, ...skipped]);
    const ofRoot = await walked(bench, '/api/runs?root=sketches', limit);
    expect(ofRoot).toEqual([...all.filter((folder) => folder.startsWith('sketches/')), ...skipped]);
  },
);

test('on the page too, each page leads to the next one until there is none', async ({ bench }) => {
  const rejected = await saveFolders(bench, 'rejected', 120);
  await makeRuns(bench, 3);
  const app = pages(bench);
  const seen: string[] = [];
  let next: string | undefined = '/runs?state=rejected';
  for (let page = 0; next !== undefined; page += 1) {
    expect(page).toBeLessThan(pagesMax);
    const text: string = await (await app.request(next)).text();
    seen.push(...[...text.matchAll(/rejected \d{3}/g)].map(([name]) => `plans/2026/${name}`));
    next = /href="([^"]+)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&');
  }
  expect([...new Set(seen)]).toEqual(rejected);
});

test('what no address of ours says is as if it had not been said', async ({ bench }) => {
  const runs = await makeRuns(bench, 3);
  const odd = ['after=', 'after=rejected', 'after=nothing:plans:x', 'after=recorded:plans:x', 'before=x'];
  for (const query of odd) expect([query, await walked(bench, `/api/runs?${query}`)]).toEqual([query, runs]);
  expect(await walked(bench, '/api/runs?before=3')).toEqual(runs.slice(1));
});
