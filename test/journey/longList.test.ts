/** A list of many pages, which is read before the first run of an app is sent: it holds up nobody else, and nothing ends it early. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { app, test, type Scene } from './scene.ts';
import { until } from './waiting.ts';

const pages = 30;
const pageMs = 200;

/** As many pages of one run each as there are runs of others. */
async function withLongList(scene: Scene): Promise<void> {
  for (let n = 0; n < pages; n += 1) await scene.foreignRun(`of another host ${String(n)}`);
  scene.seen.length = 0;
  scene.faults.pageSize = 1;
  scene.faults.always({ kind: 'list', app }, { kind: 'delay', ms: pageMs });
}

test.concurrent('`run --once` waits for a list whose pages come, however long it is', async ({ scene }) => {
  await withLongList(scene);
  scene.drop('monday');
  const { code, stderr } = await scene.command('run', '--once', '--wait-max', '2s');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(scene.count('list')).toBeGreaterThanOrEqual(pages);
  expect(scene.count('create')).toBe(1);
  await scene.result('monday');
});

test.concurrent('while the list of one app is read, the runs of another go on', async ({ scene }) => {
  await withLongList(scene);
  mkdirSync(join(scene.dir, 'others'));
  scene.configure({
    drop_roots: [scene.dropRoot(), scene.dropRoot({ path: './others', app: 'tortoise-app' })],
  });
  const daemon = await scene.daemon();
  for (let n = 0; n < 40; n += 1) scene.drop(`hare-${String(n)}`);
  await until('the list to be read', () => scene.count('list') > 2);
  await until('all to be queued', async () => ((await daemon.status()).counts.queued ?? 0) >= 40);
  scene.drop('../others/tortoise');
  await scene.result('../others/tortoise');
  expect(scene.seen.filter((one) => one.kind === 'create').map((one) => one.app)).toEqual(['tortoise-app']);
  expect(scene.count('list')).toBeLessThan(pages);
});

test.concurrent('a daemon that is told to stop does not read a long list to its end', async ({ scene }) => {
  await withLongList(scene);
  // What is under way has all the time that it wants: the list is not cut off with it.
  scene.configure({ shutdown_deadline: '1m' });
  const daemon = await scene.daemon();
  scene.drop('monday');
  await until('the list to be read', () => scene.count('list') > 2);
  await daemon.stop();
  expect(scene.count('list')).toBeLessThan(pages);
  expect(scene.count('create')).toBe(0);
});
