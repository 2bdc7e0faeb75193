/** A folder that a person had tracked to another app than its root's stays there, whatever is done to it. */
import { appendFileSync, chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { trackFolder } from '../../src/intake/trackFolder.ts';
import type { DropRoot } from '../../src/intake/rules.ts';
import { plan } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { test, type Root } from './root.ts';

const allowing: Partial<DropRoot> = { allowAppIds: ['tortoise-app', 'snail-app'] };

async function trackedTo(root: Root, folder: string, app?: string, name?: string) {
  const wishes = { ...(app === undefined ? {} : { app }), ...(name === undefined ? {} : { name }) };
  return await trackFolder(folder, [root.dropRoot(allowing)], wishes, root.parts());
}

/** Of which app each run is. */
async function apps(root: Root): Promise<string[]> {
  const found: string[] = [];
  for (let run = 1; ; run += 1) {
    const view = await root.outbox.run(run);
    if (view === null) return found;
    found.push(view.key.app);
  }
}

test.for<{ what: string; change: (folder: string) => void }>([
  { what: 'its log grows', change: (folder) => appendFileSync(join(folder, 'run.log'), 'one more line\n') },
  { what: 'its mode is changed', change: (folder) => chmodSync(folder, 0o700) },
  { what: 'it is renamed', change: (folder) => renameSync(folder, `${folder}-renamed`) },
])('when $what', async ({ change }, { root }) => {
  const folder = root.drop('plan', { ...plan('plan'), 'run.log': 'a line\n' });
  expect(await trackedTo(root, folder, 'tortoise-app')).toMatchObject({ kind: 'run', run: 1, isNew: true });
  change(folder);
  const { intake } = root.start(allowing);
  const looked = root.drop('another');
  await until('another one to be a run', async () => (await root.count('queued')) === 2);
  await intake.scan(true);
  await intake.lookNow(folder.slice(root.path.length + 1));
  expect(looked).not.toBe(folder);
  expect(await apps(root)).toEqual(['tortoise-app', 'hare-app']);
});

test('and without a word of its app `track` finds it there, and says what contradicts it', async ({
  root,
}) => {
  const folder = root.drop('plan');
  await trackedTo(root, folder, 'tortoise-app');
  expect(await trackedTo(root, folder)).toMatchObject({ kind: 'run', run: 1, isNew: false });
  expect(await trackedTo(root, folder, undefined, 'another name')).toMatchObject({ kind: 'refused' });
  // Another app said by name is a wish of its own.
  expect(await trackedTo(root, folder, 'snail-app')).toMatchObject({ kind: 'run', run: 2, isNew: true });
});

test('what meta.json says of the app counts when `track` contradicts an earlier run', async ({ root }) => {
  const folder = root.drop('plan', plan('plan', { app_id: 'tortoise-app' }));
  await trackedTo(root, folder);
  expect(await trackedTo(root, folder, undefined, 'another name')).toMatchObject({ kind: 'refused' });
  expect(await apps(root)).toEqual(['tortoise-app']);
});

test('new content of it goes to the app of its root, and so does all of a root whose app is another one now', async ({
  root,
}) => {
  const folder = root.drop('plan');
  await trackedTo(root, folder, 'tortoise-app');
  root.drop('other');
  const { intake, stop } = root.start(allowing);
  await until('the other one', async () => (await root.count('queued')) === 2);
  writeFileSync(join(folder, 'input.json'), '{"sample":"new"}');
  await until('the new content', async () => (await apps(root)).length === 3);
  expect(await apps(root)).toEqual(['tortoise-app', 'hare-app', 'hare-app']);
  await stop();
  expect(intake.trouble()).toBeNull();
  root.start({ app: 'snail-app', allowAppIds: ['hare-app', 'tortoise-app'] });
  await until('both to be sent anew', async () => (await apps(root)).length === 5);
  expect((await apps(root)).slice(3)).toEqual(['snail-app', 'snail-app']);
});
