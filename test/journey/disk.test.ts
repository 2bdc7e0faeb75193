/**
 * File systems that become read-only or full, and folders that are closed to the daemon's user, while it runs: it says
 * so, nobody is parked for it, and it goes on by itself where that can be.
 */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { plan, resultIn, writeFiles } from './folders.ts';
import {
  fill,
  isUnmountable,
  isUnwell,
  mountSmall,
  mountWorn,
  remount,
  remountWorn,
  wearOut,
} from './mounts.ts';
import { isAlone, openToOthers, otherUser } from './otherUser.ts';
import { test } from './scene.ts';
import { expectKeptAside, expectOneRunEach, recorded, unwell, well } from './verdicts.ts';
import { until } from './waiting.ts';

/** In the file system itself: nothing can be renamed into it from beside it. */
function dropInto(root: string, name: string): void {
  mkdirSync(join(root, name));
  writeFiles(join(root, name), plan(name));
}

describe('a file system that becomes read-only', () => {
  test.skipIf(isUnwell)(
    'under the outbox, as ext4 does after errors: it ends, at each start again, until it is mended',
    async ({ scene }) => {
      scene.undo.push(mountWorn(scene.stateDir));
      const daemon = await scene.daemon();
      await recorded(scene, daemon, 'monday');
      wearOut(scene.stateDir);
      scene.drop('tuesday');
      const ended = await daemon.end();
      expect(ended.code).toBe(74);
      expect(ended.stderr).toMatch(/outbox\.db cannot be read or written any more: .*Look at the disk/);
      const started = await scene.launch().end();
      expect(started.code).toBe(74);
      expect(started.stderr).toMatch(/cannot be used: .*(EROFS|READONLY|read-only|EIO)/);
      // Nothing was sent whose intent could not be written down.
      expect(scene.count('create')).toBe(1);
      remountWorn(scene.stateDir);
      const again = await scene.daemon();
      await scene.state(again, 'tuesday', 'recorded');
      await well(again);
      await expectOneRunEach(scene, 'monday', 'tuesday');
    },
  );

  test.skipIf(isUnmountable)(
    'under a drop root: results are kept in the state directory, nothing is parked, and later ones lie in their folders',
    async ({ scene }) => {
      scene.undo.push(mountSmall(scene.root, 4));
      const daemon = await scene.daemon();
      scene.onRequest = ({ kind, phase }) => {
        if (kind === 'create' && phase === 'received') remount(scene.root, 'ro');
      };
      dropInto(scene.root, 'monday');
      await scene.state(daemon, 'monday', 'recorded');
      scene.onRequest = null;
      await expectKeptAside(scene, daemon, 'monday', 'EROFS');
      await well(daemon);
      remount(scene.root, 'rw');
      dropInto(scene.root, 'tuesday');
      await scene.state(daemon, 'tuesday', 'recorded');
      expect(resultIn(scene.folder('tuesday'))?.runtrackd['warnings']).toEqual([]);
      expect((await daemon.status()).needs_person).toEqual([]);
      await expectOneRunEach(scene, 'monday', 'tuesday');
    },
  );
});

test.skipIf(isUnmountable)(
  'a drop root whose disk is full: the result is kept in the state directory, and names that',
  async ({ scene }) => {
    scene.undo.push(mountSmall(scene.root, 1));
    const daemon = await scene.daemon();
    const ballast = join(scene.root, 'ballast');
    scene.onRequest = ({ kind, phase }) => {
      if (kind === 'create' && phase === 'received') fill(ballast);
    };
    dropInto(scene.root, 'monday');
    await scene.state(daemon, 'monday', 'recorded');
    scene.onRequest = null;
    await expectKeptAside(scene, daemon, 'monday', 'ENOSPC');
    // Not even a part of one is left to be taken for a result.
    expect(readdirSync(scene.folder('monday')).filter((name) => name.includes('nextmv'))).toEqual([]);
    await well(daemon);
    rmSync(ballast);
    dropInto(scene.root, 'tuesday');
    await scene.state(daemon, 'tuesday', 'recorded');
    expect(resultIn(scene.folder('tuesday'))?.runtrackd['warnings']).toEqual([]);
    await expectOneRunEach(scene, 'monday', 'tuesday');
  },
);

