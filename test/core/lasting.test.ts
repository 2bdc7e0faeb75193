import { describe, expect, test } from 'vitest';
import { askOfLasting } from '../../src/core/lasting.ts';
import { now, sampleStates, stateKinds } from './lives.ts';

const hourMs = 3_600_000;

describe('a run that stays where it is', () => {
  test.each([
    { kind: 'unknown', ms: 24 * hourMs - 1, is: null },
    { kind: 'unknown', ms: 24 * hourMs, is: 'unknown-for-long' },
    { kind: 'tracked', ms: hourMs - 1, is: null },
    { kind: 'tracked', ms: hourMs, is: 'not-final' },
  ] as const)('$kind for $ms ms asks for a person: $is', ({ kind, ms, is }) => {
    const asks = askOfLasting(sampleStates[kind], now - ms, now);
    expect(asks?.reason.class ?? null).toBe(is);
    if (asks !== null) {
      expect(asks.reason.text).toContain(kind === 'unknown' ? 'for a day' : 'for an hour');
      expect(asks.hint).toContain('all the same');
    }
  });

  test.each(stateKinds.filter((kind) => kind !== 'unknown' && kind !== 'tracked').map((kind) => ({ kind })))(
    '$kind asks for nobody by lasting, however long',
    ({ kind }) => {
      expect(askOfLasting(sampleStates[kind], 0, now)).toBeNull();
    },
  );
});
