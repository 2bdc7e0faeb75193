/** What `scan --dry-run` says is what a look does. */
import { expect } from 'vitest';
import { previewFolder } from '../../src/intake/preview.ts';
import { rulesOf } from '../../src/intake/rules.ts';
import { until } from '../journey/waiting.ts';
import { test } from './root.ts';

test('a folder of nothing but directories is tracked, and a preview says so, whatever the files in them are called', async ({
  root,
}) => {
  root.drop('plan', { 'input/input.json': {}, 'input/output.json': {}, 'output/plan.csv': 'a,b' });
  const changes = { isMetaOptional: true };
  const start = { firstStartMs: null, historyFound: 0 };
  const preview = await previewFolder('plan', rulesOf(root.dropRoot(changes)), start, root.parts());
  expect(preview).toMatchObject({ verdict: 'would-be-tracked' });
  root.start(changes);
  await until('it to be a run', async () => (await root.count('queued')) === 1);
});
