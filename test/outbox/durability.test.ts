/** Which changes are on disk when they are acknowledged, which follow, and which wait for others to share a sync. */
import { describe, expect, test } from 'vitest';
import { outsideRootName } from '../../src/core/identity.ts';
import type { StateKind } from '../../src/core/run.ts';
import { isDurable, type Asked } from '../../src/outbox/durability.ts';
import { heldMsMax, parted } from '../../src/outbox/gathering.ts';
import { newRun } from './runs.ts';

const concluded = (kind: StateKind): Asked => ({
  name: 'conclude',
  args: [{ run: 1, fence: 1 }, { life: { state: { kind } }, dueAtMs: null, note: null }, false, 0],
});
const asked = (name: Asked['name']): Asked => ({ name, args: [] });

describe('on disk before it is acknowledged', () => {
  test.each([
    'queued',
    'intended',
    'unknown',
    'parked',
    'rejected',
    'skipped',
    'superseded',
    'gone',
  ] as StateKind[])('is that a run is %s', (kind) => {
    expect(isDurable(concluded(kind))).toBe(true);
  });

  test('is a run that no scan would find again', () => {
    const found = newRun();
    const lost = [
      { again: true },
      { settings: { ...found.settings, isAppAsked: true } },
      { key: { ...found.key, dropRoot: outsideRootName } },
      { believed: { runId: 'run-a' } },
      { movedFrom: 1 },
      { movedAway: [{ run: 1, path: 'elsewhere' }] },
    ];
    expect(isDurable({ name: 'enqueue', args: [found] })).toBe(false);
    for (const what of lost) expect(isDurable({ name: 'enqueue', args: [{ ...found, ...what }] })).toBe(true);
  });

  test('is a person’s word, and what is believed of the outbox', () => {
    const words = ['apply', 'answer', 'skipFolder', 'wantFolder', 'unsettleFolder'] as const;
    for (const name of [...words, 'concludeChanged', 'beginDistrust', 'takeOver', 'settle'] as const)
      expect(isDurable(asked(name)), name).toBe(true);
  });

  test.each(['uploaded', 'tracked', 'final', 'recorded'] as StateKind[])(
    'is not that a run is %s',
    (kind) => {
      expect(isDurable(concluded(kind))).toBe(false);
    },
  );
});

describe('with many runs under way', () => {
  const intent = concluded('intended');
  const reading = asked('run');

  test('an intent waits for others, and what needs no sync goes on', () => {
    expect(parted([reading, intent, reading], 64, 0)).toEqual({
      leaving: [reading, reading],
      held: [intent],
    });
  });

  test('an intent that has waited long enough leaves with whatever there is', () => {
    expect(parted([intent, reading], 64, heldMsMax)).toEqual({ leaving: [intent, reading], held: [] });
  });

  test('what is asked for the same claim stays behind it, and nobody else does', () => {
    const release = (run: number): Asked => ({ name: 'release', args: [{ run, fence: 1 }, 0] });
    const requests = [reading, release(2), concluded('queued'), release(1), reading];
    expect(parted(requests, 64, 0)).toEqual({
      leaving: [reading, release(2), reading],
      held: [concluded('queued'), release(1)],
    });
  });

  test('enough intents leave at once', () => {
    const intents = Array.from({ length: 8 }, () => intent);
    expect(parted(intents, 64, 0)).toEqual({ leaving: intents, held: [] });
  });

  test('a person’s word waits for nobody, and whoever was held before goes first', () => {
    const word = asked('apply');
    expect(parted([intent, word], 64, 0)).toEqual({ leaving: [intent, word], held: [] });
  });

  test('with few, nothing waits', () => {
    expect(parted([intent], 2, 0)).toEqual({ leaving: [intent], held: [] });
  });
});
