/** The unit is one that systemd takes, as hardened as it says, and made for the configuration. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readableDeed } from '../../src/cli/commands/systemdUnit.ts';
import { unitText, type UnitPlace } from '../../src/cli/unitText.ts';
import { configOf, fileWith, givenFile } from '../config/given.ts';
import { otherUser } from '../journey/otherUser.ts';
import { Program, programFile } from '../journey/program.ts';

const place: UnitPlace = {
  node: '/usr/bin/node',
  program: '/opt/runtrackd/dist/main.js',
  user: 'runtrackd',
  group: 'runtrackd',
  credential: null,
  groups: [],
};
const unitFor = (text: string, changes: Partial<UnitPlace> = {}): string =>
  unitText(configOf(givenFile(text)), { ...place, ...changes });
const withState = (stateDir: string, root = ''): string =>
  `state_dir: ${stateDir}\nplatform: { kind: stand-in }\ndrop_roots: [{ path: /srv/runs, app: demo-app${root} }]\n`;

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!analyze) console.error('SKIPPED: systemd’s own opinion of the unit: no systemd-analyze here');

describe('what systemd says of it', () => {
  let dir: string;
  let file: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'rt-unit-'));
    file = join(dir, 'runtrackd.service');
    writeFileSync(
      file,
      unitFor(
        fileWith({ root: 'path: "/srv/a b/100%"\n    name: odd\n    after: { archive: "/srv/do\\"ne" }' }),
        {
          node: process.execPath,
          program: programFile,
          user: 'root',
          group: 'root',
          credential: '/etc/runtrackd/nextmv.key',
          groups: [0],
        },
      ),
    );
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  test.skipIf(!analyze)('every line of it is known, odd paths included', () => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    const ofOurs = stderr.split('\n').filter((line) => line.includes('runtrackd'));
    expect({ ofOurs, status }).toEqual({ ofOurs: [], status: 0 });
  });

  test.skipIf(!analyze)('its exposure is below 3 of 10', () => {
    const { status, stdout } = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', '--threshold=30', file],
      { encoding: 'utf8' },
    );
    expect({ status, verdict: stdout.trim().split('\n').at(-1) }).toMatchObject({ status: 0 });
  });
});

test('a state directory below /var/lib is systemd’s to make; any other has to be writable', () => {
  const own = unitFor(withState('/var/lib/runtrackd/one'));
  expect(own).toContain('StateDirectory=runtrackd/one\nStateDirectoryMode=0700\n');
  expect(own).not.toContain('ReadWritePaths=-/var/lib');
  const other = unitFor(withState('/data/state'));
  expect(other).not.toContain('StateDirectory=');
  expect(other).toContain('ReadWritePaths=-/data/state\n');
});

test('a drop root into which nothing is written stays read-only', () => {
  const apart = unitFor(withState('/var/lib/runtrackd', ', result: /srv/results'));
  expect(apart).toContain('ReadWritePaths=-/srv/results\n');
  expect(apart).not.toContain('ReadWritePaths=-/srv/runs');
  const archived = unitFor(
    withState('/var/lib/runtrackd', ', result: /srv/results, after: { archive: /srv/done }'),
  );
  expect(archived).toContain('ReadWritePaths=-/srv/runs\n');
  expect(archived).toContain('ReadWritePaths=-/srv/done\n');
});

test('directories of sockets are writable; those below /run are made again after each boot', () => {
  const group = `control: { group: root, directory: /run/planner/control }`;
  const unit = unitFor(
    `http: { listen: 'unix:/srv/page/page.sock' }\n${group}\n${withState('/var/lib/runtrackd')}`,
  );
  expect(unit).toContain('RuntimeDirectory=runtrackd planner/control\n');
  expect(unit).toContain('ReadWritePaths=-/srv/page\n');
  expect(unit).not.toContain('ReadWritePaths=-/run');
  const apart = unitFor(`${group.replace('/run/planner', '/srv')}\n${withState('/var/lib/runtrackd')}`);
  expect(apart).toContain('RuntimeDirectory=runtrackd\n');
  expect(apart).toContain('ReadWritePaths=-/srv/control\n');
  const usual = unitFor(
    `control: { group: root }\nhttp: { listen: 'unix:/run/runtrackd/page.sock' }\n${withState('/var/lib/runtrackd')}`,
  );
  expect(usual).not.toContain('ReadWritePaths=-/run');
  expect(usual).toContain('RuntimeDirectory=runtrackd\n');
  const page = `http: { listen: 'unix:/run/planner/page.sock' }\n`;
  const alone = unitFor(`${page}${withState('/var/lib/runtrackd')}`);
  expect(alone).toContain('RuntimeDirectory=runtrackd planner\n');
  expect(alone).not.toContain('ReadWritePaths=-/run');
  expect(unitFor(`${page}${group}\n${withState('/var/lib/runtrackd')}`)).toContain(
    'RuntimeDirectory=runtrackd planner/control planner\n',
  );
  const ofSession = unitFor(`${page.replace('planner', 'user/1000')}${withState('/var/lib/runtrackd')}`);
  expect(ofSession).toContain('RuntimeDirectory=runtrackd\n');
});

test('a private /tmp hides nothing that the configuration names', () => {
  const config = configOf(givenFile(withState('/var/lib/runtrackd')));
  const elsewhere = { ...config, file: '/etc/runtrackd/config.yaml' };
  expect(unitText(elsewhere, place)).toContain('\nPrivateTmp=yes\n');
  const dropRoots = config.dropRoots.map((root) => ({ ...root, path: '/var/tmp/runs' }));
  expect(unitText({ ...elsewhere, dropRoots }, place)).toContain('\nPrivateTmp=no\n');
  expect(unitText({ ...elsewhere, stateDir: '/tmp/state' }, place)).toContain('\nPrivateTmp=no\n');
});

test('the path of a credential stands as it is, but for what would be a specifier', () => {
  expect(unitFor(fileWith({}), { credential: '/etc/my keys/100%.key' })).toContain(
    '\nLoadCredential=nextmv-api-key:/etc/my keys/100%%.key\n',
  );
});

test('the time to stop is longer than what the configuration grants', () => {
  expect(unitFor(fileWith({}))).toContain('Environment=UV_THREADPOOL_SIZE=64\n');
  expect(unitFor(fileWith({ top: 'shutdown_deadline: 90s' }))).toContain('TimeoutStopSec=105s\n');
});

test('a wrong configuration, and an outbox of a newer version, are not started over and over', () => {
  expect(unitFor(fileWith({}))).toContain('RestartPreventExitStatus=65 78\n');
});

test('what would be a specifier or a variable is plain text', () => {
  const unit = unitFor(fileWith({}), { program: '/opt/100%/$HOME/main.js' });
  expect(unit).toContain('ExecStart=/usr/bin/node /opt/100%%/$$HOME/main.js run -c ');
});

describe('the command', () => {
  const run = async (...args: string[]) => await runWith('', ...args);

  async function runWith(settings: string, ...args: string[]) {
    const dir = mkdtempSync(join(tmpdir(), 'rt-unit-'));
    const config = join(dir, 'config.yaml');
    mkdirSync(join(dir, 'runs'));
    // As `init` leaves it.
    writeFileSync(config, settings + withState(join(dir, 'state')).replace('/srv/runs', join(dir, 'runs')));
    chmodSync(config, 0o640);
    const ended = await new Program(['systemd-unit', '-c', config, ...args], {
      cwd: dir,
      environment: {},
    }).end();
    const made = existsSync(join(dir, 'state'));
    rmSync(dir, { recursive: true });
    return { ...ended, made, dir };
  }

  test('prints the unit and nothing else', async () => {
    const { code, stdout, stderr, dir, made } = await run('--user', 'planner');
    expect({ code, stderr, made }).toEqual({ code: 0, stderr: '', made: false });
    const file = join(dir, 'config.yaml');
    expect(stdout).toMatch(new RegExp(`^ExecStart=.* run -c ${file}\nExecReload=.* reload -c ${file}$`, 'm'));
    expect(stdout).toContain('\nUser=planner\nGroup=planner\n');
  });

  test('--install --dry-run says every deed, and does none', async () => {
    const { code, stderr, stdout, dir, made } = await run('--install', '--dry-run', '--user', 'no-such-user');
    expect({ code, stdout, made }).toEqual({ code: 0, stdout: '', made: false });
    expect(stderr.trim().split('\n')).toEqual([
      'would: make the group no-such-user',
      'would: make the user no-such-user, who cannot log in',
      `would: let the group no-such-user read ${join(dir, 'config.yaml')}`,
      `would: make the directory ${join(dir, 'state')} for no-such-user`,
      'would: write /etc/systemd/system/runtrackd.service',
    ]);
    expect(existsSync('/etc/systemd/system/runtrackd.service')).toBe(false);
  });

  test('a credential is named by its whole path, and has to be there to be installed', async () => {
    const printed = await run('--credential', './key of ours');
    const key = join(printed.dir, 'key of ours');
    expect(printed).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`${key} is no file`) as string,
    });
    expect(printed.stdout).toContain(`\nLoadCredential=nextmv-api-key:${key}\n`);
    const there = await run('--credential', 'config.yaml');
    expect(there).toMatchObject({ code: 0, stderr: '' });
    const installed = await run('--install', '--dry-run', '--credential', './key');
    expect(installed).toMatchObject({ code: 2, stdout: '' });
    expect(installed.stderr).toContain('put the key there first');
  });

  test.skipIf(otherUser === null)(
    'a directory below /run that is somebody else’s is not taken over (skipped where this is not root)',
    async () => {
      const others = mkdtempSync('/run/rt-unit-');
      const page = `http: { listen: 'unix:${others}/page.sock' }\n`;
      const user = userInfo().username;
      try {
        const said = `${others} is there, and is not daemon's`;
        const refused = await runWith(page, '--install', '--dry-run', '--user', 'daemon');
        expect(refused).toMatchObject({ code: 78, stdout: '' });
        expect(refused.stderr).toContain(said);
        const printed = await runWith(page, '--user', 'daemon');
        expect(printed).toMatchObject({ code: 0, stderr: expect.stringContaining(said) as string });
        expect(await runWith(page, '--user', user)).toMatchObject({ code: 0, stderr: '' });
        expect((await runWith(page, '--user', 'no-such-user')).stderr).toContain("no-such-user's");
      } finally {
        rmSync(others, { recursive: true });
      }
      expect(await runWith(page, '--user', 'daemon')).toMatchObject({ code: 0, stderr: '' });
    },
  );

  test.skipIf(otherUser === null)(
    'is printed by a user to whom the place of the socket, and a drop root, are closed (skipped where this is not root)',
    async () => {
      const dir = mkdtempSync(join(tmpdir(), 'rt-unit-'));
      const closed = mkdtempSync('/run/rt-unit-');
      chmodSync(dir, 0o755);
      const config = join(dir, 'config.yaml');
      for (const name of ['in', 'runs']) mkdirSync(join(closed, name));
      writeFileSync(
        config,
        `http: { listen: 'unix:${closed}/in/page.sock' }\n${withState(join(dir, 'state')).replace('/srv/runs', join(closed, 'runs'))}`,
      );
      try {
        const args = ['systemd-unit', '-c', config, '--user', 'daemon'];
        const ended = await new Program(args, { cwd: dir, environment: {}, user: otherUser }).end();
        expect(ended).toMatchObject({ code: 0, stderr: '' });
        expect(ended.stdout).toContain('\nUser=daemon\n');
      } finally {
        for (const made of [dir, closed]) rmSync(made, { recursive: true });
      }
    },
  );

  test('--dry-run alone is wrong usage', async () => {
    const { code, stderr } = await run('--dry-run');
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--install') as string,
    });
  });
});

describe('a file that the daemon has to read', () => {
  const daemon = { user: 'daemon', group: 'daemon' };
  let dir: string;
  beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'rt-unit-'))));
  afterAll(() => rmSync(dir, { recursive: true }));

  function fileOf(mode: number): string {
    const file = join(dir, `mode-${mode.toString(8)}`);
    writeFileSync(file, '');
    chmodSync(file, mode);
    return file;
  }

  test('is nobody’s concern when all may read it', () => {
    expect(readableDeed(fileOf(0o644), daemon)).toEqual([]);
    expect(readableDeed(join(dir, 'not-there'), daemon)).toEqual([]);
  });

  test('is left as it is when it belongs to the daemon’s user', () => {
    const user = userInfo().username;
    expect(readableDeed(fileOf(0o400), { user, group: 'daemon' })[0]?.isDone()).toBe(true);
  });

  test.skipIf(otherUser === null)('is opened to its group alone, once', () => {
    const file = fileOf(0o600);
    const [deed] = readableDeed(file, daemon);
    expect(deed?.what).toBe(`let the group daemon read ${file}`);
    expect(deed?.isDone()).toBe(false);
    deed?.act();
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(statSync(file).gid).not.toBe(process.getgid?.());
    expect(readableDeed(file, daemon)[0]?.isDone()).toBe(true);
  });
});
