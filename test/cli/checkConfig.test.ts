/** The configuration: found where it should be, and wrong with every reason at once. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { loadForDaemon } from '../../src/cli/commands/checkConfig.ts';
import { credentialFor, unitOf } from '../../src/cli/doctor/lookAtUnit.ts';
import { unitText } from '../../src/cli/unitText.ts';
import { loadConfig } from '../../src/config/config.ts';
import { test } from '../journey/scene.ts';
import { json } from './gallery.ts';

const wrong = `state_dir: ./state
host: test-host
platfrm:
  kind: stand-in
platform:
  kind: stand-inn
drop_roots:
  - path: ./runs
    app: hare-app
    quiet: 2 parsecs
    scan_evry: 5s
`;

test.concurrent('a configuration that is right is exit code 0, and says what it found', async ({ scene }) => {
  const finished = await scene.command('check-config');
  expect(finished).toMatchObject({ code: 0, stderr: '' });
  expect(finished.stdout).toContain(`${scene.configFile} is right: 1 drop root(s), platform nextmv`);
  expect(json(await scene.command('check-config', '--json'))).toEqual({
    ok: true,
    file: scene.configFile,
    problems: [],
  });
});

test.concurrent(
  'every problem stands on a line of its own, with its place and the nearest known key',
  async ({ scene }) => {
    writeFileSync(scene.configFile, wrong);
    const finished = await scene.command('check-config');
    expect(finished.code).toBe(78);
    const file = scene.configFile;
    const lines = finished.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).toMatch(/^\/.+config\.yaml:\d+:\d+: [^:]+: .+$/);
    expect(lines[0]).toBe(`${file}:3:1: platfrm: unknown key "platfrm"; did you mean "platform"?`);
    expect(lines[1]).toContain(`${file}:6:9: platform.kind: `);
    expect(lines[1]).toContain('stand-in');
    expect(lines[2]).toContain(`${file}:10:12: drop_roots[0].quiet: `);
    expect(lines[3]).toContain(
      `${file}:11:5: drop_roots[0].scan_evry: unknown key "scan_evry"; did you mean "scan_every"?`,
    );

    const { ok, problems } = json(await scene.command('check-config', '--json'));
    expect(ok).toBe(false);
    expect(problems).toHaveLength(4);
    expect((problems as object[])[0]).toEqual({
      file,
      line: 3,
      column: 1,
      where: 'platfrm',
      what: 'unknown key "platfrm"; did you mean "platform"?',
    });
  },
);

test.concurrent.for(['run', 'status', 'list', 'scan'])(
  '"%s" with a wrong configuration is exit code 78, with the same lines on stderr',
  async (command, { scene }) => {
    writeFileSync(scene.configFile, wrong);
    const [checked, finished] = await Promise.all([scene.command('check-config'), scene.command(command)]);
    expect(finished).toMatchObject({ code: 78, stdout: '' });
    expect(finished.stderr).toBe(checked.stdout);
  },
);

test.concurrent('without -c it is $RUNTRACKD_CONFIG, then ./config.yaml', async ({ scene }) => {
  expect((await scene.start(['check-config']).end()).stdout).toContain(scene.configFile);
  const moved = join(scene.dir, 'other.yaml');
  renameSync(scene.configFile, moved);
  expect((await scene.start(['check-config'], { RUNTRACKD_CONFIG: moved }).end()).stdout).toContain(
    `${moved} is right`,
  );
  const none = await scene.start(['status']).end();
  expect(none).toMatchObject({ code: 78, stdout: '' });
  expect(none.stderr).toContain('config.yaml');
  const missing = await scene.start(['status', '-c', './no.yaml']).end();
  expect(missing.code).toBe(78);
  expect(missing.stderr).toContain('no.yaml');
});

test.concurrent.for(['run', 'status', 'check-config'])(
  '"%s" refuses a state_dir whose control socket would have too long a path',
  async (command, { scene }) => {
    const deep = join(scene.dir, 'x'.repeat(60), 'y'.repeat(60));
    mkdirSync(deep, { recursive: true });
    scene.configure({ state_dir: deep });
    const finished = await scene.command(command);
    expect(finished.code).toBe(78);
    expect(finished.stdout + finished.stderr).toMatch(
      /:\d+:\d+: state_dir: is too long a path: the control socket/,
    );
  },
);

test.concurrent(
  'an absence that is shorter than upload ids live is refused for the real platform',
  async ({ scene }) => {
    scene.configure({ platform: scene.nextmv({ reconcile: { absent_after: '14m' } }) });
    const finished = await scene.command('check-config');
    expect(finished.code).toBe(78);
    expect(finished.stdout).toContain('platform.reconcile.absent_after: must be at least 15m');
  },
);

test.concurrent(
  'a platform without a key is refused, and a key in the environment is enough',
  async ({ scene }) => {
    scene.configure({ platform: { kind: 'nextmv', endpoint: scene.standIn.endpoint } });
    const without = await scene.command('check-config');
    expect(without.code).toBe(78);
    expect(without.stdout).toContain('NEXTMV_API_KEY');
    await scene.daemon({ environment: { NEXTMV_API_KEY: scene.apiKey } });
    scene.drop('plan');
    await scene.result('plan');
  },
);

test.concurrent('a key that was put where its file’s path belongs is not repeated', async ({ scene }) => {
  scene.configure({ platform: scene.nextmv({ api_key_file: 'sk-0123456789' }) });
  const finished = await scene.command('check-config');
  expect(finished.code).toBe(78);
  expect(finished.stdout + finished.stderr).not.toContain('sk-0123456789');
});

test.concurrent(
  'a proxy that is none is a wrong configuration, and nobody needs one for the stand-in',
  async ({ scene }) => {
    const environment = { HTTPS_PROXY: 'socks5://user:canary@proxy:1080' };
    const run = ['run', '--once', '-c', scene.configFile];
    const refused = await scene.start(run, environment).end();
    expect(refused).toMatchObject({ code: 78, stdout: '' });
    expect(refused.stderr).toMatch(
      /^the environment variable HTTPS_PROXY is not the address of a proxy\..*\n$/,
    );
    const looked = await scene.start(['doctor', '-c', scene.configFile], environment).end();
    expect(looked.code).toBe(1);
    expect(looked.stdout).toContain('the environment variable HTTPS_PROXY is not');
    expect(`${looked.stdout}${looked.stderr}`).not.toContain('canary');
    scene.configure({ platform: { kind: 'stand-in' } });
    expect((await scene.start(run, environment).end()).code).toBe(0);
  },
);

describe('a key that systemd hands to the daemon', () => {
  const handedOver = () => '/etc/runtrackd/nextmv.key';

  test.concurrent('is not missing', ({ scene }) => {
    scene.configure({ platform: { kind: 'nextmv' } });
    const found = loadForDaemon(scene.configFile, {}, handedOver);
    expect(found).toMatchObject({ loaded: { ok: true }, credential: '/etc/runtrackd/nextmv.key' });
    expect(loadForDaemon(scene.configFile, {}, () => null)).toMatchObject({
      loaded: { ok: false, problems: [{ where: expect.stringContaining('platform') as string }] },
      credential: null,
    });
  });

  test.concurrent('counts for the file that the unit has the daemon read, and for no other', ({ scene }) => {
    const key = '/etc/runtrackd/nextmv.key';
    const odd = join(scene.dir, 'a "b" $c 100%', 'config.yaml');
    mkdirSync(dirname(odd));
    scene.configure({ platform: { kind: 'stand-in' } });
    renameSync(scene.configFile, odd);
    const link = join(scene.dir, 'link.yaml');
    symlinkSync(odd, link);
    scene.configure();
    const place = { node: '/usr/bin/node', program: '/opt/main.js', user: 'u', group: 'g', groups: [] };
    const loaded = loadConfig(odd, {}, 'test-host');
    if (!loaded.ok) throw new Error('the configuration is wrong');
    const unit = unitOf('', unitText(loaded.config, { ...place, credential: key }));
    expect(unit).toMatchObject({ credential: key, configFile: odd });
    expect(
      [odd, link, scene.configFile, join(scene.dir, 'no.yaml')].map((path) => credentialFor(unit, path)),
    ).toEqual([key, key, null, null]);
    expect(credentialFor(null, odd)).toBeNull();
    const configFiles = ['run -c /a.yaml', 'run --config=/a.yaml', 'run --config /a.yaml --once', 'run'].map(
      (args) => unitOf('', `[Service]\nExecStart=\nExecStart=/usr/bin/runtrackd ${args}\n`).configFile,
    );
    expect(configFiles).toEqual(['/a.yaml', '/a.yaml', '/a.yaml', null]);
  });

  test.concurrent('makes nothing else right, and is not asked for where there is another', ({ scene }) => {
    scene.configure({ platform: { kind: 'nextmv' }, log: { level: 'loud' } });
    expect(loadForDaemon(scene.configFile, {}, handedOver)).toMatchObject({
      loaded: { ok: false, problems: [{ where: 'log.level' }] },
    });
    scene.configure();
    expect(loadForDaemon(scene.configFile, {}, handedOver).credential).toBeNull();
  });
});
