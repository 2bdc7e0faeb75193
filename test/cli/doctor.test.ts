/** `doctor`: what facts mean, and what it says of real machines, folders and platforms. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test as plainTest } from 'vitest';
import type {
  DirectoryFacts,
  Finding,
  PlatformFacts,
  RootFacts,
  StateFacts,
} from '../../src/cli/doctor/facts.ts';
import { holderIn, lookAtOutbox } from '../../src/cli/doctor/lookAtOutbox.ts';
import { lookAtPlatform } from '../../src/cli/doctor/lookAtPlatform.ts';
import { lookAtCredential, unitOf } from '../../src/cli/doctor/lookAtUnit.ts';
import {
  configFinding,
  machineFindings,
  passwordFinding,
  platformFindings,
  hardLinksFinding,
  quotaFinding,
  rootFindings,
  silentFinding,
  stateFindings,
  unitFinding,
  watchFinding,
} from '../../src/cli/doctor/verdicts.ts';
import { loadConfig } from '../../src/config/config.ts';
import { isAlone, otherUser } from '../journey/otherUser.ts';
import { test, type Scene } from '../journey/scene.ts';

const GiB = 1024 ** 3;
const directory: DirectoryFacts = {
  path: '/d',
  is: 'there',
  parent: null,
  isReadable: true,
  isWritable: true,
  fileSystem: { name: 'ext4', isRemote: false },
  freeBytes: 100 * GiB,
  mode: 0o700,
  aheadMs: 0,
};
const state: StateFacts = {
  directory,
  isOwn: true,
  outbox: { bytes: 4096, schema: 7 },
  schemaMax: 7,
  heldBy: null,
};
const root: RootFacts = { name: 'runs', directory, sampled: 3, closed: 0, isWrittenTo: true, others: [] };
const platform: PlatformFacts = {
  endpoint: 'https://api.example.com',
  proxy: null,
  key: { where: '/etc/key', problem: null },
  name: { addresses: ['192.0.2.1'] },
  tls: { daysLeft: 60 },
  apps: [{ app: 'hare-app', latencyMs: 90, problem: null }],
  aheadMs: 200,
};
const remote = { name: 'nfs4', isRemote: true };
const missing = { is: 'missing', parent: { path: '/', isWritable: false } } as const;

const bad: readonly { name: string; found: Finding[]; check: string; level: 'warn' | 'fail' }[] = [
  {
    name: 'a Node.js that is too old',
    found: machineFindings({
      nodeVersion: '20.18.3',
      sqlite: { version: '3' },
      user: 'a',
      userProblem: null,
    }),
    check: 'node',
    level: 'fail',
  },
  {
    name: 'a SQLite that was built for another Node.js',
    found: machineFindings({
      nodeVersion: '22.1.0',
      sqlite: { problem: 'NODE_MODULE_VERSION' },
      user: 'a',
      userProblem: null,
    }),
    check: 'sqlite',
    level: 'fail',
  },
  {
    name: 'a proxy that is none',
    found: platformFindings({ noWay: { of: 'proxy', text: 'HTTPS_PROXY is none', hint: 'Set it.' } }),
    check: 'proxy',
    level: 'fail',
  },
  {
    name: 'a configuration of root’s alone',
    found: [configFinding('/etc/config.yaml', false, 'runtrackd')],
    check: 'config',
    level: 'fail',
  },
  {
    name: 'a password that the user may not read',
    found: [passwordFinding('/p', false)],
    check: 'password-file',
    level: 'fail',
  },
  {
    name: 'state on NFS',
    found: stateFindings({ ...state, directory: { ...directory, fileSystem: remote } }),
    check: 'state-directory',
    level: 'fail',
  },
  {
    name: 'state that cannot be made',
    found: stateFindings({ ...state, directory: { ...directory, ...missing } }),
    check: 'state-directory',
    level: 'fail',
  },
  {
    name: 'state of another user',
    found: stateFindings({ ...state, isOwn: false }),
    check: 'state-directory',
    level: 'fail',
  },
  {
    name: 'a full disk',
    found: stateFindings({ ...state, directory: { ...directory, freeBytes: 1024 } }),
    check: 'state-directory',
    level: 'fail',
  },
  {
    name: 'a disk that is nearly full',
    found: stateFindings({ ...state, directory: { ...directory, freeBytes: GiB / 2 } }),
    check: 'state-directory',
    level: 'warn',
  },
  {
    name: 'state that is open to others',
    found: stateFindings({ ...state, directory: { ...directory, mode: 0o755 } }),
    check: 'state-directory',
    level: 'warn',
  },
  {
    name: 'an outbox of a newer version',
    found: stateFindings({ ...state, outbox: { bytes: 1, schema: 8 } }),
    check: 'outbox',
    level: 'fail',
  },
  {
    name: 'an outbox that is none',
    found: stateFindings({ ...state, outbox: 'unreadable' }),
    check: 'outbox',
    level: 'fail',
  },
  {
    name: 'a file system with a clock of its own',
    found: stateFindings({ ...state, directory: { ...directory, aheadMs: -60_000 } }),
    check: 'clock',
    level: 'warn',
  },
  {
    name: 'a drop root that is missing',
    found: rootFindings({ ...root, directory: { ...directory, ...missing } }),
    check: 'drop-root',
    level: 'fail',
  },
  {
    name: 'a drop root that does not answer',
    found: [silentFinding('drop-root', 'runs', '/d')],
    check: 'drop-root',
    level: 'fail',
  },
  {
    name: 'a drop root that is closed',
    found: rootFindings({ ...root, directory: { ...directory, isReadable: false } }),
    check: 'drop-root',
    level: 'fail',
  },
  {
    name: 'run folders that are closed',
    found: rootFindings({ ...root, closed: 1 }),
    check: 'drop-root',
    level: 'fail',
  },
  {
    name: 'a drop root on NFS',
    found: rootFindings({ ...root, directory: { ...directory, fileSystem: remote } }),
    check: 'drop-root',
    level: 'warn',
  },
  {
    name: 'a drop root that takes no results',
    found: rootFindings({ ...root, directory: { ...directory, isWritable: false } }),
    check: 'results',
    level: 'warn',
  },
  {
    name: 'an archive that is not mounted',
    found: rootFindings({ ...root, others: [{ ...directory, ...missing }] }),
    check: 'results',
    level: 'fail',
  },
  {
    name: 'too few watches',
    found: [
      watchFinding({
        watchesMax: 8192,
        watchesUsed: 8000,
        watchesNeeded: 1000,
        instancesMax: 128,
        instancesUsed: 3,
      }),
    ],
    check: 'watches',
    level: 'warn',
  },
  {
    name: 'links to what is not one’s own',
    found: [hardLinksFinding('0')],
    check: 'hard-links',
    level: 'warn',
  },
  { name: 'a quota', found: [quotaFinding({ isOver: true, text: 'over' })], check: 'quota', level: 'fail' },
  {
    name: 'a name that nobody knows',
    found: platformFindings({ ...platform, name: { problem: 'ENOTFOUND' } }),
    check: 'platform-name',
    level: 'fail',
  },
  {
    name: 'a certificate that nobody signed',
    found: platformFindings({ ...platform, tls: { problem: 'self-signed' } }),
    check: 'platform-tls',
    level: 'fail',
  },
  {
    name: 'a certificate that ends soon',
    found: platformFindings({ ...platform, tls: { daysLeft: 3 } }),
    check: 'platform-tls',
    level: 'warn',
  },
  {
    name: 'no key',
    found: platformFindings({ ...platform, key: { where: '', problem: 'no key' } }),
    check: 'api-key',
    level: 'fail',
  },
  {
    name: 'an app that is not there',
    found: platformFindings({
      ...platform,
      apps: [{ app: 'a', latencyMs: 1, problem: { text: 'no', hint: 'do' } }],
    }),
    check: 'app',
    level: 'fail',
  },
  {
    name: 'a slow platform',
    found: platformFindings({ ...platform, apps: [{ app: 'a', latencyMs: 9000, problem: null }] }),
    check: 'app',
    level: 'warn',
  },
  {
    name: 'a clock that is an hour off',
    found: platformFindings({ ...platform, aheadMs: 3_600_000 }),
    check: 'clock',
    level: 'fail',
  },
  {
    name: 'a unit that is not there',
    found: [unitFinding(unitOf('LoadState=not-found\n'))],
    check: 'unit',
    level: 'warn',
  },
  {
    name: 'a unit that failed',
    found: [unitFinding(unitOf('LoadState=loaded\nUnitFileState=enabled\nActiveState=failed\n'))],
    check: 'unit',
    level: 'fail',
  },
  {
    name: 'a unit without hardening',
    found: [
      unitFinding(unitOf('LoadState=loaded\nUnitFileState=enabled\nActiveState=active\nUser=runtrackd\n')),
    ],
    check: 'unit',
    level: 'warn',
  },
];

describe('what facts mean', () => {
  plainTest.each(bad)('$name is worth a word, and says what to do', ({ found, check, level }) => {
    const wrong = found.filter((finding) => finding.level !== 'ok');
    expect(wrong).toMatchObject([{ check, level }]);
    expect(wrong[0]?.next).toMatch(/\w/);
  });

  plainTest('nothing is said against a machine that is well', () => {
    const unit =
      'LoadState=loaded\nUnitFileState=enabled\nActiveState=active\nUser=r\nNoNewPrivileges=yes\nProtectSystem=strict\n';
    const found = [
      ...machineFindings({ nodeVersion: '20.19.0', sqlite: { version: '3' }, user: 'a', userProblem: null }),
      ...stateFindings(state),
      ...stateFindings({
        ...state,
        outbox: 'none',
        directory: { ...directory, is: 'missing', parent: { path: '/', isWritable: true } },
      }),
      ...rootFindings(root),
      ...platformFindings(platform),
      ...platformFindings(null),
      watchFinding({
        watchesMax: 100_000,
        watchesUsed: 1,
        watchesNeeded: 1000,
        instancesMax: 128,
        instancesUsed: 1,
      }),
      watchFinding(null),
      hardLinksFinding('1'),
      hardLinksFinding(null),
      quotaFinding(null),
      unitFinding(unitOf(unit)),
      unitFinding(null),
    ];
    expect(found.filter(({ level }) => level !== 'ok')).toEqual([]);
  });
});

describe('the outbox, without SQLite', () => {
  plainTest('is of the version that is in its journal, when that is committed', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'rt-'));
    onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
    const schema = async () => {
      const outbox = await lookAtOutbox(stateDir);
      return typeof outbox === 'string' ? outbox : outbox.schema;
    };
    expect(await schema()).toBe('none');
    const db = new Database(join(stateDir, 'outbox.db'));
    onTestFinished(() => void db.close());
    db.exec('pragma user_version = 6; create table run (run); pragma journal_mode = wal');
    expect(await schema()).toBe(6);
    db.exec('pragma user_version = 7; insert into run values (1)');
    expect(await schema()).toBe(7);
    // The journal begins anew, and keeps what it held behind its new beginning.
    db.exec('pragma wal_checkpoint(restart); insert into run values (2)');
    expect(await schema()).toBe(7);
    db.exec('pragma user_version = 8');
    // As if it was cut off: the last page of a change says that it is committed.
    const journal = readFileSync(join(stateDir, 'outbox.db-wal'));
    const last = lastFrame(journal);
    journal.writeUInt32BE(0, last + 4);
    writeFileSync(join(stateDir, 'outbox.db-wal'), journal);
    expect(await schema()).toBe(7);
  });

  plainTest.each([
    { name: 'by another process', line: 'POSIX  ADVISORY  WRITE 42 fd:01:7 0 EOF', is: 42 },
    { name: 'on another file system', line: 'POSIX  ADVISORY  WRITE 42 fd:02:7 0 EOF', is: null },
    {
      name: 'by its owner, on a device that is not its own',
      line: 'POSIX  ADVISORY  WRITE 43 00:1c:7 0 EOF',
      is: 43,
    },
    { name: 'for reading', line: 'POSIX  ADVISORY  READ 43 fd:01:7 0 EOF', is: null },
    { name: 'in another file', line: 'POSIX  ADVISORY  WRITE 43 fd:01:77 0 EOF', is: null },
  ])('a lock $name', ({ line, is }) => {
    expect(holderIn(`1: ${line}\n`, { dev: 0xfd01n, ino: 7n }, 43)).toBe(is);
  });
});

/** Where the last frame of a journal with pages of 4096 bytes begins, of those with its own salt. */
function lastFrame(journal: Buffer): number {
  const salt = journal.subarray(16, 24);
  let at = 32;
  while (journal.subarray(at + 24 + 4096 + 8, at + 24 + 4096 + 16).equals(salt)) at += 24 + 4096;
  return at;
}

