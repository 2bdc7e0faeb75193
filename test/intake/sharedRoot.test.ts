/**
 * A drop root on a file system whose changes come from elsewhere, as on a share: here through FUSE (bindfs), with the
 * other machine's writes made underneath. No event tells of them.
 */
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { dropFolder, plan, resultIn, writeFiles } from '../journey/folders.ts';
import { isUnshareable, mountShared } from '../journey/mounts.ts';
import { test, type Scene } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';

/** A directory of the other machine's. */
function elsewhereIn(scene: Scene, name: string): string {
  const place = join(scene.dir, name);
  mkdirSync(place);
  return place;
}

/** Mounts it in the root's place. @returns what unmounts it */
function mount(scene: Scene, elsewhere: string): () => void {
  const unmount = mountShared(elsewhere, scene.root);
  scene.undo.push(unmount);
  return unmount;
}

test.skipIf(isUnshareable)(
  'what another machine writes is found by scans, and its result reaches it',
  async ({ scene }) => {
    const elsewhere = elsewhereIn(scene, 'elsewhere');
    mount(scene, elsewhere);
    const daemon = await scene.daemon();
    await until('the first scan', async () => (await daemon.status()).drop_roots[0]?.last_scan);
    dropFolder(elsewhere, 'renamed', plan('renamed'));
    mkdirSync(join(elsewhere, 'slow'));
    await scene.state(daemon, 'slow', 'settling');
    writeFiles(join(elsewhere, 'slow'), plan('slow'));
    for (const name of ['renamed', 'slow'])
      await until(`the result of ${name}`, () => resultIn(join(elsewhere, name)) !== null);

    writeFiles(join(elsewhere, 'slow'), plan('slow, once more'));
    await until('the new content to be a run', async () => (await scene.platformRuns()).length === 3);

    const status = await daemon.status();
    expect(status.drop_roots[0]).toMatchObject({ hints: 'scan-only', found: { by_scan: 2, by_event: 0 } });
    expect(status.problems).toEqual([]);
    const said = daemon.log().filter(({ msg }) => msg.includes('no event tells what other machines do'));
    expect(said.map(({ msg }) => msg)).toEqual([expect.stringContaining('fuse')]);
  },
);

test.skipIf(isUnshareable)(
  'a share that goes away and comes back from a backup loses nothing and doubles nothing, although all inodes are new',
  async ({ scene }) => {
    const elsewhere = elsewhereIn(scene, 'elsewhere');
    const unmount = mount(scene, elsewhere);
    const names = Array.from({ length: 20 }, (_, n) => `run-${String(n)}`);
    for (const name of names) dropFolder(elsewhere, name, plan(name));
    const daemon = await scene.daemon();
    await until('all to be recorded', async () => (await daemon.status()).counts.recorded === names.length);
    const problems = async (): Promise<string> => (await daemon.status()).problems.join();

    unmount();
    expect(existsSync(scene.folder('run-0'))).toBe(false);
    await until('that to be noticed', async () => (await problems()) !== '');
    const restored = join(scene.dir, 'restored');
    cpSync(elsewhere, restored, { recursive: true, preserveTimestamps: true });
    rmSync(elsewhere, { recursive: true });
    dropFolder(restored, 'meanwhile', plan('meanwhile'));
    mount(scene, restored);
    await until('what came meanwhile', () => resultIn(join(restored, 'meanwhile')) !== null);
    await until('all to be well', async () => (await problems()) === '');

    await scene.command('scan');
    expect((await daemon.status()).counts).toMatchObject({ recorded: names.length + 1 });
    expect(await scene.platformRuns()).toHaveLength(names.length + 1);
  },
);
