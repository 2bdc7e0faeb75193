/**
 * A drop root on a file system whose changes come from elsewhere, as on a share: here through FUSE (bindfs), with the
 * other machine's writes made underneath. No event tells of them, directories' times are cached, and inodes are other
 * ones after each mount.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { dropFolder, plan, resultIn, writeFiles } from '../journey/folders.ts';
import { isUnshareable, mountShared } from '../journey/mounts.ts';
import { test, type Scene } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';

function shared(scene: Scene): { readonly elsewhere: string; readonly mount: () => () => void } {
  const elsewhere = join(scene.dir, 'elsewhere');
  mkdirSync(elsewhere);
  const mount = (): (() => void) => {
    const unmount = mountShared(elsewhere, scene.root);
    scene.undo.push(unmount);
    return unmount;
  };
  return { elsewhere, mount };
}

test.skipIf(isUnshareable)(
  'what another machine writes is found by scans, and its result reaches it',
  async ({ scene }) => {
    const { elsewhere, mount } = shared(scene);
    mount();
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
  'a share that goes away and is mounted again loses nothing and doubles nothing, although all inodes are new',
  async ({ scene }) => {
    const { elsewhere, mount } = shared(scene);
    const unmount = mount();
    const names = Array.from({ length: 20 }, (_, n) => `run-${String(n)}`);
    for (const name of names) dropFolder(elsewhere, name, plan(name));
    const daemon = await scene.daemon();
    await until('all to be recorded', async () => (await daemon.status()).counts.recorded === names.length);
    const problems = async (): Promise<string> => (await daemon.status()).problems.join();

    unmount();
    expect(existsSync(scene.folder('run-0'))).toBe(false);
    await until('that to be noticed', async () => (await problems()) !== '');
    dropFolder(elsewhere, 'meanwhile', plan('meanwhile'));
    mount();
    await until('what came meanwhile', () => resultIn(join(elsewhere, 'meanwhile')) !== null);
    await until('all to be well', async () => (await problems()) === '');

    await scene.command('scan');
    expect((await daemon.status()).counts).toMatchObject({ recorded: names.length + 1 });
    expect(await scene.platformRuns()).toHaveLength(names.length + 1);
  },
);
