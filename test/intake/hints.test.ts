/** Watches that cannot be had: which of them matter, and which of several troubles is said. */
import { readFileSync, watch } from 'node:fs';
import { expect, onTestFinished } from 'vitest';
import { chokidarEntriesMax, Hints } from '../../src/intake/hints.ts';
import { until } from '../journey/waiting.ts';
import { test, type Root } from './root.ts';

/** Of a root with a bare watch. A folder that is called by the code of an error gets that error for a watch. */
async function hintsOf(root: Root): Promise<Hints> {
  const refusing = (path: string, listener: () => void) => {
    const code = /\bE[A-Z]+$/.exec(path)?.[0];
    if (code !== undefined) throw Object.assign(new Error('there is no watch to be had'), { code });
    return watch(path, listener);
  };
  const { path, missed } = root;
  const told = { onPath: () => undefined, onUnknown: () => undefined };
  const parts = { root: path, name: 'runs', log: root.parts().log, missed, ...told };
  const hints = new Hints(parts, refusing as typeof watch);
  onTestFinished(() => hints.stop());
  await hints.begin({ name: 'ext4', isRemote: false }, chokidarEntriesMax + 1, 0);
  return hints;
}

test.for(['EACCES', 'EPERM', 'ENOENT', 'ENOTDIR'])(
  'a folder whose watch fails with %s leaves the events of its root as they are',
  async (code, { root }) => {
    const hints = await hintsOf(root);
    for (const path of [code, `day/${code}`]) hints.watchFolder(path, 0);
    hints.watchParents([code], 0);
    expect(hints.degraded()).toBeNull();
    expect(hints.wantsRetry(3_600_000)).toBe(false);
    expect(hints.kind()).toBe('directory');
    expect(root.said).toEqual([]);
  },
);

test.for([
  { code: 'ENOSPC', knob: 'fs.inotify.max_user_watches' },
  { code: 'EMFILE', knob: 'fs.inotify.max_user_instances' },
])('out of watches ($code) is said after another trouble, and once', async ({ code, knob }, { root }) => {
  const hints = await hintsOf(root);
  const value = readFileSync(`/proc/sys/${knob.replaceAll('.', '/')}`, 'utf8').trim();
  // As when watches are tried for again, to the same end.
  for (let round = 0; round < 3; round += 1) {
    hints.watchFolder('EIO', 0);
    expect(hints.degraded()).toContain('(EIO)');
    for (const folder of [code, 'EIO']) hints.watchFolder(folder, 0);
    await until('the knob to be named', () => hints.degraded()?.includes(`raise ${knob}, which is ${value}`));
    await hints.begin({ name: 'ext4', isRemote: false }, chokidarEntriesMax + 1, 0);
    expect(hints.degraded()).toBeNull();
  }
  const codes = root.said.map(({ level, text }) => [level, /\((E\w+)\)/.exec(text)?.[1]]);
  expect(codes).toEqual([
    ['warn', 'EIO'],
    ['warn', code],
  ]);
});
