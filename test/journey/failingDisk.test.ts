/**
 * A disk that fails (EIO), under the outbox, under a run folder, and where a result is to be written. The outbox's ends
 * the daemon with a message; a folder's concerns that folder alone. Nothing is lost, and nothing is sent twice.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect } from 'vitest';
import { FailingDisk, isUnfailing } from './failingDisk.ts';
import { resultIn } from './folders.ts';
import type { Daemon } from './program.ts';
import { plan } from './folders.ts';
import { app, test, type Scene } from './scene.ts';
import { expectKeptAside, expectOneRunEach, recorded, well } from './verdicts.ts';
import { until } from './waiting.ts';

const journal = '/outbox.db-wal';

async function withDisk(scene: Scene): Promise<{ readonly disk: FailingDisk; readonly daemon: Daemon }> {
  const disk = new FailingDisk(scene.dir);
  return { disk, daemon: await scene.daemon({ environment: disk.environment }) };
}

/** It ends by itself, with what is the matter, and leaves the outbox where it is. */
async function endsFor(scene: Scene, daemon: Daemon, disk: FailingDisk, says: RegExp): Promise<void> {
  const ended = await daemon.end();
  expect(disk.failed()).not.toEqual([]);
  expect(ended.stderr).toMatch(says);
  expect(ended.code).toBe(74);
  expect(readdirSync(scene.stateDir).filter((name) => name.startsWith('outbox.db.'))).toEqual([]);
}

describe.skipIf(isUnfailing)('under the outbox', () => {
  test.concurrent.for(['write', 'sync'] as const)(
    'when the journal fails (%s) with a request on its way: it ends, and the next start finds the run that was made',
    async (call, { scene }) => {
      const { disk, daemon } = await withDisk(scene);
      scene.onRequest = ({ kind, phase }) => {
        if (kind === 'create' && phase === 'received') disk.fail({ call, file: journal });
      };
      scene.drop('monday');
      await endsFor(scene, daemon, disk, /outbox\.db cannot be read or written any more: disk I\/O error/);
      scene.onRequest = null;
      disk.heal();
      const again = await scene.daemon({ environment: disk.environment });
      await scene.state(again, 'monday', 'recorded');
      await recorded(scene, again, 'tuesday');
      await well(again);
      await expectOneRunEach(scene, 'monday', 'tuesday');
    },
  );

  test.concurrent.for(['write', 'sync'] as const)(
    'when the journal fails (%s) with many runs under way: each of them is recorded once after the next start',
    async (call, { scene }) => {
      // The embedded stand-in dies with the daemon, so a short absence proves as much as a long one.
      scene.configure({ platform: { kind: 'stand-in', reconcile: { absent_after: '300ms' } } });
      const { disk, daemon } = await withDisk(scene);
      const names = Array.from({ length: 30 }, (_, n) => `plan-${n}`);
      const [last = '', ...others] = names;
      for (const name of others) scene.drop(name);
      await until('the first result', () => names.some((name) => resultIn(scene.folder(name)) !== null));
      disk.fail({ call, file: journal });
      // The others may be through by now, and need the disk for nothing that cannot wait.
      scene.drop(last);
      await endsFor(scene, daemon, disk, /outbox\.db cannot be read or written any more: disk I\/O error/);
      const before = names.filter((name) => resultIn(scene.folder(name)) !== null);
      expect(before.length).toBeLessThan(names.length);
      disk.heal();
      const again = await scene.daemon({ environment: disk.environment });
      for (const name of names) await scene.state(again, name, 'recorded');
      const { endpoint } = (await again.status()).platform;
      const runs = await scene.platformRuns(app, endpoint ?? '');
      expect(runs.map(({ name }) => name).sort()).toEqual(names.sort());
    },
  );

  test.concurrent.for([
    { name: 'its beginning', fromByte: 0 },
    { name: 'its middle', fromByte: 4_096 },
  ])(
    'when $name cannot be read at the start: it ends, and a file that is whole is not taken for a damaged one',
    async ({ fromByte }, { scene }) => {
      const before = await withDisk(scene);
      await recorded(scene, before.daemon, 'monday');
      expect((await before.daemon.stop()).code).toBe(0);
      before.disk.fail({ call: 'read', file: '/outbox.db', fromByte });
      const started = scene.launch({ environment: before.disk.environment });
      await endsFor(scene, started, before.disk, /outbox in .* cannot be used: EIO: i\/o error/);
      before.disk.heal();
      const again = await scene.daemon();
      await recorded(scene, again, 'tuesday');
      await well(again);
      await expectOneRunEach(scene, 'monday', 'tuesday');
      // It was never distrusted: nothing was found out again.
      expect(again.log().filter(({ msg }) => /damaged|not believed/.test(msg))).toEqual([]);
    },
  );

  test.concurrent(
    'when a page cannot be read for a moment at the start: it looks again, and all is well',
    async ({ scene }) => {
      const { disk, daemon } = await withDisk(scene);
      await recorded(scene, daemon, 'monday');
      expect((await daemon.stop()).code).toBe(0);
      disk.fail({ call: 'read', file: '/outbox.db', fromByte: 4_096, times: 1 });
      const again = await scene.daemon({ environment: disk.environment });
      expect(disk.failed()).toHaveLength(1);
      await recorded(scene, again, 'tuesday');
      expect(again.log().filter(({ msg }) => /damaged|not believed/.test(msg))).toEqual([]);
      await expectOneRunEach(scene, 'monday', 'tuesday');
    },
  );

  test.concurrent.for([
    { name: 'any more', times: 0, says: /outbox\.db cannot be read or written any more: EIO/ },
    { name: 'for a moment', times: 1, says: /it could not be read for a moment, and is whole/ },
  ])(
    'when it cannot be read $name while it runs: it ends, and the next start believes what it finds',
    async ({ times, says }, { scene }) => {
      const { disk, daemon } = await withDisk(scene);
      await recorded(scene, daemon, 'monday');
      disk.fail({ call: 'read', file: '/outbox.db', times });
      // What SQLite holds in memory is good until another connection has written.
      const other = new Database(join(scene.stateDir, 'outbox.db'));
      other.exec('begin immediate; update outbox set rowid = rowid; commit');
      other.close();
      scene.drop('tuesday');
      await endsFor(scene, daemon, disk, says);
      disk.heal();
      const again = await scene.daemon();
      await scene.state(again, 'tuesday', 'recorded');
      expect(again.log().filter(({ msg }) => /damaged|not believed/.test(msg))).toEqual([]);
      await expectOneRunEach(scene, 'monday', 'tuesday');
    },
  );
});

