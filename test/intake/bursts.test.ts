/** Many at once. The sizes that take minutes are in bench/measures/bursts.mjs. */
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { plan, writeFiles } from '../journey/folders.ts';
import { until } from '../journey/waiting.ts';
import { test } from './root.ts';

const count = 2_000;
const patienceMs = 120_000;

test('thousands of folders that are renamed in at once are all runs', async ({ root }) => {
  const aside = join(root.dir, 'aside');
  for (let n = 0; n < count; n += 1) {
    mkdirSync(join(aside, `run-${String(n)}`), { recursive: true });
    writeFiles(join(aside, `run-${String(n)}`), plan(String(n)));
  }
  const { intake } = root.start({ scanEveryMs: 2_000 }, true);
  await until('the first scan', () => intake.lastScanMs() !== null);
  for (let n = 0; n < count; n += 1)
    renameSync(join(aside, `run-${String(n)}`), join(root.path, `run-${String(n)}`));
  await until('all to be runs', async () => (await root.count('queued')) === count, patienceMs);
  const { byScan, byEvent } = intake.found();
  expect(byScan + byEvent).toBe(count);
});

test('thousands of folders that are written at the same time, file by file, are all runs', async ({
  root,
}) => {
  const { intake } = root.start({ scanEveryMs: 500 }, true);
  const names = Array.from({ length: count }, (_, n) => `run-${String(n)}`);
  for (const name of names) mkdirSync(join(root.path, name));
  for (const [file, content] of Object.entries(plan('x'))) {
    for (const [n, name] of names.entries()) {
      writeFiles(join(root.path, name), { [file]: file === 'input.json' ? { n } : content });
      // The daemon of this test lives in this very process.
      if (n % 100 === 0) await new Promise(setImmediate);
    }
  }
  await until('all to be runs', async () => (await root.count('queued')) === count, patienceMs);
  expect(intake.trouble()).toBeNull();
});
