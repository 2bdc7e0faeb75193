/**
 * How soon a folder that is complete is tracked: from the rename that completes it, less the quiet time, which is a setting
 * and no cost, to the moment when the platform's answer with the run's id is in the outbox, which is when the log says so;
 * and on to its result lying in the folder. The SDK's loop has no quiet time and no outbox: with it, it is the moment when
 * the stub wrote that answer.
 */
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { figure, median, quantile } from '../figures.mjs';
import { prepare } from '../finishedFolders.mjs';
import * as processes from '../processes.mjs';

export const what =
  'ms from a complete folder to its run being tracked, at 1, 10, 100 and 500 arrivals a second';

const quietMs = 200;
/** Its multiples, without what is whole of them, are spread as evenly as can be. */
const goldenShare = 0.618;
/** Of fewer values than this the hundredth part is one: the largest. */
const percentileOfMin = 100;
/** `sdk`: whether the SDK's loop is measured there; it does some 130 a second, and with latency 5. */
const rates = [
  { perSecond: 1, latencyMs: 0, count: 3, short: 3, sdk: true },
  { perSecond: 10, latencyMs: 0, count: 20, short: 20, sdk: true },
  { perSecond: 100, latencyMs: 0, count: 200, short: 100, sdk: true },
  { perSecond: 500, latencyMs: 0, count: 500, short: 100, sdk: false },
  { perSecond: 10, latencyMs: 20, count: 20, short: 20, sdk: false },
];
/** With a latency of L: four answers that follow each other (upload URL, upload, run, result), and what is ours. */
const withLatency = { of: 'median', atMost: 4.5 * 20 + 10 };
const goals = {
  '10 at 0': { p50: { of: 'ratio', atMost: 1 / 50 } },
  '100 at 0': { p50: { of: 'median', atMost: 10 }, p99: { of: 'median', atMost: 60 } },
  '10 at 20': { p50: withLatency, recorded: withLatency },
};
/** The log has whole ms, rounded down. */
const logRoundedMs = 0.5;

export async function measure({ dir, rounds, isShort, say }) {
  const platform = await processes.Platform.start();
  const place = (name) => {
    const path = join(dir, name);
    mkdirSync(path);
    return path;
  };
  const stage = new processes.Stage(place('ours'), platform.endpoint, { quiet: `${quietMs}ms` });
  const daemon = stage.daemon();
  await processes.scanned(daemon);
  const hasSdk = processes.sdkPython() !== null;
  const ways = {
    ours: { root: stage.root, aside: stage.aside, log: join(stage.dir, 'log') },
    ...(hasSdk ? { sdk: await processes.startSdkLoop(place('sdk'), platform.endpoint) } : {}),
  };
  const warm = { perSecond: 20, latencyMs: 0, count: 40 };
  for (const way of Object.keys(ways)) await arrivals(platform, way, ways[way], 'warm', warm);
  const figures = [];
  for (const rate of rates) {
    const seen = { ours: [], sdk: [], recorded: [] };
    const count = isShort ? rate.short : rate.count;
    for (let round = 0; round < rounds; round += 1) {
      for (const way of Object.keys(ways)) {
        if (way === 'sdk' && !rate.sdk) continue;
        say(`${rate.perSecond}/s at ${rate.latencyMs} ms, round ${round + 1}, ${way}`);
        const prefix = `${rate.perSecond}-${rate.latencyMs}-${round}`;
        const { trackedMs, recordedMs } = await arrivals(platform, way, ways[way], prefix, {
          ...rate,
          count,
        });
        seen[way].push(trackedMs);
        if (way === 'ours') seen.recorded.push(recordedMs);
      }
    }
    const at = `${rate.perSecond}/s${rate.latencyMs === 0 ? '' : `, ${rate.latencyMs} ms latency`}`;
    const goal = goals[`${rate.perSecond} at ${rate.latencyMs}`] ?? {};
    const line = (q, name, ofGoal = null) =>
      figure({
        what: `${at}, ${name}`,
        unit: 'ms',
        ours: seen.ours.map(q),
        beside: seen.sdk.length === 0 ? null : { name: 'official SDK', values: seen.sdk.map(q) },
        goal: ofGoal,
      });
    figures.push(
      line(median, 'median', goal.p50),
      line((times) => quantile(times, 0.99), count < percentileOfMin ? 'the longest' : '99 %', goal.p99),
      figure({
        what: `${at}, until its result is in the folder, median`,
        unit: 'ms',
        ours: seen.recorded.map(median),
        goal: goal.recorded ?? null,
      }),
    );
  }
  await processes.stop(daemon, 'SIGKILL');
  if (hasSdk) await processes.stop(ways.sdk, 'SIGKILL');
  await platform.end();
  return {
    figures,
    notes: [
      `the quiet time of ${quietMs} ms is taken off ours; the SDK's loop polls once a second`,
      "ours ends when the run's id is in the outbox, by the log; the SDK's loop when the stub has written the answer with it",
      'that the id is in the outbox is on disk with the next change that is synced: after a power cut before it, the run is found by its fingerprint',
      'a latency of L takes three answers until a run is tracked, and four until its result is in the folder',
      'without the SDK where more arrive than its loop gets done',
    ],
  };
}

/** @returns for each folder the ms until it was tracked, and, of ours, until its result was in the folder */
async function arrivals(platform, way, { root, aside, log }, prefix, { perSecond, latencyMs, count }) {
  const folders = prepare(aside, `${way}-${prefix}`, count);
  await platform.latency(latencyMs);
  await platform.forget();
  const logBefore = log === undefined ? 0 : readFileSync(log).length;
  const droppedMs = new Map();
  const beganMs = processes.nowMs();
  for (const [n, name] of folders.entries()) {
    // Not at equal distances: the SDK's loop looks once a second, and would find each at the same moment of its turn.
    const atMs = ((n + ((n * goldenShare) % 1)) * 1_000) / perSecond;
    const waitMs = beganMs + atMs - processes.nowMs();
    if (waitMs > 0) await sleep(waitMs);
    droppedMs.set(name, processes.nowMs());
    renameSync(join(aside, name), join(root, name));
  }
  if (log !== undefined) {
    const since = (at) => Math.max(0.1, at.ms - droppedMs.get(at.folder) - quietMs);
    const { tracked, recorded } = await processes.until(
      `${count} runs of ours to be recorded`,
      () => {
        const said = saidIn(readFileSync(log).subarray(logBefore).toString(), droppedMs);
        return said.recorded.length >= count && said;
      },
      { everyMs: 200 },
    );
    return { trackedMs: tracked.map(since), recordedMs: recorded.map(since) };
  }
  const { made } = await processes.until(
    `${way} to make ${count} runs`,
    async () => {
      const seen = await platform.seen();
      return seen.made.length >= count && seen;
    },
    { everyMs: 200 },
  );
  return { trackedMs: made.map(([name, atMs]) => Math.max(0.1, atMs - droppedMs.get(name))) };
}

/** When the daemon said of folders that they are tracked, and recorded: by the monotonic clock. */
function saidIn(log, folders) {
  const aheadMs = processes.wallAheadMs();
  const lines = log
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.includes('"state":"'))
    .map((line) => JSON.parse(line));
  const of = (kind) => {
    const first = new Map();
    for (const { state, folder, time } of lines) {
      if (state !== kind || !folders.has(folder) || first.has(folder)) continue;
      first.set(folder, Date.parse(time) + logRoundedMs - aheadMs);
    }
    return [...first].map(([folder, ms]) => ({ folder, ms }));
  };
  return { tracked: of('tracked'), recorded: of('recorded') };
}
