/** A copy of the outbox, made while the daemon runs or not, and put back: nothing is sent twice. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import { resultFileName } from '../../src/core/ownFiles.ts';
import { Program } from './program.ts';
import { app, test, type Scene } from './scene.ts';
import { until } from './waiting.ts';

async function recorded(scene: Scene, ...names: string[]): Promise<void> {
  const daemon = await scene.daemon();
  for (const name of names) scene.drop(name);
  for (const name of names) await scene.state(daemon, name, 'recorded');
  await daemon.stop();
}

async function expectOneRunEach(scene: Scene, ...folders: string[]): Promise<void> {
  const runs = await scene.platformRuns(app);
  expect(runs.map(({ name }) => name).sort()).toEqual(folders.sort());
  expect(scene.count('create')).toBe(folders.length);
}

function runsIn(file: string): unknown {
  const db = new Database(file, { readonly: true });
  try {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    return db.prepare('select count(*) from run').pluck().get();
  } finally {
    db.close();
  }
}

test.concurrent(
  'a running daemon copies its outbox to a path of the caller, for the owner alone, and overwrites nothing',
  async ({ scene }) => {
    const daemon = await scene.daemon();
    scene.drop('monday');
    await scene.state(daemon, 'monday', 'recorded');
    const cwd = join(scene.dir, 'elsewhere');
    mkdirSync(cwd);
    const args = ['backup', 'copy.db', '-c', scene.configFile, '--json'];
    const made = await new Program(args, { cwd, environment: {} }).end();
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const copy = join(cwd, 'copy.db');
    expect(JSON.parse(made.stdout)).toEqual({ file: copy, runs: 1, bytes: statSync(copy).size });
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(runsIn(copy)).toBe(1);
    expect(readdirSync(cwd)).toEqual(['copy.db']);

    const again = await scene.command('backup', copy);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('overwrites nothing');
    const own = await scene.command('backup', join(scene.stateDir, 'outbox.db-copy'));
    expect(own.stderr).toContain('keeps for itself');
    const nowhere = await scene.command('backup', '/no/such/place/copy.db');
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr).toContain('could not be copied to /no/such/place/copy.db');
    expect((await daemon.stop()).code).toBe(0);
  },
);

test.concurrent('without a daemon the command copies it by itself', async ({ scene }) => {
  await recorded(scene, 'monday');
  const made = await scene.command('backup', 'copy.db');
  expect(made.code).toBe(0);
  expect(made.stdout).toContain('1 run(s)');
  expect(runsIn(join(scene.dir, 'copy.db'))).toBe(1);
});

test.concurrent(
  'a restored outbox looks for everything it does not know, and sends nothing twice',
  async ({ scene }) => {
    await recorded(scene, 'monday');
    // As if a run was being sent when the copy was made: afterwards it is, and the copy does not know.
    scene.faults.always({ kind: 'put' }, { kind: 'answer', status: 503 });
    const before = await scene.daemon();
    scene.drop('tuesday');
    await scene.state(before, 'tuesday', 'queued');
    expect((await scene.command('backup', 'copy.db')).code).toBe(0);
    scene.calm();
    await scene.state(before, 'tuesday', 'recorded');
    scene.drop('wednesday');
    await scene.state(before, 'wednesday', 'recorded');
    const held = await scene.command('restore', 'copy.db');
    expect(held.code).toBe(75);
    expect(held.stderr).toContain(`(pid ${String(before.pid)})`);
    await before.stop();
    for (const name of ['tuesday', 'wednesday']) rmSync(join(scene.folder(name), resultFileName));

    const restored = await scene.command('restore', 'copy.db', '--json');
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    const said = JSON.parse(restored.stdout) as { runs: number; kept_as: string };
    expect(said.runs).toBe(2);
    expect(runsIn(join(scene.stateDir, said.kept_as))).toBe(3);
    expect(said).toMatchObject({
      kept_outboxes: 1,
      kept_bytes: statSync(join(scene.stateDir, said.kept_as)).size,
    });

    const after = await scene.daemon();
    await after.logged(/^the outbox was restored from .*copy\.db/);
    for (const name of ['monday', 'tuesday', 'wednesday']) await scene.state(after, name, 'recorded');
    await expectOneRunEach(scene, 'monday', 'tuesday', 'wednesday');
    await until('it to be believed again', async () => (await after.status()).healthy);
    // Done once: the next start has nothing left to prove.
    await after.stop();
    expect(existsSync(join(scene.stateDir, 'outbox.note'))).toBe(false);
  },
);

test.concurrent('each restore keeps an outbox, and says how many there are by now', async ({ scene }) => {
  await recorded(scene);
  expect((await scene.command('backup', 'copy.db')).code).toBe(0);
  const first = await scene.command('restore', 'copy.db');
  expect(first.stdout).not.toContain('by now');
  writeFileSync(join(scene.stateDir, 'outbox.db.replaced-20261124T115313Z'), 'x'.repeat(9_000_000));
  writeFileSync(join(scene.stateDir, 'outbox.db.replaced-20261124T115313Z-wal'), 'x'.repeat(9_000_000));
  const second = await scene.command('restore', 'copy.db');
  expect(second.stdout).toMatch(/3 are kept so by now \(18(\.\d)? MB\): remove those/);
});

test.concurrent(
  'what is no outbox of this host is not restored, and nothing is changed',
  async ({ scene }) => {
    await recorded(scene, 'monday');
    expect((await scene.command('backup', 'copy.db')).code).toBe(0);
    const present = statSync(join(scene.stateDir, 'outbox.db'), { bigint: true }).ino;

    writeFileSync(join(scene.dir, 'diary'), 'the diary of a hare. '.repeat(500));
    const diary = await scene.command('restore', 'diary');
    expect(diary.code).toBe(65);
    expect(diary.stderr).toContain('is no outbox, or is damaged (it is no database)');

    copyFileSync(join(scene.dir, 'copy.db'), join(scene.dir, 'newer.db'));
    const newer = new Database(join(scene.dir, 'newer.db'));
    newer.pragma('user_version = 99');
    newer.close();
    expect(await scene.command('restore', 'newer.db')).toMatchObject({ code: 65 });

    mkdirSync(join(scene.dir, 'folder'));
    expect(await scene.command('restore', 'folder')).toMatchObject({ code: 65 });
    expect(await scene.command('restore', 'nothing')).toMatchObject({ code: 65 });

    copyFileSync(join(scene.dir, 'copy.db'), join(scene.dir, 'other.db'));
    const other = new Database(join(scene.dir, 'other.db'));
    other.exec("update outbox set host = 'planner-99'");
    other.close();
    const foreign = await scene.command('restore', 'other.db');
    expect(foreign.code).toBe(78);
    expect(foreign.stderr).toContain('belongs to host "planner-99"');

    expect(statSync(join(scene.stateDir, 'outbox.db'), { bigint: true }).ino).toBe(present);
    expect(readdirSync(scene.stateDir).filter((name) => /replaced|restored|note/.test(name))).toEqual([]);
  },
);
