/** `scan`: look now. */
import { expect } from 'vitest';
import { plan, writeFiles } from '../journey/folders.ts';
import { test } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';
import { json, openGallery } from './gallery.ts';

interface Said {
  readonly folder: string;
  readonly drop_root: string;
  readonly verdict: string;
  readonly reason: string;
  readonly run: number | null;
}

test.concurrent(
  'a dry run says of each folder what it would be and why, and sends nothing',
  async ({ scene }) => {
    scene.configure({}, { marker: 'DONE' });
    scene.drop('marked', { ...plan('marked'), DONE: '' });
    scene.drop('unmarked');
    scene.drop('bad', { 'input.json': {}, 'meta.json': { status: 'x' }, DONE: '' });
    const finished = await scene.command('scan', '--dry-run', '--json');
    const scanned = json(finished);
    expect(finished.code).toBe(3);
    expect(Object.keys(scanned).sort()).toEqual([
      'drop_roots',
      'dry_run',
      'folders',
      'needs_person',
      'totals',
    ]);
    expect(scanned).toMatchObject({
      dry_run: true,
      drop_roots: [{ name: 'runs', folders: 3, problem: null }],
    });
    const said = (scanned['folders'] as Said[]).toSorted((a, b) => a.folder.localeCompare(b.folder));
    expect(said).toEqual([
      {
        folder: scene.folder('bad'),
        drop_root: 'runs',
        verdict: 'rejected',
        reason: expect.stringContaining('status') as string,
        run: null,
      },
      {
        folder: scene.folder('marked'),
        drop_root: 'runs',
        verdict: 'would-be-tracked',
        reason: 'it is complete and was never tracked',
        run: null,
      },
      {
        folder: scene.folder('unmarked'),
        drop_root: 'runs',
        verdict: 'not-complete',
        reason: 'waiting for the marker DONE',
        run: null,
      },
    ]);
    expect(scene.seen).toEqual([]);
    expect((await scene.command('list')).stdout).toBe('Nothing matches.\n');
  },
);

test.concurrent('a dry run counts what is ignored at each level, with an example', async ({ scene }) => {
  scene.configure({}, { depth: 2, ignore: ['scratch*', '*.tmp'] });
  for (const path of ['day/plan', 'day/a.tmp', 'day/b.tmp', 'scratch/plan']) scene.drop(path);
  const scanned = json(await scene.command('scan', '--dry-run', '--json'));
  const reason = 'its name fits a rule of `ignore`';
  expect(scanned['drop_roots']).toEqual([{ name: 'runs', folders: 1, known: 0, ignored: 3, problem: null }]);
  expect(scanned['totals']).toEqual([
    { drop_root: 'runs', verdict: 'ignored', reason, folders: 3, example: scene.folder('day/a.tmp') },
    expect.objectContaining({ verdict: 'would-be-tracked', folders: 1 }),
  ]);
  const said = (scanned['folders'] as Said[]).filter(({ verdict }) => verdict === 'ignored');
  expect(said.map(({ folder }) => folder)).toEqual(
    ['day/a.tmp', 'day/b.tmp', 'scratch'].map((path) => scene.folder(path)),
  );
  const { stdout } = await scene.command('scan', '--dry-run');
  expect(stdout).toContain('drop root runs: 1 folder(s), of which 0 are runs already; 3 more are ignored\n');
  expect(stdout).toMatch(/ignored +3 +its name fits a rule of `ignore` +\S+\/day\/a\.tmp/);
  // Each by itself only as JSON.
  expect(stdout).not.toContain('b.tmp');
});

test.concurrent('a dry run says that a root is a run folder itself', async ({ scene }) => {
  writeFiles(scene.root, plan('in the root'));
  const finished = await scene.command('scan', '--dry-run');
  expect(finished.code).toBe(1);
  expect(finished.stdout).toContain('drop root runs: the files of a run lie in the root itself');
  expect(finished.stdout).toMatch(new RegExp(`rejected +${scene.root} +the files of a run lie in the root`));
});

test.concurrent('a scan looks at recorded folders too, at once', async ({ scene }) => {
  scene.configure({}, { scan_every: '1h', quiet: '0s' });
  const folder = scene.drop('plan', plan('A'));
  await scene.daemon();
  await scene.result('plan');
  writeFiles(folder, plan('B'));
  const dry = json(await scene.command('scan', '--dry-run', '--json'));
  expect(dry['folders']).toMatchObject([
    { folder, verdict: 'would-be-tracked', reason: 'its content is new' },
  ]);
  const finished = await scene.command('scan', '--json');
  expect(finished.code).toBe(0);
  expect(json(finished)).toMatchObject({ dry_run: false, folders: [{ folder, verdict: 'new', run: 2 }] });
  await until('the second run', () => scene.count('create') === 2);
});

test.concurrent('a scan that finds what needs a person is exit code 3', async ({ scene }) => {
  const { rejected } = await openGallery(scene);
  const finished = await scene.command('scan');
  expect(rejected).not.toBe('');
  expect(finished.code).toBe(3);
});

test.concurrent(
  'a scan of one root leaves the other alone, and one that is not there is exit code 1',
  async ({ scene }) => {
    await openGallery(scene);
    const one = json(await scene.command('scan', 'more', '--dry-run', '--json'));
    expect(one['drop_roots']).toMatchObject([{ name: 'more' }]);
    expect((one['folders'] as Said[]).map(({ drop_root: root }) => root)).toEqual(['more']);
    const byPath = json(await scene.command('scan', scene.root, '--dry-run', '--json'));
    expect(byPath['drop_roots']).toMatchObject([{ name: 'runs' }]);
    const none = await scene.command('scan', 'nope');
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain('there is "runs", "more"');
  },
);

test.concurrent('a root that is not there is named, and is exit code 1', async ({ scene }) => {
  scene.configure({}, { path: './not-there' });
  const finished = await scene.command('scan');
  expect(finished.code).toBe(1);
  expect(finished.stdout).toContain('is not there');
});
