/** Which older runs of a folder make way for a newer one, and which runs say nothing of where it belongs. */
import { expect, test } from 'vitest';
import { outsideRootName } from '../../src/core/identity.ts';
import { isLeftUnsent, wayMadeBy, type Wished } from '../../src/core/makingWay.ts';
import type { LiveState, RunState } from '../../src/core/run.ts';

const key = { generation: 'a', platform: 'https://one.test', app: 'hare-app', dropRoot: 'plans' };
const run = 7;
const configured: Wished = { run, key, settings: {} };
const asked: Wished = { run, key, settings: { isAppAsked: true } };
const outside: Wished = { run, key: { ...key, dropRoot: outsideRootName }, settings: {} };

const content = { generation: 'b' };
const app = { app: 'tortoise-app' };
const platform = { platform: 'https://two.test' };

test.for<{ older: Wished; change: Partial<Wished['key']>; is: ReturnType<typeof wayMadeBy> }>([
  { older: configured, change: {}, is: null },
  { older: configured, change: app, is: 'otherTarget' },
  { older: configured, change: platform, is: 'otherTarget' },
  { older: configured, change: content, is: 'newerContent' },
  { older: configured, change: { ...content, ...app, ...platform }, is: 'newerContent' },
  { older: asked, change: {}, is: null },
  { older: asked, change: app, is: null },
  { older: asked, change: platform, is: 'otherTarget' },
  { older: asked, change: { ...app, ...platform }, is: 'otherTarget' },
  { older: asked, change: content, is: 'newerContent' },
  { older: outside, change: {}, is: null },
  { older: outside, change: app, is: null },
  { older: outside, change: platform, is: 'otherTarget' },
  { older: outside, change: content, is: 'newerContent' },
])('$older.settings in $older.key.dropRoot, and then $change: $is', ({ older, change, is }) => {
  expect(wayMadeBy(older, { run: 8, key: { ...key, ...change }, settings: {} })).toBe(is);
});

test.for<{ name: string; change: Partial<Wished['key']>; than: number; is: ReturnType<typeof wayMadeBy> }>([
  { name: 'the same to the same', change: {}, than: 8, is: null },
  { name: 'the same to another app', change: app, than: 8, is: null },
  { name: 'the same to another app, before this one came', change: app, than: 6, is: 'otherTarget' },
  { name: 'the same to another platform', change: platform, than: 8, is: 'otherTarget' },
  { name: 'newer content', change: content, than: 8, is: 'newerContent' },
])('$name, and a person had it tracked once more: $is', ({ change, than, is }) => {
  const again: Wished = { run: than, key: { ...key, ...change }, settings: { isAgain: true } };
  expect(wayMadeBy(configured, again)).toBe(is);
});

const queued: LiveState = { kind: 'queued', uploads: [] };
const tracked: LiveState = { kind: 'tracked', runId: 'run-a', notFoundSinceMs: null, polls: 0 };

test.for<{ state: RunState; is: boolean }>([
  { state: queued, is: false },
  { state: tracked, is: false },
  { state: { kind: 'recorded', runId: 'run-a' }, is: false },
  { state: { kind: 'superseded', from: queued }, is: true },
  { state: { kind: 'gone', from: queued }, is: true },
  { state: { kind: 'skipped', from: queued }, is: true },
  { state: { kind: 'skipped', from: { kind: 'uploaded', uploads: [] } }, is: true },
  { state: { kind: 'skipped', from: tracked }, is: false },
])('$state.kind was left unsent: $is', ({ state, is }) => {
  expect(isLeftUnsent(state)).toBe(is);
});
