/** The configuration is read again while the daemon runs: by HUP and by `reload`, under load, right and wrong. */
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { dropFolder, plan, resultIn } from './folders.ts';
import { isUnsilent, mountSilent } from './mounts.ts';
import { app, test, type Scene } from './scene.ts';
import { until } from './waiting.ts';

const patientMs = 240_000;
const highsLog = readFileSync(
  new URL('../solverlog/logs/highs-time-feasible/run.log', import.meta.url),
  'utf8',
);
const json = (text: string): Readonly<Record<string, unknown>> => JSON.parse(text) as Record<string, unknown>;

/** Does it the first time only. */
function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}

/** Puts a program in the place of getent. @returns the directory that it lies in */
function fakeGetent(scene: Scene, script: string): string {
  const bin = join(scene.dir, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'getent'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return bin;
}

/** A second drop root beside the scene's own. */
function secondRoot(scene: Scene, changes: object = {}) {
  const path = join(scene.dir, 'more');
  mkdirSync(path, { recursive: true });
  return { path, root: { path: './more', app, quiet: '150ms', scan_every: '200ms', ...changes } };
}

test(
  'without a daemon it is exit 69, and with a wrong file 78',
  { timeout: patientMs },
  async ({ scene }) => {
    const alone = await scene.command('reload');
    expect(alone).toMatchObject({ code: 69, stdout: '' });
    expect(alone.stderr).toContain('no daemon runs with the state directory');
    writeFileSync(scene.configFile, 'drop_roots: []\n');
    expect((await scene.command('reload')).code).toBe(78);
  },
);

test(
  'a wrong file changes nothing, is shown until it is mended, and names every problem',
  { timeout: patientMs },
  async ({ scene }) => {
    const daemon = await scene.daemon();
    const good = readFileSync(scene.configFile, 'utf8');
    scene.configure({ hots: 'x' }, { quiet: 'soon' });
    const refused = await scene.command('reload');
    expect(refused.code).toBe(78);
    expect(refused.stderr).toMatch(/config\.yaml:\d+:\d+: hots: /);
    expect(refused.stderr).toMatch(/config\.yaml:\d+:\d+: drop_roots\[0\]\.quiet: /);
    // The command asks the daemon, which runs by what was right.
    const shown = await scene.command('status');
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('the configuration on disk is wrong');
    expect(shown.stdout).toContain('runtrackd explain configuration-on-disk');
    scene.drop('meanwhile');
    await scene.result('meanwhile');
    writeFileSync(scene.configFile, good);
    daemon.signal('SIGHUP');
    await until('the file to be right', async () => {
      const { problems } = await daemon.status();
      return problems.every((problem) => !problem.includes('on disk is wrong'));
    });
    await daemon.stop();
  },
);

test(
  'a root that is added is watched, one that is removed is not; what it had not sent waits until it is back; enrich counts for what comes then',
  { timeout: patientMs },
  async ({ scene }) => {
    const more = secondRoot(scene);
    const daemon = await scene.daemon();
    scene.configure({ drop_roots: [scene.dropRoot(), more.root], host: 'another' });
    const added = await scene.command('reload', '--json');
    expect(added.code).toBe(0);
    expect(json(added.stdout)).toMatchObject({ ok: true, added: ['more'], removed: [] });
    expect(json(added.stdout)['waiting']).toEqual([expect.stringContaining(': host: has changed')]);
    const first = dropFolder(more.path, 'first', plan('first'));
    await until('the result of the added root', () => resultIn(first));

    // Nothing can be uploaded, so that runs are there which are not sent.
    scene.faults.always({ kind: 'uploadurl' }, { kind: 'answer', status: 503, body: '{}' });
    const unsent = dropFolder(more.path, 'unsent', plan('unsent'));
    const views = async () => (await daemon.list()).filter(({ folder }) => folder === unsent);
    await until('the run of the folder', async () => (await views())[0]?.run);
    scene.configure({ drop_roots: [scene.dropRoot()] });
    const removed = json((await scene.command('reload', '--json')).stdout);
    expect(removed).toMatchObject({ ok: true, removed: ['more'], parked: 1 });
    const listed = (await daemon.list()).find(
      ({ drop_root, state }) => drop_root === 'more' && state === 'parked',
    );
    expect(listed).toMatchObject({ reason: { class: 'root-not-configured' } });
    expect(listed?.hint).toContain('goes on by itself');
    expect((await daemon.status()).drop_roots.map(({ name }) => name)).toEqual(['runs']);

    scene.calm();
    const enriching = { ...more.root, enrich: ['metrics'] };
    scene.configure({ drop_roots: [scene.dropRoot(), enriching] });
    expect(json((await scene.command('reload', '--json')).stdout)).toMatchObject({
      added: ['more'],
      revived: 1,
    });
    await until('the result of the run that waited', () => resultIn(unsent));
    // What is added from the log is that of the time when a run was made.
    const enriched = async (name: string): Promise<unknown> => {
      const folder = dropFolder(more.path, name, { ...plan(name), 'run.log': highsLog });
      const result = await until(`the result in ${folder}`, () => resultIn(folder));
      return result.runtrackd['enriched'] ?? [];
    };
    expect(await enriched('with-figures')).toEqual(['metrics']);
    scene.configure({ drop_roots: [scene.dropRoot(), { ...enriching, enrich: ['chart'] }] });
    expect(json((await scene.command('reload', '--json')).stdout)).toMatchObject({
      changed: [expect.stringContaining('enrich')],
    });
    expect(await enriched('with-a-picture')).toEqual(['assets']);
    expect(await scene.platformRuns()).toHaveLength(4);
    await daemon.stop();
  },
);

test(
  'a root that is given another name is not sent again: it waits for its own, everybody says so, and the others go on',
  { timeout: patientMs },
  async ({ scene }) => {
    const more = secondRoot(scene);
    const roots = (changes: object = {}): void =>
      scene.configure({ drop_roots: [scene.dropRoot({ ...changes }), more.root] });
    roots();
    const daemon = await scene.daemon();
    for (const name of ['one', 'two']) scene.drop(name);
    for (const name of ['one', 'two']) await scene.result(name);
    roots({ name: 'uno' });
    const trouble =
      'was drop root "runs" until now, with 2 folders on record: under the name "uno" all of them would be sent again. ' +
      'Name it "runs" again; if they are to be sent anew, move the directory to another path';
    const reloaded = await scene.command('reload');
    expect(reloaded).toMatchObject({ code: 0, stderr: `drop root ${scene.root} ${trouble}.\n` });
    const shown = await until('it to be shown', async () => {
      const { healthy, drop_roots } = await daemon.status();
      return healthy ? null : drop_roots;
    });
    expect(shown.map(({ name, problem }) => [name, problem])).toEqual([
      ['more', null],
      ['uno', trouble],
    ]);
    const beside = dropFolder(more.path, 'beside', plan('beside'));
    await until('the result of the other root', () => resultIn(beside));
    scene.drop('three');
    const preview = await scene.command('scan', '--dry-run');
    expect(preview.stdout).toContain(`drop root uno: ${trouble}`);
    const tracked = await scene.command('track', scene.folder('three'));
    expect(tracked.stderr).toContain('was drop root "runs" until now');
    expect(tracked.code).not.toBe(0);
    expect(daemon.log().filter(({ msg }) => msg.includes(trouble))).toHaveLength(1);
    await daemon.stop();

    const once = await scene.command('run', '--once');
    expect(once.stdout + once.stderr).toContain(`Not looked at: drop root ${scene.root} ${trouble}.`);
    expect(once.code).toBe(1);
    expect(await scene.platformRuns()).toHaveLength(3);
    const again = await scene.daemon();
    await again.logged(/was drop root "runs" until now/);
    roots();
    expect(await scene.command('reload')).toMatchObject({ code: 0, stderr: '' });
    await scene.result('three');
    expect((await again.status()).healthy).toBe(true);
    expect(await scene.platformRuns()).toHaveLength(4);
    await again.stop();
  },
);

test(
  'reload after reload under load: nothing is lost, nothing is doubled',
  { timeout: patientMs },
  async ({ scene }) => {
    const more = secondRoot(scene);
    const daemon = await scene.daemon();
    const folders: string[] = [];
    const reloads = 12;
    const counted = () => daemon.log().filter(({ msg }) => msg.includes(' was read again')).length;
    for (let turn = 0; turn < reloads; turn += 1) {
      folders.push(
        dropFolder(scene.root, `own-${String(turn)}`, plan(`own-${String(turn)}`)),
        dropFolder(more.path, `more-${String(turn)}`, plan(`more-${String(turn)}`)),
      );
      const own = scene.dropRoot({ quiet: turn % 3 === 0 ? '100ms' : '150ms' });
      scene.configure({ drop_roots: turn % 2 === 0 ? [own, more.root] : [own] });
      const before = counted();
      daemon.signal('SIGHUP');
      await until('the reload', () => counted() > before);
    }
    scene.configure({ drop_roots: [scene.dropRoot(), more.root] });
    daemon.signal('SIGHUP');
    for (const folder of folders) await until(`the result in ${folder}`, () => resultIn(folder), 60_000);
    const runs = await scene.platformRuns();
    expect(runs).toHaveLength(folders.length);
    expect(new Set(runs.map(({ fingerprint }) => fingerprint)).size).toBe(folders.length);
    // The result is there a moment before the outbox knows of it.
    await until('all of them to be recorded', async () => {
      const { recorded } = (await daemon.status()).counts;
      return recorded === folders.length;
    });
    expect((await daemon.status()).counts).toEqual({ recorded: folders.length });
    await daemon.stop();
  },
);

test(
  'a slip that makes the file no YAML any more hides no daemon: status and list show its earlier reading, reload names the slip',
  { timeout: patientMs },
  async ({ scene }) => {
    const daemon = await scene.daemon();
    scene.drop('before');
    await scene.result('before');
    const good = readFileSync(scene.configFile, 'utf8');
    writeFileSync(scene.configFile, `${good}\n}\n`);
    const status = await scene.command('status', '--json');
    expect(status.code).toBe(0);
    expect(json(status.stdout)).toMatchObject({ running: true, pid: daemon.pid });
    expect((await scene.command('list')).stdout).toContain('before');
    const refused = await scene.command('reload');
    expect(refused.code).toBe(78);
    expect(refused.stderr).toMatch(/config\.yaml:\d+:\d+: yaml: /);
    await daemon.stop();
  },
);

test(
  'a drop root that cannot be made is a problem of the file: at the start, and on HUP, which the daemon outlives',
  { timeout: patientMs },
  async ({ scene }) => {
    const below = scene.dropRoot({ path: './key/runs', name: 'below' });
    const standIn = { kind: 'stand-in' };
    const said = /config\.yaml:\d+:\d+: drop_roots\[1\]\.path: cannot be made \(ENOTDIR\): /;
    scene.configure({ platform: standIn, drop_roots: [scene.dropRoot(), below] });
    const refused = await scene.launch().end();
    expect(refused).toMatchObject({ code: 78, stderr: expect.stringMatching(said) as string });
    scene.configure({ platform: standIn });
    const daemon = await scene.daemon();
    scene.configure({ platform: standIn, drop_roots: [scene.dropRoot(), below] });
    daemon.signal('SIGHUP');
    await daemon.logged(said);
    scene.drop('after');
    await scene.result('after');
    expect((await daemon.status()).drop_roots.map(({ name }) => name)).toEqual(['runs']);
    expect((await daemon.stop()).code).toBe(0);
  },
);

test(
  'a daemon that is told to end while it reads its configuration again ends at once, and well',
  { timeout: patientMs },
  async ({ scene }) => {
    const more = secondRoot(scene);
    scene.configure({ drop_roots: [scene.dropRoot(), more.root] });
    const asked = join(scene.dir, 'asked');
    // A directory service that answers when it is let.
    const bin = fakeGetent(
      scene,
      `touch ${asked}; while [ ! -e ${asked}.on ]; do sleep 0.1; done; echo 'slow:x:4711:'`,
    );
    const daemon = await scene.daemon({ environment: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } });
    scene.drop('before');
    await scene.result('before');
    scene.configure({ drop_roots: [scene.dropRoot()], control: { group: 'slow' } });
    daemon.signal('SIGHUP');
    await until('the group to be asked for', () => existsSync(asked));
    daemon.signal('SIGTERM');
    await daemon.logged(/runtrackd has ended/);
    writeFileSync(`${asked}.on`, '');
    const ended = await daemon.end();
    expect(ended.code).toBe(0);
    expect(ended.stdout).not.toContain('this is a bug');
  },
);

