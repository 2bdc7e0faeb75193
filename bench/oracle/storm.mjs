/** The daemon is killed every 50 to 2,000 ms while runs come in and the network misbehaves. */
import { setTimeout as sleep } from 'node:timers/promises';
import { foreignRun } from './others.mjs';
import { listLagMsMax } from './stage.mjs';
import { dateIn } from './wire.mjs';

const lifeMsMin = 50;
const lifeMsMax = 2_000;
/**
 * So much of what is asked goes wrong. Three uploads go before each request to make a run, and a trouble with one of them
 * pauses everything; were they as unlucky as the request itself, hardly any request would be under way when the kill
 * comes.
 */
const faultShares = { create: 0.5, list: 0.4, run: 0.15, application: 0.1 };
const faultShareOfUploads = 0.02;
/** On a machine so slow that most lives end before they ask for anything, there are more of them. */
const livesPerKillMax = 5;
/** Unfinished folders beyond this wait for nothing new to come. */
const openMax = 150;

export async function storm(stage, chance, kills) {
  await stage.warmUp();
  const faults = () => Object.values(stage.faultsHappened).reduce((sum, times) => sum + times, 0);
  const faultsMin = Math.ceil(kills / 2);
  const isEnough = (life) => life >= kills && (faults() >= faultsMin || life >= livesPerKillMax * kills);
  for (let life = 0; !isEnough(life); life += 1) {
    stage.calm();
    // Somebody else's run of this very second is the newest in the list that the next life begins with.
    await foreignRun(stage);
    stage.faults.listLagMs = chance.one([0, 0, listLagMsMax]);
    stage.faults.listOrder = chance.one(['newest-first', 'oldest-first', 'shuffled']);
    stage.misbehave = (kind) =>
      chance.next() < (faultShares[kind] ?? faultShareOfUploads) ? randomFault(kind, chance) : null;
    const daemon = stage.start();
    // A third of the lives end at any time, also while the daemon starts; the others once it works.
    if (life % 3 !== 0) await daemon.untilRunning();
    let leftMs = chance.whole(lifeMsMin, lifeMsMax);
    while (leftMs > 0 && !daemon.hasEnded) {
      const stepMs = Math.min(leftMs, chance.whole(20, 200));
      leftMs -= stepMs;
      if (stage.open().length < openMax) stage.ledger.drop({ bytes: chance.one([0, 0, 0, 100_000]) });
      await sleep(stepMs);
    }
    daemon.kill();
    await daemon.ended;
  }
  return await stage.verdict({
    kills: { times: stage.kills, least: kills },
    faults: { times: faults(), least: faultsMin },
    'runs of others': { times: stage.foreign.length, least: kills },
  });
}

/** Anything that a network or a server does to a request; refusals of a run for good are a scenario of their own. */
function randomFault(kind, chance) {
  const carriedOut = chance.next() < 0.5;
  const faults = [
    { kind: 'drop', when: 'before' },
    { kind: 'drop', when: 'after' },
    { kind: 'drop', when: 'midway' },
    { kind: 'answer', status: chance.one([500, 502, 503, 504]), carriedOut },
    { kind: 'answer', status: 408, carriedOut },
    { kind: 'answer', status: 200, body: '<html>sign in here</html>', carriedOut },
    { kind: 'answer', status: 200, body: '{}', carriedOut },
    { kind: 'answer', status: 429, retryAfter: '1' },
    { kind: 'answer', status: chance.one([429, 503]), retryAfter: dateIn(chance.whole(1_000, 3_000)) },
    { kind: 'hang', carriedOut },
    { kind: 'delay', ms: chance.whole(50, 1_000) },
    { kind: 'trickle', bytesPerSecond: chance.one([200, 2_000]) },
    { kind: 'length', offByBytes: chance.one([-10, 10]) },
  ];
  // An upload has no answer to speak of: anything that says 200 is believed, also where nothing was stored.
  const isPlausible = (fault) => kind !== 'put' || (fault.status !== 200 && fault.kind !== 'length');
  return chance.one(faults.filter(isPlausible));
}