interface Told {
  readonly ok: boolean;
  readonly checks: readonly Finding[];
}

async function doctor(
  scene: Scene,
  ...args: readonly string[]
): Promise<Told & { code: number | null; all: string }> {
  const { code, stdout, stderr } = await scene.command('doctor', '--json', ...args);
  return { code, all: stdout + stderr, ...(JSON.parse(stdout) as Told) };
}

const of = (told: Told, check: string): readonly Finding[] =>
  told.checks.filter((finding) => finding.check === check);

test('before the first start all is well, nothing is left behind, and the key is not shown', async ({
  scene,
}) => {
  const told = await doctor(scene);
  expect(told).toMatchObject({ code: 0, ok: true });
  expect(of(told, 'app')).toMatchObject([{ level: 'ok' }]);
  expect(of(told, 'state-directory')[0]?.text).toContain('is made at the first start');
  expect(readdirSync(scene.dir).sort()).toEqual(['config.yaml', 'key', 'platform', 'runs']);
  expect(told.all).not.toContain(scene.apiKey);
  expect(scene.seen.map(({ kind }) => kind)).toEqual(['application']);
});

test('a key that systemd hands to the daemon is found and tried, whoever is to run it', async ({ scene }) => {
  scene.configure({ platform: { kind: 'nextmv', endpoint: scene.standIn.endpoint } });
  const loaded = loadConfig(scene.configFile, {}, 'test-host', { needsKey: false });
  if (!loaded.ok) throw new Error('the configuration is wrong');
  const files = `[Service]\nLoadCredential=other:/etc/other\nLoadCredential=nextmv-api-key:${scene.keyFile}\n`;
  const unit = unitOf('LoadState=loaded\n', files);
  expect(unit.credential).toBe(scene.keyFile);
  expect(unitOf('User=runtrackd\nSupplementaryGroups=planner 1001\n').groups).toEqual(['planner', '1001']);
  const findings = async () => {
    const credential = unit.credential === null ? null : await lookAtCredential(unit.credential);
    return platformFindings(await lookAtPlatform(loaded.config, {}, credential)).map(
      ({ check, level, text }) => ({ check, level, text }),
    );
  };
  expect(await findings()).toEqual(
    expect.arrayContaining([
      {
        check: 'api-key',
        level: 'ok',
        text: `it is in ${scene.keyFile}, which systemd hands to the daemon`,
      },
      { check: 'app', level: 'ok', text: expect.stringContaining('the key is good') as string },
    ]),
  );
  rmSync(scene.keyFile);
  expect(await findings()).toContainEqual({
    check: 'api-key',
    level: 'fail',
    text: expect.stringContaining(`${scene.keyFile} cannot be read`) as string,
  });
});

