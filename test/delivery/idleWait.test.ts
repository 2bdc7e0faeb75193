import { expect, test } from 'vitest';
import { idleWaitMs, isForTime, type Awaited } from '../../src/delivery/idleWait.ts';

const nothing: Awaited = {
  dueInMs: Infinity,
  platformPauseEndsInMs: null,
  appPausesEndInMs: [],
  storagePauseEndsInMs: Infinity,
  areListsAwaited: false,
};

test.for<{ what: string; awaited: Partial<Awaited>; ms: number }>([
  { what: 'nothing at all', awaited: {}, ms: 30_000 },
  { what: 'a run that falls due', awaited: { dueInMs: 1_200 }, ms: 1_200 },
  { what: 'a run that falls due tomorrow', awaited: { dueInMs: 86_400_000 }, ms: 30_000 },
  { what: 'a run that is due and was passed over', awaited: { dueInMs: -5 }, ms: 1_000 },
  { what: 'a run that falls due at once', awaited: { dueInMs: 0.2 }, ms: 10 },
  { what: 'an app whose pause ends', awaited: { dueInMs: 5_000, appPausesEndInMs: [900, 700] }, ms: 700 },
  // The timer fired a little early, so nobody has asked the app yet.
  { what: 'an app whose pause ended just now', awaited: { appPausesEndInMs: [-0.3] }, ms: 10 },
  { what: 'an app whose pause ends now', awaited: { appPausesEndInMs: [0] }, ms: 10 },
  { what: 'storage whose pause ends', awaited: { dueInMs: 5_000, storagePauseEndsInMs: 40 }, ms: 40 },
  { what: 'storage that may be tried', awaited: { dueInMs: 5_000, storagePauseEndsInMs: -40 }, ms: 5_000 },
  { what: 'storage that may be tried now', awaited: { storagePauseEndsInMs: 0 }, ms: 30_000 },
  {
    what: 'the platform, whatever else is due',
    awaited: { platformPauseEndsInMs: 2_000, dueInMs: -9, appPausesEndInMs: [-9], storagePauseEndsInMs: 3 },
    ms: 2_000,
  },
  { what: 'a platform whose pause ended just now', awaited: { platformPauseEndsInMs: -1 }, ms: 10 },
])('with $what to wait for, delivery sleeps $ms ms', ({ awaited, ms }) => {
  expect(idleWaitMs({ ...nothing, ...awaited })).toBe(ms);
});

test.for<{ what: string; awaited: Partial<Awaited>; is: boolean }>([
  { what: 'nothing', awaited: {}, is: true },
  { what: 'a run that falls due', awaited: { dueInMs: 5_000 }, is: true },
  { what: 'a run that is due and in nobody’s hands', awaited: { dueInMs: -5 }, is: false },
  { what: 'a pause of the platform', awaited: { dueInMs: -5, platformPauseEndsInMs: 9 }, is: true },
  { what: 'a pause of an app', awaited: { dueInMs: -5, appPausesEndInMs: [-1, 9] }, is: true },
  {
    what: 'a pause of an app that should have ended',
    awaited: { dueInMs: -5, appPausesEndInMs: [-1] },
    is: false,
  },
  { what: 'a pause of storage', awaited: { dueInMs: -5, storagePauseEndsInMs: 9 }, is: true },
  { what: 'a list that could not be read', awaited: { dueInMs: -5, areListsAwaited: true }, is: true },
])('whoever waits for $what waits for a moment that will come: $is', ({ awaited, is }) => {
  expect(isForTime({ ...nothing, ...awaited })).toBe(is);
});
