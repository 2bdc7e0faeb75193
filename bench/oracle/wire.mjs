/** Each kind of request meets each fault that a wire or a server is capable of; nobody is killed. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const garbage = '<html>sign in here</html>';
const drops = ['before', 'after', 'midway'].map((when) => ({ kind: 'drop', when }));
const refusals = [400, 401, 403, 404, 405, 407, 409, 410, 413, 415, 422, 425];
const troubles = [408, 500, 501, 502, 503, 504, 511];
const answer = (status, more = {}) => ({ kind: 'answer', status, ...more });

const everyFault = [
  ...drops,
  ...refusals.map((status) => answer(status)),
  ...troubles.flatMap((status) => [answer(status), answer(status, { carriedOut: true })]),
  answer(429, { retryAfter: '1' }),
  answer(503, { retryAfter: '1.0005' }),
  answer(503, { retryAfterMs: 4_000 }),
  answer(429, { retryAfterMs: 4_000 }),
  answer(429),
  answer(302),
  answer(302, { carriedOut: true }),
  answer(200, { body: garbage }),
  answer(200, { body: garbage, carriedOut: true }),
  answer(200, { body: '{}' }),
  answer(200, { body: '{}', carriedOut: true }),
  answer(200, { body: '' }),
  answer(202, { body: 'null', carriedOut: true }),
  { kind: 'delay', ms: 1_500 },
  { kind: 'length', offByBytes: 10 },
  { kind: 'length', offByBytes: -10 },
];
/** Answered only when the client's patience ends, after a minute. */
const silences = [
  { kind: 'hang', carriedOut: false },
  { kind: 'hang', carriedOut: true },
];
const drips = [{ kind: 'trickle', bytesPerSecond: 1 }];
/** Enough of each for a quick look. */
const someFaults = [
  ...drops,
  answer(500),
  answer(503, { carriedOut: true }),
  answer(503, { retryAfterMs: 4_000 }),
  answer(429, { retryAfter: '1' }),
  answer(200, { body: garbage, carriedOut: true }),
  { kind: 'length', offByBytes: 10 },
  { kind: 'length', offByBytes: -10 },
];
/**
 * A 200 to an upload that was not stored is a lie that nobody could see through; the platform refuses the run then. And the
 * answer to an upload is empty: it cannot promise less.
 */
const isNone = (kind, fault) =>
  kind === 'put' &&
  ((fault.kind === 'answer' && fault.status < 300 && !fault.carriedOut) || fault.offByBytes < 0);

export const wireKinds = ['uploadurl', 'put', 'create', 'run', 'list', 'download'];
/** So many faults happen to runs that are on their way together. */
const faultsAtOnce = 4;
/** Longer than any wait here: a minute of silence, pauses that grow, absence. */
const happensWithinMs = 240_000;

/** @param amount `some` or `every` fault, or `slow`: those that take minutes */
export async function wire(stage, chance, kind, amount) {
  await stage.warmUp();
  const daemon = stage.start();
  await daemon.untilRunning();
  const chosen = {
    some: someFaults,
    every: everyFault,
    slow: [...silences, ...drips],
  }[amount];
  const faults = chance.shuffled(chosen.filter((fault) => !isNone(kind, fault)));
  let asked = 0;
  for (let at = 0; at < faults.length; at += faultsAtOnce) {
    const some = faults.slice(at, at + faultsAtOnce);
    asked += some.length;
    for (const fault of some) stage.faults.next({ kind }, dated(fault));
    // The list is only read to look for lost requests: each of these gives it a reason.
    if (kind === 'list') stage.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' }, some.length);
    // A text comes back through a download, JSON in the answer itself.
    for (let folder = 0; folder < some.length + 2; folder += 1)
      stage.ledger.drop(kind === 'download' ? { text: true } : {});
    await happened(stage, daemon, kind);
    // A list that fails again and again is asked for ever more rarely: until it was read once.
    if (kind === 'list') await allKnown(daemon);
  }
  return await stage.verdict(
    { [`faults on ${kind}`]: { times: asked - stage.faults.pending, least: asked } },
    daemon,
  );
}

/** A wish to wait that is a date is one of the moment at which the fault is laid out. */
function dated({ retryAfterMs, ...fault }) {
  return retryAfterMs === undefined ? fault : { ...fault, retryAfter: dateIn(retryAfterMs) };
}

/** A moment in so many ms, as a header tells it: in whole seconds. */
export function dateIn(ms) {
  return new Date(Date.now() + ms).toUTCString();
}

async function allKnown(daemon) {
  const giveUpMs = performance.now() + happensWithinMs;
  while (!daemon.hasEnded && ((await daemon.status()).counts.unknown ?? 0) > 0) {
    if (performance.now() > giveUpMs) return;
    await sleep(100);
  }
}

/** Waits until every fault has happened, with more runs where it takes more. */
async function happened(stage, daemon, kind) {
  const giveUpMs = performance.now() + happensWithinMs;
  for (let look = 1; stage.faults.pending > 0; look += 1) {
    if (performance.now() > giveUpMs || daemon.hasEnded) return;
    await sleep(100);
    if (look % 20 === 0) stage.ledger.drop(kind === 'download' ? { text: true } : {});
  }
}
