/** The official command line against the stand-in: over TLS, as it cannot do without. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { app, recorded, recordedIds, sdkTest, writeFiles, type Judged } from './judged.ts';
import { nextmvCommand, type Finished } from './python.ts';

/** Its own configuration file has to be there, with both keys, even when the environment says both. */
function homeFor({ target }: Judged, home: string): string {
  mkdirSync(join(home, '.nextmv'));
  const { host } = new URL(target.endpoint);
  writeFileSync(join(home, '.nextmv', 'config.yaml'), `apikey: ${target.apiKey}\nendpoint: ${host}\n`, {
    mode: 0o600,
  });
  return home;
}

/** The next two times that someone asks for a status it is `queued`, then final. */
function finalAtSecondLook({ client: { standIn }, counts }: Judged): void {
  const { faults } = standIn;
  const { onRequest } = faults;
  const before = counts().metadata ?? 0;
  faults.finalAfterMs = 3_600_000;
  faults.onRequest = async (seen) => {
    await onRequest?.(seen);
    if ((counts().metadata ?? 0) - before >= 2) faults.finalAfterMs = 0;
  };
}

function jsonOf(finished: Finished): unknown {
  expect(finished).toMatchObject({ code: 0 });
  const start = finished.stdout.search(/[[{]/);
  return JSON.parse(finished.stdout.slice(start));
}

sdkTest.concurrent('track, get and list', async ({ folder, judged }) => {
  const scene = await judged({ tls: true });
  const home = homeFor(scene, folder());
  const files = writeFiles(folder(), {
    'output.json': '{"solution":{"b":2}}',
    'logs.log': 'line one\nline two\n',
    'metrics.json': '{"result":{"value":1}}',
    'assets.json': '[{"name":"P","content":{},"content_type":"json"}]',
  });
  const common = ['--app-id', app];
  const made = jsonOf(
    await nextmvCommand(
      scene.target,
      home,
      [
        ...['cloud', 'run', 'track', ...common, '--status', 'succeeded', '--duration', '5000'],
        ...['--output', join(files, 'output.json'), '--logs', join(files, 'logs.log')],
        ...['--metrics', join(files, 'metrics.json'), '--assets', join(files, 'assets.json')],
        ...['--name', 'plan', '--description', 'fp:abc'],
      ],
      '{"a":1}',
    ),
  ) as { run_id: string };
  expect(scene.counts()).toStrictEqual({ application: 1, uploadurl: 5, put: 5, create: 1 });
  const run = await recorded(scene, made.run_id);
  expect(run).toMatchObject({ name: 'plan', description: 'fp:abc', logs: 'line one\nline two\n' });
  expect([String(run.input), String(run.output)]).toStrictEqual(['{"a":1}', '{"solution":{"b":2}}']);
  expect(run.metadata).toMatchObject({
    application_instance_id: 'latest',
    execution_duration: 5000,
    format: { input: { type: 'json' }, output: { type: 'json' } },
  });

  finalAtSecondLook(scene);
  const got = await nextmvCommand(scene.target, home, [
    'cloud',
    'run',
    'get',
    ...common,
    '--run-id',
    made.run_id,
    '--wait',
  ]);
  expect(jsonOf(got)).toMatchObject({
    id: made.run_id,
    metadata: { status_v2: 'succeeded' },
    output: { solution: { b: 2 } },
  });
  const list = await nextmvCommand(scene.target, home, ['cloud', 'run', 'list', ...common]);
  expect(jsonOf(list)).toMatchObject([{ id: made.run_id, name: 'plan', status_v2: 'succeeded' }]);
});

sdkTest.concurrent('a failed run, and an empty stdin that is none', async ({ folder, judged }) => {
  const scene = await judged({ tls: true });
  const home = homeFor(scene, folder());
  const track = ['cloud', 'run', 'track', '--app-id', app, '--status', 'failed', '--error-msg', 'boom'];
  const output = join(writeFiles(folder(), { 'output.json': '{"solution":{}}' }), 'output.json');
  const made = jsonOf(await nextmvCommand(scene.target, home, [...track, '--output', output], '{"a":1}')) as {
    run_id: string;
  };
  expect((await recorded(scene, made.run_id)).metadata).toMatchObject({ status_v2: 'failed', error: 'boom' });
  const empty = await nextmvCommand(scene.target, home, [...track, '--output', output], '');
  expect(empty.code).not.toBe(0);
  expect(await recordedIds(scene)).toStrictEqual([made.run_id]);
});

sdkTest.concurrent(
  'an app that does not exist: it would be made unasked without a terminal, and the stand-in makes none',
  async ({ folder, judged }) => {
    const scene = await judged({ tls: true, apps: ['other-app'] });
    const list = await nextmvCommand(scene.target, homeFor(scene, folder()), [
      'cloud',
      'run',
      'list',
      '--app-id',
      app,
    ]);
    expect(list.code).not.toBe(0);
    expect(scene.counts()).toStrictEqual({ application: 1, other: 1 });
    expect(list.stderr).toContain('requested resource was not found');
  },
);
