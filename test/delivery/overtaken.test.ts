/** Newer content that comes while the request for the older is under way: where that has made nothing, it is not made again. */
import { expect } from 'vitest';
import { plan } from '../journey/folders.ts';
import { test } from './bench.ts';

test.for([429, 401, 422])(
  'content that was answered with %i and is old by then is not sent again',
  async (status, { bench }) => {
    const run = await bench.track('plan');
    const newer: Promise<number>[] = [];
    bench.onRequest = async ({ kind, phase }) => {
      if (kind !== 'create' || phase !== 'received') return;
      if (newer.length === 0) newer.push(bench.track('plan', plan('newer')));
      await newer[0];
    };
    bench.standIn.faults.next({ kind: 'create' }, { kind: 'answer', status });
    bench.start();
    const older = await bench.reaches(run, 'superseded');
    expect(older).toMatchObject({ isClaimed: false, dueAtMs: null });
    for (const made of newer) await bench.reaches(await made, 'recorded');
    expect((await bench.run(run)).life.state.kind).toBe('superseded');
    expect(await bench.copiesOf(run)).toBe(0);
    expect(bench.creates).toBe(2);
  },
);
