/** Some runs are refused for good: each waits for a person with the reason, and keeps nobody else from being recorded. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const settledWithinMs = 120_000;

/** @param folders in all; every `every`th names an instance that the platform refuses */
export async function poison(stage, chance, folders, every) {
  await stage.warmUp();
  const poisoned = new Set();
  for (let folder = 0; folder < folders; folder += 1) {
    const isPoison = folder % every === Math.floor(every / 2);
    const meta = isPoison ? { instance_id: `not an instance ${chance.whole(1, 9)}` } : {};
    const name = stage.ledger.drop({ meta });
    if (isPoison) poisoned.add(name);
  }
  const daemon = stage.start();
  await daemon.untilRunning();
  const giveUpMs = performance.now() + settledWithinMs;
  const { parked = 0 } = (await daemon.status()).counts;
  for (let seen = parked; seen < poisoned.size && performance.now() < giveUpMs;) {
    await sleep(100);
    seen = (await daemon.status()).counts.parked ?? 0;
  }
  const judged = await stage.verdict({}, daemon);
  const wrong = judged.records.views
    .filter(({ folder, state }) => (state === 'parked') !== poisoned.has(folder))
    .map(({ folder, state }) => ({ property: 'conservation', what: `${folder} is ${state}` }));
  const refused = judged.records.views.filter(({ reason }) => reason?.class === 'refused').length;
  const vacuous =
    refused === poisoned.size
      ? []
      : [{ property: 'non-vacuity', what: `${refused} refused, not ${poisoned.size}` }];
  return {
    ...judged,
    broken: [...judged.broken, ...wrong, ...vacuous],
    counts: { ...judged.counts, refused },
  };
}