test(
  'a directory service that does not answer is no wrong configuration: the start fails so that it is tried again',
  { timeout: patientMs },
  async ({ scene }) => {
    const bin = fakeGetent(scene, 'exit 1');
    const environment = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    scene.configure({ control: { group: 'planners', directory: './control' } });
    const ended = await scene.launch({ environment }).end();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(
      /config\.yaml:\d+:\d+: control\.group: nobody could be asked .*getent ended with 1/,
    );
    const checked = await scene.start(['check-config', '-c', scene.configFile], environment).end();
    expect(checked.code).toBe(1);
    expect(checked.stdout).toContain('nobody could be asked');
  },
);

test.skipIf(isUnsilent)(
  'a drop root that does not answer holds up neither a reload nor the others, and is there again when it answers',
  { timeout: patientMs },
  async ({ scene }) => {
    const more = secondRoot(scene);
    scene.configure({ drop_roots: [scene.dropRoot(), more.root] });
    const daemon = await scene.daemon();
    const before = dropFolder(more.path, 'before', plan('before'));
    await until('the result of the root that still answers', () => resultIn(before));
    const unmount = once(mountSilent(more.path));
    scene.undo.push(unmount);
    scene.drop('beside');
    await scene.result('beside');
    expect((await scene.command('status')).code).toBe(0);
    const doctor = await scene.command('doctor');
    expect(doctor.code).toBe(1);
    expect(doctor.stdout).toMatch(/fail +drop-root +more \(.*\) does not answer\. Is it on a share/);
    scene.configure({ drop_roots: [scene.dropRoot()] });
    const removed = await scene.command('reload', '--json');
    expect(json(removed.stdout)).toMatchObject({ ok: true, removed: ['more'] });
    scene.configure({ drop_roots: [scene.dropRoot(), more.root] });
    const added = await scene.command('reload', '--json');
    expect(json(added.stdout)).toMatchObject({ ok: true, added: ['more'] });
    scene.drop('after');
    await scene.result('after');
    unmount();
    const back = dropFolder(more.path, 'back', plan('back'));
    await until('the result of the root that answers again', () => resultIn(back));
    expect(await scene.platformRuns()).toHaveLength(4);
    await daemon.stop();
  },
);

