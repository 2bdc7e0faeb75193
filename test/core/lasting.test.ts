import { describe, expect, test } from 'vitest';
import { askOfLasting, lastsTooLongMs } from '../../src/core/lasting.ts';
import { now, sampleStates, stateKinds } from './lives.ts';

const hourMs = 3_600_000;

describe('a run that stays where it is', () => {
  test.each([
    { kind: 'unknown', ms: 24 * hourMs - 1, is: null },
    { kind: 'unknown', ms: 24 * hourMs, is: 'unknown-for-long' },
    { kind: 'tracked', ms: hourMs - 1, is: null },
    { kind: 'tracked', ms: hourMs, is: 'not-final' },
    { kind: 'final', ms: hourMs - 1, is: null },
    { kind: 'final', ms: hourMs, is: 'not-written-back' },
  ] as const)('$kind for $ms ms asks for a person: $is', ({ kind, ms, is }) => {
    const asks = askOfLasting(sampleStates[kind], now - ms, null, now);
    expect(asks?.reason.class ?? null).toBe(is);
    if (asks !== null) {
      expect(asks.reason.text).toContain(kind === 'unknown' ? 'for a day' : 'for an hour');
      expect(asks.hint).toContain('all the same');
    }
  });

  test.each(stateKinds.filter((kind) => !(kind in lastsTooLongMs)).map((kind) => ({ kind })))(
    '$kind asks for nobody by lasting, however long',
    ({ kind }) => {
      expect(askOfLasting(sampleStates[kind], 0, null, now)).toBeNull();
    },
  );

  const onItsWay = ['queued', 'uploaded', 'intended', 'unknown'] as const;

  test.each(onItsWay.map((kind) => ({ kind })))(
    '$kind asks for a person when every answer to its request has said nothing for a day',
    ({ kind }) => {
      const since = (ms: number) => askOfLasting(sampleStates[kind], now - 1, now - ms, now);
      expect(since(24 * hourMs - 1)).toBeNull();
      expect(since(24 * hourMs)?.reason.class).toBe('unclear-for-long');
      expect(since(24 * hourMs)?.reason.text).toContain('for a day every request');
      expect(since(24 * hourMs)?.hint).toContain('all the same');
    },
  );

  test.each(stateKinds.filter((kind) => !onItsWay.some((one) => one === kind)).map((kind) => ({ kind })))(
    '$kind does not, whatever was answered before',
    ({ kind }) => {
      expect(askOfLasting(sampleStates[kind], now - 1, 0, now)).toBeNull();
    },
  );
});
