/** What the stand-in refuses, as a user of the official SDK sees it: and that nothing is recorded then. */
import { expect } from 'vitest';
import { Faults } from '../../src/standin/faults.ts';
import type { StandInOptions } from '../../src/standin/standin.ts';
import { app, recorded, recordedIds, sdkTest } from './judged.ts';
import { callSdk, trackWithSdk, valueOf } from './python.ts';

interface Refused {
  readonly name: string;
  readonly options?: () => Partial<StandInOptions>;
  readonly run?: object;
  readonly toApp?: string;
  readonly says: string;
  readonly counts: object;
}

sdkTest.concurrent.for<Refused>([
  {
    name: 'an unknown app',
    options: () => ({ apps: [app] }),
    toApp: 'other-app',
    says: 'app other-app does not exist',
    counts: { uploadurl: 1 },
  },
  {
    name: 'an upload that has expired',
    options: () => ({ faults: new Faults({ uploadLifetimeMs: 0 }) }),
    says: 'Request has expired',
    counts: { uploadurl: 1, put: 1 },
  },
  {
    name: 'a name that is too long',
    run: { name: 'n'.repeat(129) },
    says: 'name has 129 characters, at most 128 are allowed',
    counts: { uploadurl: 1, put: 1, create: 1 },
  },
  {
    name: 'a bare NaN',
    run: { input: '{"v":NaN}' },
    says: 'the input is declared JSON but is not',
    counts: { uploadurl: 1, put: 1, create: 1 },
  },
  {
    name: 'an error message that is not ASCII, where that is refused',
    options: () => ({ faults: new Faults({ refuseNonAsciiError: true }) }),
    run: { status: 'failed', error: 'Fehler: ü' },
    says: 'error_message has characters that are not allowed',
    counts: { uploadurl: 1, put: 1, create: 1 },
  },
])('$name', async ({ options, run = {}, toApp = app, says, counts }, { judged }) => {
  const scene = await judged(options?.());
  const order = { run: { status: 'succeeded', input: { a: 1 }, ...run } };
  const refused = await trackWithSdk(scene.target, toApp, order);
  expect(refused).toMatchObject({ text: expect.stringContaining(says) as string });
  expect(scene.counts()).toStrictEqual(counts);
  expect(await recordedIds(scene)).toStrictEqual([]);
});

sdkTest.concurrent('a wrong key', async ({ judged }) => {
  const scene = await judged({ apiKey: 'some-key' });
  const order = { run: { status: 'succeeded', input: { a: 1 } } };
  const refused = await trackWithSdk({ ...scene.target, apiKey: 'another-key' }, app, order);
  expect(refused).toMatchObject({ text: expect.stringContaining('401') as string });
  expect(JSON.stringify(refused)).not.toContain('another-key');
  expect(await recordedIds(scene)).toStrictEqual([]);
  valueOf(await trackWithSdk(scene.target, app, order));
});

sdkTest.concurrent('an upload that nobody knows', async ({ judged }) => {
  const scene = await judged();
  const [refused] = await callSdk(scene.target, app, [
    [
      'new_run',
      { upload_id: '00000000-0000-0000-0000-000000000000', external_result: { status: 'succeeded' } },
    ],
  ]);
  expect(refused).toMatchObject({ text: expect.stringContaining('is not known to app hare-app') as string });
  expect(await recordedIds(scene)).toStrictEqual([]);
});

sdkTest.concurrent('where over-long names are cut the run is recorded', async ({ judged }) => {
  const scene = await judged({ faults: new Faults({ overLength: 'cut' }) });
  const order = {
    run: { status: 'succeeded', input: { a: 1 }, name: 'n'.repeat(129), description: 'd'.repeat(300) },
  };
  const { run_id: id } = valueOf(await trackWithSdk(scene.target, app, order));
  expect(await recorded(scene, id)).toMatchObject({ name: 'n'.repeat(128), description: 'd'.repeat(256) });
});