test.skipIf(isUnsilent)(
  'a password file on a share that is away holds up neither a reload nor doctor',
  { timeout: patientMs },
  async ({ scene }) => {
    const share = join(scene.dir, 'share');
    const passwordFile = join(share, 'page.password');
    mkdirSync(share);
    writeFileSync(passwordFile, 'hare', { mode: 0o600 });
    const http = { listen: '127.0.0.1:0', access: 'password', password_file: passwordFile };
    scene.configure({ http });
    const daemon = await scene.daemon();
    const unmount = once(mountSilent(share));
    scene.undo.push(unmount);
    scene.configure({ http, drop_roots: [{ ...scene.dropRoot(), deadline: '2h' }] });
    const reload = await scene.command('reload', '--json');
    expect(json(reload.stdout)).toMatchObject({ ok: true, changed: ['drop_roots[0].deadline'] });
    const doctor = await scene.command('doctor');
    expect(doctor.stdout).toMatch(
      /fail +password-file +http\.password_file \(.*\) does not answer\. Is it on a share/,
    );
    unmount();
    await daemon.stop();
  },
);

const groupOfOthers = 1;
const groupName = /^([^:]+):[^:]*:1:/m.exec(readFileSync('/etc/group', 'utf8'))?.[1];
const isUntried = process.getuid?.() !== 0 || groupName === undefined;

