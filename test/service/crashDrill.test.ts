/** Crash drills do nothing unless they are asked for, and say so when they are asked for wrongly. */
import { expect, test as plainTest } from 'vitest';
import { lifecyclePoints } from '../../src/core/points.ts';
import { crashDrill } from '../../src/service/crashDrill.ts';
import { test } from '../journey/scene.ts';

plainTest.each([undefined, ''])('without a setting (%j) no point is deadly', (setting) => {
  const pass = crashDrill(setting);
  for (const point of lifecyclePoints) pass(point);
});

plainTest.each(['nonsense', 'intended:0', 'intended:x', 'intended:-1', 'intended:1.5', ':2'])(
  '"%s" is refused with a sentence that names the points',
  (setting) => {
    expect(() => crashDrill(setting)).toThrow(/RUNTRACKD_CRASH_AT must be one of claimed, .*recorded/);
  },
);

test('a daemon with a wrong drill does not start, and says why', async ({ scene }) => {
  const finished = await scene.launch({ environment: { RUNTRACKD_CRASH_AT: 'nonsense' } }).end();
  expect(finished.code).not.toBe(0);
  expect(finished.code).not.toBeNull();
  expect(finished.stderr).toContain('RUNTRACKD_CRASH_AT must be one of');
});

test('with ":N" it is the Nth time that is deadly', async ({ scene }) => {
  for (const name of ['a', 'b']) scene.drop(name);
  const daemon = scene.launch({ environment: { RUNTRACKD_CRASH_AT: 'recorded:2' } });
  expect(await daemon.ended).toEqual({ code: null, signal: 'SIGKILL' });
  expect(await scene.platformRuns()).toHaveLength(2);
});