describe.skipIf(isUnfailing)('under a run folder', () => {
  test.concurrent(
    'an input that cannot be read: the folder waits and says so, and is tracked once it can',
    async ({ scene }) => {
      const { disk, daemon } = await withDisk(scene);
      disk.fail({ call: 'read', file: '/bad/input.json' });
      scene.drop('bad');
      await until('the reason to be shown', async () => {
        const [folder] = await daemon.list();
        return folder?.state === 'settling' && folder.reason?.text.includes('EIO');
      });
      await recorded(scene, daemon, 'monday', 'tuesday');
      await well(daemon);
      disk.heal();
      await scene.state(daemon, 'bad', 'recorded');
      await expectOneRunEach(scene, 'bad', 'monday', 'tuesday');
    },
  );

  test.concurrent(
    'an input that cannot be read any more when it is to be uploaded: nobody else waits for it, and it is sent later',
    async ({ scene }) => {
      const { disk, daemon } = await withDisk(scene);
      scene.onRequest = ({ kind, phase }) => {
        if (kind === 'uploadurl' && phase === 'received')
          disk.fail({ call: 'read', file: '/bad/input.json' });
      };
      // Larger than what is kept from the first reading: it is read once more when it is sent.
      scene.drop('bad', { ...plan('bad'), 'input.json': { sample: 'x'.repeat(400_000) } });
      await until('the disk to fail', () => disk.failed().length > 0);
      await recorded(scene, daemon, 'monday', 'tuesday');
      await well(daemon);
      expect(daemon.log().filter(({ msg }) => msg.includes('pauses'))).toEqual([]);
      expect((await daemon.list()).find(({ folder }) => folder === scene.folder('bad'))?.state).not.toBe(
        'parked',
      );
      scene.onRequest = null;
      disk.heal();
      await scene.state(daemon, 'bad', 'recorded');
      await expectOneRunEach(scene, 'bad', 'monday', 'tuesday');
    },
  );

  test.concurrent.for(['write', 'sync'] as const)(
    'a result that cannot be written (%s) is kept in the state directory, with a warning',
    async (call, { scene }) => {
      const { disk, daemon } = await withDisk(scene);
      disk.fail({ call, file: '/monday/.nextmv-result.json' });
      await recorded(scene, daemon, 'monday', 'tuesday');
      expect(disk.failed()).not.toEqual([]);
      await expectKeptAside(scene, daemon, 'monday', 'EIO');
      expect(readdirSync(scene.folder('monday')).filter((name) => name.includes('nextmv'))).toEqual([]);
      expect(resultIn(scene.folder('tuesday'))?.runtrackd['warnings']).toEqual([]);
      await well(daemon);
      await expectOneRunEach(scene, 'monday', 'tuesday');
    },
  );

  test.concurrent(
    'a result that neither its folder nor the state directory takes waits and says why, and nobody waits for it',
    async ({ scene }) => {
      const { disk, daemon } = await withDisk(scene);
      const aside = join(scene.stateDir, 'results');
      disk.fail({ call: 'write', file: '/monday/.nextmv-result.json' }, { call: 'write', file: `${aside}/` });
      scene.drop('monday');
      const said = await until('status to say so', async () => {
        const status = await daemon.status();
        return status.results.state === 'paused' && status;
      });
      expect(disk.failed()).toEqual(
        expect.arrayContaining([expect.stringContaining('/monday/'), expect.stringContaining(aside)]),
      );
      expect(said).toMatchObject({ healthy: false, platform: { state: 'ok', storage: { state: 'ok' } } });
      expect(said.problems).toEqual([
        expect.stringMatching(
          /^results wait: the result of monday can be written nowhere: .*\(EIO\).*\(EIO\)$/,
        ),
      ]);
      expect(daemon.log().some(({ msg }) => /results wait: .*EIO.*Look at both disks/.test(msg))).toBe(true);
      await recorded(scene, daemon, 'tuesday', 'wednesday');
      const monday = (await daemon.list()).find(({ folder }) => folder === scene.folder('monday'));
      expect(monday?.state).toBe('final');
      expect((await daemon.status()).problems).toHaveLength(1);
      expect(daemon.log().filter(({ msg }) => msg.includes('pauses'))).toEqual([]);
      disk.heal();
      await scene.state(daemon, 'monday', 'recorded');
      expect(resultIn(scene.folder('monday'))).not.toBeNull();
      await well(daemon);
      await expectOneRunEach(scene, 'monday', 'tuesday', 'wednesday');
    },
  );
});
