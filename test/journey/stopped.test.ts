/** A daemon that gets no time for a while (SIGSTOP, a suspended machine, a blocked loop) goes on where it was. */
import { expect } from 'vitest';
import { test } from './scene.ts';
import { until } from './waiting.ts';

test.concurrent(
  'a daemon that is stopped in the middle of everything loses no claim and doubles nothing',
  async ({ scene }) => {
    scene.configure({ platform: scene.nextmv({ limits: { runs_per_second: 0, requests_per_minute: 0 } }) });
    let creates = 0;
    let stops = 0;
    const daemon = await scene.daemon();
    const stopFor = async (): Promise<void> => {
      daemon.signal('SIGSTOP');
      stops += 1;
      // Its sockets go on without it: answers arrive that it reads only later.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      daemon.signal('SIGCONT');
    };
    scene.onRequest = async ({ kind, phase }) => {
      if (kind !== 'create') return;
      if (phase === 'received') creates += 1;
      // Once before the run is made, once when it is and the answer is on its way.
      if (phase === 'received' && creates === 3 && stops === 0) await stopFor();
      if (phase === 'done' && creates >= 6 && stops === 1) await stopFor();
    };
    const names = Array.from({ length: 10 }, (_, n) => `run-${n}`);
    for (const name of names) scene.drop(name);
    for (const name of names) await scene.result(name);
    expect(stops).toBe(2);
    expect(await scene.platformRuns()).toHaveLength(names.length);
    expect(creates).toBe(names.length);
    await until('it to be healthy', async () => (await daemon.status()).healthy);
    expect((await daemon.status()).loops.every(({ moving }) => moving)).toBe(true);
  },
);
