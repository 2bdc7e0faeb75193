/** An outbox that was deleted, or put back from an older copy, makes no second run of anything. */
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { resultFileName } from '../../src/core/ownFiles.ts';
import { app, test, type Scene, type StartOptions } from './scene.ts';
import { well } from './verdicts.ts';
import { until } from './waiting.ts';

const names = ['monday', 'tuesday', 'wednesday', 'thursday'];

async function recordsAll(scene: Scene, folders: readonly string[]): Promise<void> {
  const daemon = await scene.daemon();
  for (const name of folders) scene.drop(name);
  for (const name of folders) await scene.result(name);
  await until(
    'all to be recorded',
    async () => ((await daemon.status()).counts.recorded ?? 0) >= folders.length,
  );
  await daemon.stop();
}

function loseTheOutbox(scene: Scene): void {
  for (const name of readdirSync(scene.stateDir).filter((file) => file.startsWith('outbox.db')))
    rmSync(join(scene.stateDir, name));
}

function loseResults(scene: Scene, folders: readonly string[]): void {
  for (const name of folders) rmSync(join(scene.folder(name), resultFileName));
}

/**
 * Monday recorded and tuesday only queued, which is what a copy of the outbox keeps.
 * @returns what loses the outbox, puts the copy in its place, and removes tuesday's result
 */
async function olderOutbox(scene: Scene, options: StartOptions = {}): Promise<() => void> {
  const daemon = await scene.daemon(options);
  scene.drop('monday');
  await scene.state(daemon, 'monday', 'recorded');
  scene.faults.always({ kind: 'put' }, { kind: 'answer', status: 503 });
  scene.drop('tuesday');
  await scene.state(daemon, 'tuesday', 'queued');
  await daemon.stop();
  const copy = join(scene.dir, 'outbox.copy');
  copyFileSync(join(scene.stateDir, 'outbox.db'), copy);
  scene.calm();
  return () => {
    loseTheOutbox(scene);
    copyFileSync(copy, join(scene.stateDir, 'outbox.db'));
    loseResults(scene, ['tuesday']);
  };
}

/** One run each on the platform, and each folder's own. */
async function expectOneRunEach(scene: Scene, folders: readonly string[]): Promise<void> {
  const runs = await scene.platformRuns(app);
  expect(runs.map(({ name }) => name).sort()).toEqual([...folders].sort());
  expect(scene.count('create')).toBe(folders.length);
}

test.concurrent(
  'a lost outbox finds its runs by their result files and in the platform’s list, and sends what is new',
  async ({ scene }) => {
    await recordsAll(scene, names);
    loseTheOutbox(scene);
    loseResults(scene, ['monday', 'tuesday']);
    const daemon = await scene.daemon();
    await until(
      'all to be recorded again',
      async () => (await daemon.status()).counts.recorded === names.length,
    );
    await expectOneRunEach(scene, names);
    for (const name of names) await scene.result(name);

    // What the first whole scan finds counts as old, and old is looked for longer before it is sent.
    await well(daemon);
    // The scan that is under way may have begun before the loss was noticed; the one after it has not.
    for (const which of ['this', 'the next']) {
      const before = (await daemon.status()).drop_roots[0]?.last_scan;
      await until(
        `${which} scan to end`,
        async () => (await daemon.status()).drop_roots[0]?.last_scan !== before,
      );
    }
    scene.drop('friday');
    await scene.result('friday');
    await expectOneRunEach(scene, [...names, 'friday']);
    expect(daemon.stdout).toContain('was the outbox lost or rolled back?');
  },
);

test.concurrent(
  'a lost outbox finds by its result file what a person had tracked to another app',
  async ({ scene }) => {
    scene.configure({}, { allow_app_id: ['tortoise-app'] });
    const folder = scene.drop('monday');
    expect(await scene.command('track', folder, '--app', 'tortoise-app', '--wait')).toMatchObject({
      code: 0,
    });
    loseTheOutbox(scene);
    const daemon = await scene.daemon();
    expect((await scene.state(daemon, 'monday', 'recorded')).app).toBe('tortoise-app');
    expect(scene.count('create')).toBe(1);
  },
);

test.concurrent('an outbox that was rolled back finds what it has forgotten', async ({ scene }) => {
  await recordsAll(scene, ['monday', 'tuesday']);
  const copy = join(scene.dir, 'outbox.copy');
  copyFileSync(join(scene.stateDir, 'outbox.db'), copy);
  await recordsAll(scene, ['wednesday', 'thursday']);
  loseTheOutbox(scene);
  copyFileSync(copy, join(scene.stateDir, 'outbox.db'));
  loseResults(scene, ['wednesday', 'thursday']);

  const daemon = await scene.daemon();
  await until('all to be recorded', async () => (await daemon.status()).counts.recorded === names.length);
  await expectOneRunEach(scene, names);
});