test
  .skipIf(isUntried)
  .concurrent(
    'after a reload the group may open both sockets again, be the file right or wrong; what is in the way is said',
    async ({ scene }) => {
      const [control, page] = [join(scene.dir, 'control'), join(scene.dir, 'page')];
      mkdirSync(page, { mode: 0o700 });
      const http = { listen: `unix:${join(page, 'page.sock')}` };
      scene.configure({ http, control: { group: groupName, directory: './control' } });
      const paths = [control, join(control, 'control.sock'), page, join(page, 'page.sock')];
      const groups = (): number[] => paths.map((path) => statSync(path).gid);
      const modes = (): number[] => paths.map((path) => statSync(path).mode & 0o777);
      const program = scene.launch();
      await until(
        'both sockets',
        () => paths.every((path) => existsSync(path)) && groups().every((gid) => gid === groupOfOthers),
      );
      const reload = async (): Promise<number | null> => (await scene.command('reload')).code;
      // As systemd does for its reload.
      const giveBack = (): void => {
        for (const path of paths) chownSync(path, 0, 0);
        chmodSync(page, 0o700);
      };
      giveBack();
      expect(await reload()).toBe(0);
      expect(groups()).toEqual(paths.map(() => groupOfOthers));
      expect(modes()).toEqual([0o750, 0o660, 0o750, 0o660]);
      expect(program.log().filter(({ level }) => level === 'warn')).toEqual([]);
      giveBack();
      const good = readFileSync(scene.configFile, 'utf8');
      writeFileSync(scene.configFile, good.replace('"host"', '"hots"'));
      expect(await reload()).toBe(78);
      expect(groups()).toEqual(paths.map(() => groupOfOthers));
      writeFileSync(scene.configFile, good);
      for (const path of [control, page]) writeFileSync(join(path, 'notes'), '');
      giveBack();
      expect(await reload()).toBe(0);
      await program.logged(/control\.directory: .* has something else in it \("notes"\)/);
      await program.logged(/cannot open .*page\.sock: .*http\.listen/);
      await program.stop();
    },
  );

