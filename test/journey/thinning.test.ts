/** A history that is let go is no reason to send anything again. */
import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { resultFileName } from '../../src/core/ownFiles.ts';
import { test } from './scene.ts';
import { until } from './waiting.ts';

test.concurrent(
  'a thinned run is not sent again when its folder is touched or its result deleted, after a restart, or when the outbox is not believed',
  async ({ scene }) => {
    scene.configure({ history: { keep: '1s' } }, { audit_every: '1s' });
    const first = await scene.daemon();
    const folder = scene.drop('monday');
    await scene.state(first, 'monday', 'recorded');
    const thinned = await until('its story to be let go', async () => {
      const story = await first.show(folder);
      return story.thinned ? story : undefined;
    });
    expect(thinned).toMatchObject({ run: 1, state: 'recorded', history: [], artefacts: [] });
    expect((await scene.command('show', folder)).stdout).toContain('older than history.keep');
    expect((await scene.command('backup', 'copy.db')).code).toBe(0);

    const at = new Date();
    for (const name of ['input.json', 'output.json']) utimesSync(join(folder, name), at, at);
    rmSync(join(folder, resultFileName));
    // What came of the comparison is known although what was compared is not.
    expect((await scene.result('monday')).runtrackd).toMatchObject({
      output_verified: true,
      files: { input: 'input.json', output: 'output.json' },
    });
    scene.drop('tuesday');
    await scene.state(first, 'tuesday', 'recorded');
    await first.stop();
    expect((await scene.command('restore', 'copy.db')).code).toBe(0);

    const second = await scene.daemon();
    await second.logged(/^the outbox was restored from .*copy\.db/);
    for (const name of ['monday', 'tuesday']) await scene.state(second, name, 'recorded');
    await until('it to be believed again', async () => (await second.status()).healthy);
    const runs = await scene.platformRuns();
    expect(new Set(runs.map(({ fingerprint }) => fingerprint)).size).toBe(2);
    expect(runs).toHaveLength(2);
  },
);