describe.skipIf(isAlone)('closed to the daemon’s user (EACCES)', () => {
  test.concurrent(
    'a folder waits and says so, its neighbours do not, and it is tracked when it is open',
    async ({ scene }) => {
      openToOthers(scene);
      const daemon = await scene.daemon({ user: otherUser });
      chmodSync(scene.drop('closed'), 0o000);
      await until('the reason to be shown', async () => {
        const folder = (await daemon.list()).find((one) => one.folder === scene.folder('closed'));
        return folder?.state === 'settling' && folder.reason?.text.includes('EACCES');
      });
      await recorded(scene, daemon, 'monday');
      // Events of all others are as good as before.
      expect(await daemon.status()).toMatchObject({ problems: [], drop_roots: [{ hints: 'chokidar' }] });
      chmodSync(scene.folder('closed'), 0o777);
      await scene.state(daemon, 'closed', 'recorded');
      await expectOneRunEach(scene, 'closed', 'monday');
    },
  );

  test.concurrent('so with a single file in a folder', async ({ scene }) => {
    openToOthers(scene);
    const daemon = await scene.daemon({ user: otherUser });
    chmodSync(join(scene.drop('closed'), 'input.json'), 0o000);
    await until('the reason to be shown', async () => {
      const folder = (await daemon.list()).find((one) => one.folder === scene.folder('closed'));
      return folder?.state === 'settling' && folder.reason?.text.includes('may not read it');
    });
    await recorded(scene, daemon, 'monday');
    chmodSync(join(scene.folder('closed'), 'input.json'), 0o644);
    await scene.state(daemon, 'closed', 'recorded');
    await expectOneRunEach(scene, 'closed', 'monday');
  });

  test.concurrent(
    'a drop root that is closed with a run on its way: no try is spent, nothing vanishes, and all goes on when it is open',
    async ({ scene }) => {
      openToOthers(scene);
      const daemon = await scene.daemon({ user: otherUser });
      await recorded(scene, daemon, 'monday');
      // The newest page of the list is asked for before the first run is sent: there it stands.
      await daemon.stop();
      let isClosed = false;
      scene.onRequest = ({ kind, phase }) => {
        if (kind !== 'list' || phase !== 'received' || isClosed) return;
        isClosed = true;
        chmodSync(scene.root, 0o000);
      };
      const again = await scene.daemon({ user: otherUser });
      scene.drop('tuesday');
      await unwell(again, /drop root .*cannot be listed \(EACCES\)/);
      await until('tuesday to have been tried', async () =>
        (await again.show(scene.folder('tuesday'))).history.some(({ note }) => note.includes('EACCES')),
      );
      const story = await again.show(scene.folder('tuesday'));
      // It waits for its folder, not for another try: those would be used up before the drop root is open again.
      expect(story).toMatchObject({ state: 'queued', due_at: null });
      expect((await again.show(scene.folder('monday'))).state).toBe('recorded');
      chmodSync(scene.root, 0o777);
      await scene.state(again, 'tuesday', 'recorded');
      await well(again);
      await recorded(scene, again, 'wednesday');
      await expectOneRunEach(scene, 'monday', 'tuesday', 'wednesday');
    },
  );

  test.concurrent(
    'a date folder holds up no folder that is made again or moved, and none of them is sent twice',
    async ({ scene }) => {
      openToOthers(scene);
      scene.configure({}, { depth: 2 });
      const day = (name: string): string => scene.folder(name);
      for (const name of ['monday', 'tuesday', 'closed']) {
        mkdirSync(day(name));
        chmodSync(day(name), 0o777);
      }
      mkdirSync(join(day('closed'), 'other'));
      const daemon = await scene.daemon({ user: otherUser });
      for (const run of ['monday/again', 'monday/moved']) {
        scene.drop(run);
        await scene.state(daemon, run, 'recorded');
      }
      // It may be listed, and nobody may know what is in it.
      chmodSync(day('closed'), 0o744);
      rmSync(scene.folder('monday/again'), { recursive: true });
      const again = scene.drop('monday/again');
      // As far as its result goes into it, it was looked at.
      chmodSync(again, 0o777);
      await until('the result in the folder that was made again', () => resultIn(again));
      renameSync(scene.folder('monday/moved'), scene.folder('tuesday/moved'));
      chmodSync(day('monday'), 0o744);
      await scene.state(daemon, 'tuesday/moved', 'recorded');
      scene.drop('tuesday/last');
      await scene.state(daemon, 'tuesday/last', 'recorded');
      expect(await scene.platformRuns()).toHaveLength(3);
      await daemon.stop();
    },
  );

  test.concurrent(
    'a folder that is closed before its result comes: the result is kept in the state directory',
    async ({ scene }) => {
      openToOthers(scene);
      const daemon = await scene.daemon({ user: otherUser });
      scene.onRequest = ({ kind, phase }) => {
        if (kind === 'create' && phase === 'received') chmodSync(scene.folder('monday'), 0o000);
      };
      scene.drop('monday');
      await until('the result to be kept', async () => {
        const views = await daemon.list();
        return views.some(
          ({ state, warnings }) => state === 'recorded' && /EACCES.*results/.test(warnings.join()),
        );
      });
      scene.onRequest = null;
      chmodSync(scene.folder('monday'), 0o777);
      await recorded(scene, daemon, 'tuesday');
      await scene.state(daemon, 'monday', 'recorded');
      await expectOneRunEach(scene, 'monday', 'tuesday');
    },
  );
});