test.concurrent(
  'a daemon that reload does not find, because it listens where it was told before, has to be restarted',
  async ({ scene }) => {
    await scene.daemon();
    scene.configure({ state_dir: './elsewhere' });
    const finished = await scene.command('reload');
    expect(finished).toMatchObject({ code: 69, stdout: '' });
    expect(finished.stderr).toContain(join(scene.dir, 'elsewhere', 'control.sock'));
    expect(finished.stderr).toContain('restart it');
    expect((await scene.command('status')).code).toBe(69);
    expect(existsSync(join(scene.dir, 'elsewhere'))).toBe(false);
  },
);

test(
  'an app that was misspelt is put right, and each folder becomes one run of the right one',
  { timeout: patientMs },
  async ({ scene }) => {
    const misspelt = 'haer-app';
    scene.faults.always({ app: misspelt }, { kind: 'answer', status: 404 });
    scene.configure({}, { app: misspelt });
    const daemon = await scene.daemon();
    for (const name of ['first', 'second']) scene.drop(name);
    await until('both to wait for the app', async () => {
      const [{ platform }, runs] = [await daemon.status(), await daemon.list()];
      return platform.apps.length === 1 && runs.filter(({ state }) => state === 'queued').length === 2;
    });
    scene.configure({}, { app });
    expect((await scene.command('reload')).code).toBe(0);
    for (const name of ['first', 'second']) await scene.result(name);
    const runs = await daemon.list();
    expect(runs.map(({ state }) => state).sort()).toEqual([
      'recorded',
      'recorded',
      'superseded',
      'superseded',
    ]);
    // Nobody waits for the other app any more.
    await until('nothing to be paused', async () => (await daemon.status()).platform.apps.length === 0);
    scene.calm();
    expect(await scene.platformRuns(misspelt)).toEqual([]);
    expect(await scene.platformRuns()).toHaveLength(2);
    expect((await scene.command('status')).code).toBe(0);
  },
);
