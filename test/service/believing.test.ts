/** Where the count of intents is kept. */
import { expect, test } from 'vitest';
import { runtimeDirOf } from '../../src/service/believing.ts';

test.each([
  { given: '/run/planner:/run/runtrackd', is: '/run/runtrackd' },
  { given: '/run/runtrackd:/run/planner', is: '/run/runtrackd' },
  { given: '/run/other:/run/planner', is: '/run/other' },
  { given: '/run/runtrackd', is: '/run/runtrackd' },
  { given: '', is: '/run/user/4711' },
])('of the runtime directories "$given" it is $is', ({ given, is }) => {
  expect(runtimeDirOf({ RUNTIME_DIRECTORY: given, XDG_RUNTIME_DIR: '/run/user/4711' })).toBe(is);
});
