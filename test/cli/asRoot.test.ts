/** What root does in the state directory of the daemon's user, as the documented installation has it. */
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { giveToOwner } from '../../src/system/giveToOwner.ts';
import { isAlone, openToOthers, otherUser } from '../journey/otherUser.ts';
import { test, type Scene } from '../journey/scene.ts';
import { json } from './gallery.ts';

const isUntried = otherUser === null || isAlone;

/** As `systemd-unit --install` makes it. */
function stateOfDaemon(scene: Scene): void {
  openToOthers(scene);
  mkdirSync(scene.stateDir, { mode: 0o700 });
  chownSync(scene.stateDir, Number(otherUser), Number(otherUser));
}

function namesOfRoot(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
    (name) => statSync(join(directory, name)).uid === 0,
  );
}

test
  .skipIf(isUntried)
  .concurrent(
    'what root made in the state directory before the first start is the daemon’s',
    async ({ scene }) => {
      scene.configure({ platform: { kind: 'stand-in' } });
      stateOfDaemon(scene);
      const folder = scene.drop('plan');
      const tracked = await scene.command('track', folder, '--wait');
      expect(tracked.code).toBe(0);
      expect(readdirSync(scene.stateDir)).toEqual(
        expect.arrayContaining(['lock', 'owner.pid', 'outbox.db', 'stand-in']),
      );
      expect(namesOfRoot(scene.stateDir)).toEqual([]);
      // And so the daemon's own user goes on with it.
      const daemon = await scene.daemon({ user: otherUser });
      expect(await scene.state(daemon, 'plan', 'recorded')).toMatchObject({ run_id: json(tracked)['id'] });
    },
  );

/** Of a directory and what lies in it. */
function namesOfOthers(directory: string): string[] {
  return [directory, ...readdirSync(directory).map((name) => join(directory, name))].filter(
    (path) => statSync(path).uid !== otherUser,
  );
}

test.skipIf(isUntried).concurrent.for(['root', 'the daemon’s user'] as const)(
  'a control directory that %s made first is the daemon’s, and root works with it as well',
  async (first, { scene }) => {
    const control = join(scene.dir, 'control');
    const [group] = execFileSync('getent', ['group', String(otherUser)], { encoding: 'utf8' }).split(':');
    scene.configure({ platform: { kind: 'stand-in' }, control: { group, directory: control } });
    stateOfDaemon(scene);
    if (first === 'root') expect((await scene.command('run', '--once')).code).toBe(0);
    const daemon = await scene.daemon({ user: otherUser });
    expect(namesOfOthers(control)).toEqual([]);
    await daemon.stop();
    expect((await scene.command('run', '--once')).code).toBe(0);
    expect(namesOfOthers(control)).toEqual([]);
    expect(statSync(control)).toMatchObject({ gid: otherUser });
    await (await scene.daemon({ user: otherUser })).stop();
  },
);

test
  .skipIf(isUntried)
  .concurrent(
    'only what is root’s, and has no name elsewhere, is given away; no link is followed',
    ({ scene }) => {
      stateOfDaemon(scene);
      const elsewhere = join(scene.dir, 'elsewhere');
      mkdirSync(elsewhere);
      for (const name of ['linked', 'pointed', 'inside']) writeFileSync(join(elsewhere, name), '');
      const spool = join(scene.stateDir, 'spool');
      mkdirSync(spool);
      for (const name of ['own', 'daemons']) writeFileSync(join(spool, name), '');
      chownSync(join(spool, 'daemons'), Number(otherUser), 1);
      linkSync(join(elsewhere, 'linked'), join(spool, 'linked'));
      symlinkSync(join(elsewhere, 'pointed'), join(spool, 'pointed'));
      symlinkSync(elsewhere, join(spool, 'way'));
      writeFileSync(join(scene.stateDir, 'notes-of-root'), '');
      giveToOwner(scene.stateDir, ([name]) => name === 'spool');
      expect(
        [elsewhere, ...['linked', 'pointed', 'inside'].map((name) => join(elsewhere, name))].map(
          (path) => statSync(path).uid,
        ),
      ).toEqual([0, 0, 0, 0]);
      expect(statSync(join(scene.stateDir, 'notes-of-root')).uid).toBe(0);
      expect([spool, join(spool, 'own')].map((path) => statSync(path).uid)).toEqual([otherUser, otherUser]);
      expect(statSync(join(spool, 'daemons')).gid).toBe(1);
      rmSync(elsewhere, { recursive: true });
    },
  );

test
  .skipIf(isUntried)
  .concurrent('what others keep beside the data of the stand-in stays theirs', async ({ scene }) => {
    const data = join(scene.dir, 'data');
    const strangers = ['notes-of-root', 'uploads/list.txt', 'kept/of-root'];
    openToOthers(scene);
    for (const path of [data, join(data, 'uploads'), join(data, 'kept')]) mkdirSync(path, { mode: 0o700 });
    for (const name of strangers) writeFileSync(join(data, name), '');
    scene.configure({ platform: { kind: 'stand-in', stand_in: { data: './data' } } });
    stateOfDaemon(scene);
    const folder = scene.drop('plan');
    // Root's own, below a directory of the daemon's user, with other things in it.
    chownSync(scene.dir, Number(otherUser), Number(otherUser));
    expect((await scene.command('track', folder, '--wait')).code).toBe(0);
    expect(statSync(data).uid).toBe(0);
    chownSync(data, Number(otherUser), Number(otherUser));
    expect((await scene.command('retry', '--all')).code).toBe(0);
    expect(namesOfRoot(data).sort()).toEqual([...strangers, 'kept'].sort());
    expect(statSync(join(data, 'stand-in.db')).uid).toBe(otherUser);
  });

test
  .skipIf(isUntried)
  .concurrent('root copies the outbox to where the daemon may not write', async ({ scene }) => {
    stateOfDaemon(scene);
    await scene.daemon({ user: otherUser });
    const backups = join(scene.dir, 'backups');
    mkdirSync(backups, { mode: 0o700 });
    const made = await scene.command('backup', join(backups, 'copy.db'), '--json');
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(statSync(join(backups, 'copy.db')).size).toBe(json(made)['bytes']);
    expect(namesOfRoot(scene.stateDir)).toEqual([]);
  });

test
  .skipIf(isUntried)
  .concurrent('whoever may not ask the daemon is told so: exit code 69', async ({ scene }) => {
    stateOfDaemon(scene);
    chownSync(scene.stateDir, 0, 0);
    await scene.daemon();
    for (const args of [['status'], ['list', '--json'], ['retry', '--all'], ['reload']]) {
      const [name = '', ...rest] = args;
      const asked = await scene.start([name, '-c', scene.configFile, ...rest], {}, otherUser).end();
      expect(asked).toMatchObject({ code: 69, stdout: '' });
      expect(asked.stderr).toContain('this user may not ask the daemon');
    }
  });
