/**
 * The platform's list is wrong while runs are looked for in it: it fails, loops, lags, comes in any order, is bare, or
 * changes between two pages. None of that may make a second run of one, or keep a run from being found.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { asked, foreignRun } from './others.mjs';
import { absentAfterMs, listLagMsMax } from './stage.mjs';

const answer = (status, body) => ({ kind: 'answer', status, ...(body === undefined ? {} : { body }) });
/** So many requests are lost before the platform stores their run, and as many answers after. */
const lostEach = 3;
const pageSize = 5;
const wrongWithinMs = 60_000;

const wrongs = {
  fails: { fault: answer(503) },
  'is cut off': { fault: { kind: 'drop', when: 'midway' } },
  'is no list': { fault: answer(200, '{"runs":7}') },
  loops: { fault: answer(200, '{"runs":[],"next_page_token":"again"}') },
  'is bare': { fault: answer(200, '{"runs":[]}') },
  'lags, oldest first': { settings: { listLagMs: listLagMsMax, listOrder: 'oldest-first', pageSize } },
  'lags, shuffled': { settings: { listLagMs: listLagMsMax, listOrder: 'shuffled', pageSize } },
  'grows and shrinks': { settings: { pageSize }, isRestless: true },
};
export const wrongLists = Object.keys(wrongs);

export async function lists(stage, chance, names = wrongLists) {
  await stage.warmUp();
  const daemon = stage.start();
  await daemon.untilRunning();
  const seen = {};
  for (const name of chance.shuffled(names)) {
    const { fault, settings = {}, isRestless = false } = wrongs[name];
    const before = stage.requests.list ?? 0;
    Object.assign(stage.faults, settings);
    stage.faults.next({ kind: 'create' }, { kind: 'drop', when: 'after' }, lostEach);
    stage.faults.next({ kind: 'create' }, { kind: 'drop', when: 'before' }, lostEach);
    if (fault !== undefined) stage.faults.always({ kind: 'list' }, fault);
    if (isRestless) stage.onRequest = restless(stage);
    for (let folder = 0; folder < 3 * lostEach; folder += 1) stage.ledger.drop();
    await wrongForLong(stage, daemon, before, fault !== undefined);
    seen[name] = (stage.requests.list ?? 0) - before;
    stage.calm();
    const giveUpMs = performance.now() + wrongWithinMs;
    while (stage.open().length > 0 && performance.now() < giveUpMs && !daemon.hasEnded) await sleep(100);
  }
  const happened = Object.fromEntries(
    names.map((name) => [`a list that ${name}`, { times: seen[name], least: 2 }]),
  );
  const judged = await stage.verdict(
    {
      ...happened,
      'runs of others': { times: stage.foreign.length, least: names.includes('grows and shrinks') ? 2 : 0 },
    },
    daemon,
  );
  return { ...judged, counts: { ...judged.counts, lists: seen } };
}

/** Wrong until it was read twice, and beyond the time after which absence would count; or until all are found. */
async function wrongForLong(stage, daemon, before, isHopeless) {
  const beganMs = performance.now();
  for (;;) {
    const forMs = performance.now() - beganMs;
    const isRead = (stage.requests.list ?? 0) - before >= 2;
    if (isHopeless ? isRead && forMs > 1.5 * absentAfterMs : isRead && stage.open().length === 0) return;
    if (forMs > wrongWithinMs || daemon.hasEnded) return;
    await sleep(100);
  }
}

/** With each page that is read others make a run, and take away one that they made before. */
function restless(stage) {
  const present = [];
  return async ({ kind, phase }) => {
    if (kind !== 'list' || phase !== 'received') return;
    present.push(await foreignRun(stage));
    if (present.length > 3) await asked(stage, 'DELETE', `/runs/${present.shift()}`);
  };
}