test('beside a running daemon it names its pid, and takes nothing away from it', async ({ scene }) => {
  const daemon = await scene.daemon();
  const told = await doctor(scene);
  expect(of(told, 'lock')[0]?.text).toContain(`pid ${String(daemon.pid)}`);
  expect(of(told, 'outbox')[0]).toMatchObject({ level: 'ok' });
  scene.drop('after');
  await scene.result('after');
  expect(readdirSync(scene.stateDir).filter((name) => name.includes('doctor'))).toEqual([]);
});

test('a wrong key and a missing drop root are failures, and the key is not shown', async ({ scene }) => {
  writeFileSync(scene.keyFile, 'canary-of-a-wrong-key');
  rmSync(scene.root, { recursive: true });
  const told = await doctor(scene);
  expect(told).toMatchObject({ code: 1, ok: false });
  expect(of(told, 'app')).toMatchObject([{ level: 'fail' }]);
  expect(of(told, 'drop-root')).toMatchObject([{ level: 'fail' }]);
  expect(told.all).not.toContain('canary');
});

test('a wrong configuration is 78, with every problem', async ({ scene }) => {
  scene.configure({ state_dri: './state' });
  const { code, stdout } = await scene.command('doctor');
  expect(code).toBe(78);
  expect(stdout).toMatch(/ok +node/);
  expect(stdout).toContain('state_dri');
});

test.skipIf(otherUser === null || isAlone)(
  'as root it looks with the eyes of another user',
  async ({ scene }) => {
    mkdirSync(join(scene.root, 'closed'), { mode: 0o700 });
    chmodSync(scene.dir, 0o755);
    // Its owner is not the user who is to read it.
    writeFileSync(join(scene.dir, 'password'), 'open sesame\n', { mode: 0o600 });
    scene.configure({ http: { listen: false, access: 'password', password_file: './password' } });
    const told = await doctor(scene, '--user', 'nobody');
    expect(told.code).toBe(1);
    expect(of(told, 'password-file')[0]).toMatchObject({ level: 'fail' });
    expect(of(told, 'drop-root')[0]?.text).toContain('1 of 1');
    expect(of(told, 'user')[0]?.text).toContain('nobody');
    expect((await scene.command('doctor', '--user', 'no-such-user')).stdout).toContain(
      'there is no user no-such-user',
    );
  },
);
