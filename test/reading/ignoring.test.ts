/** Rules of gitignore, asked of more names than anybody would keep. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { ignoring } from '../../src/reading/ignoring.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test.each([
  { path: 'plan.tmp', is: true },
  { path: '.hidden/', is: true },
  { path: 'plan', is: false },
  { path: 'keep.tmp', is: false },
  { path: 'old/plan/', is: true },
  { path: 'Test-17/', is: true },
  { path: 'testbed-plan/', is: false },
  { path: 'plan.TMP', is: false },
  { path: 'Old/plan/', is: false },
])('$path is ignored: $is', ({ path, is }) => {
  expect(ignoring(['*.tmp', '.*', '!keep.tmp', 'old/', 'Test*'])(path)).toBe(is);
});

test('the names that were asked are not kept, and the last is answered like the first', () => {
  const isIgnored = ignoring(['*.tmp', '.*']);
  const heldBytes = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const ask = (from: number, to: number): void => {
    for (let n = from; n < to; n += 1) {
      if (isIgnored(`run-of-the-planner-at-night-${n}/`) || !isIgnored(`run-${n}.tmp/`))
        throw new Error(`wrong about ${n}`);
    }
  };
  ask(0, 20_000);
  const before = heldBytes();
  ask(20_000, 200_000);
  // All of them would be some 50 MB.
  expect(heldBytes() - before).toBeLessThan(8 * 1024 * 1024);
});
