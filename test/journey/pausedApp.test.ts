/** An app that is not there: whoever waits for a run of it is told so, and it is not asked for all the time. */
import { expect } from 'vitest';
import { app, test } from './scene.ts';
import { until } from './waiting.ts';

const notThere = { kind: 'answer', status: 404 } as const;

test.concurrent('`track` without a daemon ends, and has hardly asked for it', async ({ scene }) => {
  scene.faults.always({ app }, notThere);
  scene.drop('monday');
  const { code, stderr } = await scene.command('track', scene.folder('monday'));
  expect({ code, stderr }).toMatchObject({
    code: 69,
    stderr: expect.stringContaining('queued still') as string,
  });
  expect(stderr).toContain(`delivery to app "${app}" pauses`);
  expect(scene.count('list')).toBe(1);
  expect(scene.count('create')).toBe(0);
});

test.concurrent(
  '`track`, `show` and `status` say why a run waits, until the app is there',
  async ({ scene }) => {
    scene.faults.always({ app }, notThere);
    const daemon = await scene.daemon();
    scene.drop('monday');
    const { code, stderr } = await scene.command('track', scene.folder('monday'));
    expect({ code, stderr }).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('it waits: ') as string,
    });
    const shown = await scene.command('show', scene.folder('monday'));
    expect(shown.stdout).toMatch(/What happens next: .*as soon as the pause is over\. It waits: .*404/s);
    expect((await daemon.status()).platform.apps).toMatchObject([{ app, state: 'paused' }]);
    scene.calm();
    await scene.result('monday');
    await until('nothing to be paused', async () => (await daemon.status()).platform.apps.length === 0);
  },
);

test.concurrent('where its list alone cannot be read, that is said likewise', async ({ scene }) => {
  scene.faults.always({ kind: 'list', app }, { kind: 'answer', status: 500 });
  const daemon = await scene.daemon();
  scene.drop('monday');
  await until('the list to have failed alone', async () => {
    const { platform } = await daemon.status();
    return platform.state === 'ok' && platform.apps.some((paused) => paused.app === app);
  });
  const shown = await scene.command('show', scene.folder('monday'));
  expect(shown.stdout).toMatch(/It waits: .*500/s);
  scene.calm();
  await scene.result('monday');
});

test.concurrent('`run --once` ends with how many were not delivered, and why', async ({ scene }) => {
  scene.faults.always({ app }, notThere);
  scene.drop('monday');
  const { code, stderr } = await scene.command('run', '--once', '--wait-max', '2s');
  expect({ code, stderr }).toMatchObject({ code: 69 });
  expect(stderr).toMatch(/1 not delivered \(.*404/s);
});