test.concurrent(
  'a run that an older outbox takes for unsent is looked for before it is sent',
  async ({ scene }) => {
    const putBack = await olderOutbox(scene);
    const delivering = await scene.daemon();
    await scene.result('tuesday');
    await scene.state(delivering, 'tuesday', 'recorded');
    await delivering.stop();
    putBack();

    const daemon = await scene.daemon();
    await scene.state(daemon, 'tuesday', 'recorded');
    await expectOneRunEach(scene, ['monday', 'tuesday']);
  },
);

test.concurrent(
  'an outbox that was put back by hand is found out by the count of intents, whatever the platform lists',
  async ({ scene }) => {
    const environment = { RUNTIME_DIRECTORY: join(scene.dir, 'runtime') };
    mkdirSync(environment.RUNTIME_DIRECTORY, { mode: 0o700 });
    const putBack = await olderOutbox(scene, { environment });
    const second = await scene.daemon({ environment });
    await scene.state(second, 'tuesday', 'recorded');
    // As a crash would leave it: the count is not written at the end, but at every intent.
    await second.kill();
    putBack();

    // The platform's list is what finds out everything else; here it cannot.
    scene.faults.always({ kind: 'list' }, { kind: 'answer', status: 503 });
    const third = await scene.daemon({ environment });
    await third.logged(
      /^the outbox was rolled back or lost: it knows of 1 requests for a run, and there were 2/,
    );
    await scene.state(third, 'tuesday', 'unknown');
    expect((await third.status()).problems.join()).toContain('the outbox is not believed');
    expect(scene.count('create')).toBe(2);
    scene.calm();
    await scene.state(third, 'tuesday', 'recorded');
    await expectOneRunEach(scene, ['monday', 'tuesday']);
    await third.stop();

    // Once it is known, it is known; and a machine that was restarted knows nothing, which is fine.
    const fourth = await scene.daemon({ environment });
    expect(fourth.stdout).not.toContain('rolled back');
    await fourth.stop();
    rmSync(environment.RUNTIME_DIRECTORY, { recursive: true });
    const fifth = await scene.daemon({ environment });
    await until('it to be well', async () => (await fifth.status()).healthy);
    await expectOneRunEach(scene, ['monday', 'tuesday']);
  },
);

test.concurrent(
  'what a daemon without a runtime directory has sent is found in the list behind what others have made since',
  async ({ scene }) => {
    const counted = { environment: { RUNTIME_DIRECTORY: join(scene.dir, 'runtime') } };
    mkdirSync(counted.environment.RUNTIME_DIRECTORY, { mode: 0o700 });
    const putBack = await olderOutbox(scene, counted);
    // Started by hand: it counts elsewhere or nowhere.
    const second = await scene.daemon({ environment: { XDG_RUNTIME_DIR: join(scene.dir, 'nowhere') } });
    await scene.state(second, 'tuesday', 'recorded');
    await second.stop();
    scene.faults.pageSize = 2;
    for (const n of [1, 2, 3]) await scene.foreignRun(`of another host ${String(n)}`);
    putBack();

    const third = await scene.daemon(counted);
    expect(third.stdout).not.toContain('rolled back or lost: it knows of');
    await scene.state(third, 'tuesday', 'recorded');
    scene.calm();
    expect((await scene.platformRuns(app)).filter(({ name }) => name === 'tuesday')).toHaveLength(1);
    expect(third.stdout).toContain('was the outbox lost or rolled back?');
  },
);

test.concurrent(
  'a copied folder is a run of its own, whatever result file was copied with it',
  async ({ scene }) => {
    await recordsAll(scene, ['monday']);
    const daemon = await scene.daemon();
    const copy = scene.drop('monday-again');
    copyFileSync(join(scene.folder('monday'), resultFileName), join(copy, resultFileName));
    const view = await scene.state(daemon, 'monday-again', 'recorded');
    expect(view.run_id).not.toBe((await scene.result('monday')).id);
    expect(scene.count('create')).toBe(2);
  },
);

test.concurrent(
  'under another host name a new outbox ends with 78 at each start, whatever else lies there, until that name is set',
  async ({ scene }) => {
    await recordsAll(scene, ['monday']);
    loseTheOutbox(scene);
    const came = ['again', 'and', 'before'];
    for (const name of came) scene.drop(name);
    scene.configure({ host: 'renamed-host' });
    for (const start of ['the first', 'the second']) {
      const ended = await scene.launch().end();
      expect(ended.code, start).toBe(78);
      expect(ended.stderr).toContain('set host: test-host');
      expect(scene.count('create')).toBe(1);
    }
    scene.configure({ host: 'test-host' });
    const daemon = await scene.daemon();
    await scene.state(daemon, 'monday', 'recorded');
    // As after any loss: what was not looked for yet may have been sent.
    for (const name of came) await scene.state(daemon, name, 'unknown');
    expect(scene.count('create')).toBe(1);
  },
);
