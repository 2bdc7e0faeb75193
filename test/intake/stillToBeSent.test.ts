/** Two runs of a folder that a person has meant: what the folder's row names is made, and the other one waits for the folder. */
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Happening } from '../../src/core/happening.ts';
import { advance } from '../../src/core/lifecycle.ts';
import { trackFolder } from '../../src/intake/trackFolder.ts';
import { until } from '../journey/waiting.ts';
import { test, type Root } from './root.ts';

const settle = { quietMs: 20, deadlineMs: 300 };

/** Something happens to a run that is due. */
async function meets(root: Root, run: number, happening: Happening): Promise<void> {
  const { outbox } = root;
  const { clock, policy, platformId } = root.parts();
  const nowMs = Math.ceil(clock.nowMs());
  const claim = await outbox.claimRun(platformId, run, nowMs + 3_600_000);
  if (claim === null) throw new Error(`run ${String(run)} is not due`);
  const conclusion = advance(claim.life, happening, nowMs, 0.5, policy);
  if (happening.kind === 'sourceChanged') await outbox.concludeChanged(claim, conclusion, nowMs);
  else await outbox.conclude(claim, conclusion, false, nowMs);
}

/** The folder is run 1 and once more run 2, of which the second one is recorded, and then the folder has `changed`. */
async function trackedTwice(root: Root, changed: (folder: string) => void): Promise<void> {
  const { stop } = root.start({ settle });
  const folder = root.drop('twice');
  await until('the first run', async () => (await root.count('queued')) === 1);
  await stop();
  await trackFolder(folder, [root.dropRoot({ settle })], { again: true }, root.parts());
  for (const happening of [
    { kind: 'uploadsLanded', uploads: [], failure: null },
    { kind: 'intended', platformTimeMs: 1 },
    { kind: 'made', runId: 'run-2' },
    { kind: 'final', status: 'succeeded' },
    { kind: 'written', path: join(folder, 'nextmv-result.json') },
  ] as const)
    await meets(root, 2, happening);
  changed(folder);
  const failure = { class: 'source-changed', text: 'it has changed', hint: '', reach: 'run' } as const;
  await meets(root, 1, { kind: 'sourceChanged', failure });
  expect((await root.outbox.run(1))?.dueAtMs).toBeNull();
}

test('where the output is not there any more, the folder is overdue for the one that is not sent', async ({
  root,
}) => {
  await trackedTwice(root, (folder) => rmSync(join(folder, 'output.json')));
  root.start({ settle });
  const overdue = await until('it to be overdue', async () =>
    (await root.outbox.folders('runs', ['twice'])).find(({ state }) => state === 'overdue'),
  );
  expect(overdue.reason.text).toContain('output.json');
});

test('where run folders lie at another level by now, it is sent when its folder is complete again', async ({
  root,
}) => {
  await trackedTwice(root, (folder) => appendFileSync(join(folder, 'run.log'), 'more\n'));
  root.start({ settle, depth: 2 });
  await until('the first run to be due', async () => ((await root.outbox.run(1))?.dueAtMs ?? null) !== null);
  expect((await root.outbox.run(1))?.life.state.kind).toBe('queued');
});
