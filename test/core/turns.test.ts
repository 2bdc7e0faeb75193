import { describe, expect, test } from 'vitest';
import type { RunState } from '../../src/core/run.ts';
import { takeInTurn, type DeliveryLine, type Room } from '../../src/core/turns.ts';

interface Waiting {
  readonly name: string;
  readonly life: { readonly state: RunState; tries: number; plainest: boolean; everUnknown: boolean };
}

const queued: RunState = { kind: 'queued', uploads: [] };
const waiting = (name: string, state: RunState = queued): Waiting => ({
  name,
  life: { state, tries: 0, plainest: false, everUnknown: false },
});
const some = (name: string, count: number): Waiting[] =>
  Array.from({ length: count }, (_, n) => waiting(`${name}-${n}`));

/** @returns the names of what is taken, and what was asked for */
function taken(
  room: Partial<Room>,
  lines: Partial<Record<DeliveryLine, Waiting[]>>,
  begunBefore = 0,
): { readonly names: string[]; readonly begun: number; readonly asked: string[] } {
  const left = { started: [], fresh: [], backlog: [], ...lines };
  const asked: string[] = [];
  const { runs, begun } = takeInTurn(
    { inHand: 8, unposted: 8, uploads: 8, ...room },
    begunBefore,
    (limit, line) => {
      asked.push(`${limit} ${line}`);
      return left[line].splice(0, limit);
    },
  );
  return { names: runs.map(({ name }) => name), begun, asked };
}

describe('what is taken in hand', () => {
  test('is what is started before what is new', () => {
    const { names, begun } = taken(
      { inHand: 3 },
      { started: some('started', 2), fresh: some('fresh', 2), backlog: some('backlog', 2) },
    );
    expect(names).toEqual(['started-0', 'started-1', 'fresh-0']);
    expect(begun).toBe(1);
  });

  test('is what is fresh before the backlog, but every fifth new run from the backlog', () => {
    const lines = () => ({ fresh: some('fresh', 9), backlog: some('backlog', 9) });
    expect(taken({ inHand: 4, unposted: 4 }, lines()).names).toEqual([
      'fresh-0',
      'fresh-1',
      'fresh-2',
      'fresh-3',
    ]);
    expect(taken({ inHand: 4, unposted: 4 }, lines(), 4).names).toEqual([
      'backlog-0',
      'fresh-0',
      'fresh-1',
      'fresh-2',
    ]);
    expect(taken({ inHand: 6, unposted: 6 }, lines(), 4).names.slice(0, 3)).toEqual([
      'backlog-0',
      'backlog-1',
      'fresh-0',
    ]);
  });

  test('is one from the backlog in five, however many were begun before', () => {
    const lines = { fresh: some('fresh', 9), backlog: some('backlog', 9) };
    const { names } = taken({ inHand: 5, unposted: 5 }, lines, 1_000);
    expect(names.filter((name) => name.startsWith('backlog'))).toEqual(['backlog-0']);
  });

  test('is the backlog where nothing is fresh', () => {
    expect(taken({ inHand: 2, unposted: 2 }, { backlog: some('backlog', 9) }).names).toEqual([
      'backlog-0',
      'backlog-1',
    ]);
  });

  test('may be two fresh runs more than there is room for on the way to a POST', () => {
    const lines = () => ({ fresh: some('fresh', 9), backlog: some('backlog', 9) });
    expect(taken({ unposted: 0 }, lines()).names).toEqual(['fresh-0', 'fresh-1']);
    expect(taken({ unposted: -1 }, lines()).names).toEqual(['fresh-0']);
    expect(taken({ unposted: -2 }, lines()).names).toEqual([]);
    expect(taken({ unposted: -9 }, lines(), 4).names).toEqual([]);
  });

  test('never uploads more than storage is to be burdened with', () => {
    const lines = { fresh: some('fresh', 9), backlog: some('backlog', 9) };
    expect(taken({ unposted: 1, uploads: 1 }, lines).names).toEqual(['fresh-0']);
    expect(taken({ unposted: 0, uploads: 0 }, { fresh: some('fresh', 9) }).names).toEqual([]);
  });

  test('leaves the room that started runs on their way to their POST take', () => {
    const tracked: RunState = { kind: 'tracked', runId: 'r', notFoundSinceMs: null, polls: 0 };
    const unposted = taken(
      { unposted: 2 },
      {
        started: [waiting('queued'), waiting('uploaded', { kind: 'uploaded', uploads: [] })],
        backlog: some('backlog', 9),
      },
    );
    expect(unposted.names).toEqual(['queued', 'uploaded']);
    const posted = taken(
      { unposted: 2 },
      { started: [waiting('tracked', tracked), waiting('also', tracked)], backlog: some('backlog', 9) },
    );
    expect(posted.names).toEqual(['tracked', 'also', 'backlog-0', 'backlog-1']);
  });

  test('is not asked for where there is no room', () => {
    expect(taken({ inHand: 0 }, { started: some('started', 1), fresh: some('fresh', 1) })).toEqual({
      names: [],
      begun: 0,
      asked: [],
    });
  });
});
