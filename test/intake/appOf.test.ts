/** A folder that a person had tracked to another app than its root's stays there, whatever is done to it. */
import { appendFileSync, chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

/** A folder that waits for the app of its root, and then for the one that a person names. */
async function waitingForTwo(root: Root): Promise<string> {
  const folder = root.drop('plan', { ...plan('plan'), 'run.log': 'a line\n' });
  const first = root.start(allowing);
  await until('it to wait', async () => (await root.count('queued')) === 1);
  await first.stop();
  expect(await trackedTo(root, folder, 'tortoise-app')).toMatchObject({ run: 2, isNew: true });
  return folder;
}

async function stateOf(root: Root, run: number): Promise<string | undefined> {
  return (await root.outbox.run(run))?.life.state.kind;
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

test('when it changes names with one of the same content that is of the app of the root', async ({
  root,
}) => {
  const [named, other] = [root.drop('a', plan('same')), root.drop('b', plan('same'))];
  await trackedTo(root, named, 'tortoise-app');
  await trackedTo(root, other);
  renameSync(named, join(root.dir, 'aside'));
  renameSync(other, named);
  renameSync(join(root.dir, 'aside'), other);
  expect(await trackedTo(root, named)).toMatchObject({ run: 2, isNew: false });
  expect(await trackedTo(root, other)).toMatchObject({ run: 1, isNew: false });
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

test('what waits for the app of its root makes way for the app that a person names, and stays so when it is touched', async ({
  root,
}) => {
  const folder = await waitingForTwo(root);
  const states = async () => [await stateOf(root, 1), await stateOf(root, 2)];
  expect(await states()).toEqual(['superseded', 'queued']);
  appendFileSync(join(folder, 'run.log'), 'one more line\n');
  await root.start(allowing).intake.scan(true);
  await until('the log to be taken', async () => (await root.outbox.history(2)).length === 2);
  expect(await states()).toEqual(['superseded', 'queued']);
  expect(await apps(root)).toEqual(['hare-app', 'tortoise-app']);
});

test('what was to go to an app once is of that app for good when a person names it', async ({ root }) => {
  const folder = root.drop('plan', { ...plan('plan'), 'run.log': 'a line\n' });
  for (const [at, app] of ['tortoise-app', 'hare-app'].entries()) {
    const { stop } = root.start({ app });
    await until('it to wait', async () => (await stateOf(root, at + 1)) === 'queued');
    await stop();
  }
  expect(await trackedTo(root, folder, 'tortoise-app')).toMatchObject({ run: 1, isNew: false });
  appendFileSync(join(folder, 'run.log'), 'one more line\n');
  const { length } = await root.outbox.history(1);
  root.start(allowing);
  await until('the log to be taken', async () => (await root.outbox.history(1)).length > length);
  expect([await stateOf(root, 1), await stateOf(root, 2)]).toEqual(['queued', 'superseded']);
});

test('each app that a person names is meant, in a root and outside of all', async ({ root }) => {
  const folder = root.drop('plan');
  const outside = root.drop('../outside');
  for (const app of ['tortoise-app', 'snail-app']) {
    await trackedTo(root, folder, app);
    await trackedTo(root, outside, app);
  }
  expect(await root.count('queued')).toBe(4);
  await root.start(allowing).intake.scan(true);
  expect(await root.count('queued')).toBe(4);
});

test.for([
  { what: 'renamed', change: (folder: string) => renameSync(folder, `${folder}-renamed`), state: 'queued' },
  { what: 'removed', change: (folder: string) => rmSync(folder, { recursive: true }), state: 'gone' },
] as const)(
  'both that a person has named are $state when their folder is $what',
  async ({ change, state }, { root }) => {
    const folder = root.drop('plan');
    for (const app of ['tortoise-app', 'snail-app']) await trackedTo(root, folder, app);
    change(folder);
    const { intake } = root.start(allowing);
    await intake.scan(true);
    await until(
      'the folder to be looked at',
      async () => (await root.outbox.folders('runs', ['plan'])).length === 0,
    );
    await intake.scan(true);
    expect(await root.count(state)).toBe(2);
    // Both are where their folder is, or was.
    expect((await root.outbox.run(1))?.path).toBe((await root.outbox.run(2))?.path);
    expect(root.errors()).toHaveLength(state === 'gone' ? 2 : 0);
  },
);

test('the app of the root is as good a name as another: who names it last loses neither of both', async ({
  root,
}) => {
  const folder = await waitingForTwo(root);
  expect(await trackedTo(root, folder, 'hare-app')).toMatchObject({ run: 1, isNew: false });
  expect(await root.count('queued')).toBe(2);
  const lengths = async () => (await root.outbox.history(1)).length + (await root.outbox.history(2)).length;
  const before = await lengths();
  appendFileSync(join(folder, 'run.log'), 'one more line\n');
  await root.start(allowing).intake.scan(true);
  await until('the log to be taken', async () => (await lengths()) > before);
  expect(await root.count('queued')).toBe(2);
});
