/**
 * A backlog: folders are renamed in at once, and the runs a second are those from the first request for an upload to the
 * last answer with a result, as the stub saw and wrote them. The same for all ways, so that starting, waiting and noticing
 * count for none.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { figure, median, rounded } from '../figures.mjs';
import { dropAll, prepare } from '../finishedFolders.mjs';
import * as processes from '../processes.mjs';

export const what =
  'runs a second from a backlog, and ms of the processor for a run, at 0, 20 and 100 ms latency';

const slots = 64;
/**
 * With a latency it is the number of runs at once that limits the bare requests: so many that they would do 2,560 a second
 * with an endless stub. Its ceiling shows where they do not.
 */
const ceilingSlots = { 20: 256, 100: 1_024 };
/** As a user has it who says nothing. The goals are those of 64 runs at once, whose uploads go side by side. */
const usualUploads = 32;
/** How many folders a way gets in a round: about what it does in a few seconds. */
const countsAt = {
  0: { ours: 320, usual: 0, sdk: 80, naive: 120, bare: 1_000, ceiling: 0 },
  20: { ours: 320, usual: 0, sdk: 9, naive: 0, bare: 640, ceiling: 2_000 },
  100: { ours: 256, usual: 128, sdk: 3, naive: 0, bare: 256, ceiling: 3_072 },
};
const countsShort = {
  0: { ours: 200, usual: 0, sdk: 50, naive: 50, bare: 500, ceiling: 0 },
  20: { ours: 200, usual: 0, sdk: 8, naive: 0, bare: 300, ceiling: 500 },
  100: { ours: 100, usual: 64, sdk: 3, naive: 0, bare: 200, ceiling: 1_024 },
};
/** How long a backlog may be is a curve; one point each. */
const backlogs = [10, 100, 1_000];
const backlogsShort = [10, 50];
/** Code that is cold is another measure: V8 compiles for some hundred runs, and a daemon lives for weeks. Python does not. */
const warmUps = { ours: 400, usual: 400, naive: 400, sdk: 20 };

export async function measure({ dir, rounds, isShort, say }) {
  const [figures, points] = [[], []];
  const platform = await processes.Platform.start();
  const sdk = processes.sdkPython() === null ? null : 'official SDK';
  for (const [latencyText, counts] of Object.entries(isShort ? countsShort : countsAt)) {
    const latencyMs = Number(latencyText);
    await platform.latency(0);
    const place = (name) => {
      const path = join(dir, `${name}-${latencyMs}`);
      mkdirSync(path);
      return path;
    };
    const ways = { ours: await startOurs(place('ours'), platform) };
    if (counts.usual > 0)
      ways.usual = await startOurs(place('usual'), platform, { uploadsAtOnce: usualUploads });
    if (sdk !== null) ways.sdk = await processes.startSdkLoop(place('sdk'), platform.endpoint);
    if (counts.naive > 0) ways.naive = await processes.startNaive(place('naive'), platform.endpoint);
    const seen = Object.fromEntries(
      ['ours', 'usual', 'sdk', 'naive', 'bare', 'ceiling'].map((way) => [way, { perSecond: [], cpuMs: [] }]),
    );
    const play = async (way, prefix, count) => {
      const folders = prepare(ways[way].aside, `${way}-${prefix}`, count);
      await platform.forget();
      const cpuBefore = processes.cpuMs(ways[way].pid);
      dropAll(ways[way], folders);
      const { daemon } = ways[way];
      if (daemon !== undefined) await processes.recorded(daemon, (ways[way].recorded += count));
      else {
        await processes.until(
          `${way} to be done`,
          async () => (await platform.seen()).runAnswers >= runRequestsOf(way, count),
          { everyMs: 250 },
        );
      }
      const { firstUploadMs, lastAnsweredMs } = await platform.seen();
      return {
        perSecond: count / ((lastAnsweredMs - firstUploadMs) / 1_000),
        cpuMs: (processes.cpuMs(ways[way].pid) - cpuBefore) / count,
      };
    };
    for (const way of Object.keys(ways)) await play(way, 'warm', isShort ? 20 : warmUps[way]);
    await platform.latency(latencyMs);
    for (let round = 0; round < rounds; round += 1) {
      const bare = { bare: slots, ...(counts.ceiling > 0 ? { ceiling: ceilingSlots[latencyMs] } : {}) };
      for (const way of [...Object.keys(ways), ...Object.keys(bare)]) {
        say(`${latencyMs} ms latency, round ${round + 1}, ${way}`);
        const played =
          bare[way] === undefined
            ? await play(way, round, counts[way])
            : await processes.bareHttp(platform.endpoint, counts[way], bare[way]);
        seen[way].perSecond.push(played.perSecond);
        seen[way].cpuMs.push(played.cpuMs);
      }
    }
    if (latencyMs === 0) {
      for (const backlog of isShort ? backlogsShort : backlogs) {
        say(`a backlog of ${backlog}`);
        points.push([backlog, rounded(backlog / (await play('ours', `long-${backlog}`, backlog)).perSecond)]);
      }
      points.push([counts.ours, rounded(counts.ours / median(seen.ours.perSecond))]);
    }
    for (const way of Object.values(ways)) await processes.stop(way.daemon ?? way, 'SIGKILL');
    figures.push(...figuresOf(latencyMs, seen, sdk));
  }
  await platform.end();
  const lines = [{ name: 'runtrackd', points: points.toSorted(([a], [b]) => a - b) }];
  return { figures, growth: [{ title: 'A backlog, without latency', unit: 's', x: 'folders', lines }] };
}

async function startOurs(dir, platform, limits) {
  const stage = new processes.Stage(dir, platform.endpoint, { quiet: '200ms' }, limits);
  const daemon = stage.daemon();
  await processes.scanned(daemon);
  return { aside: stage.aside, root: stage.root, pid: daemon.pid, daemon, recorded: 0 };
}

/** The SDK asks for a run's state and then for its result. */
const runRequestsOf = (way, count) => (way === 'sdk' ? 2 * count : count);

function figuresOf(latencyMs, { ours, usual, sdk, naive, bare, ceiling: most }, sdkName) {
  const at = `at ${latencyMs} ms latency`;
  const of = (values, name) => (values.length === 0 || name === null ? null : { name, values });
  const drain = { unit: 'runs/s', ours: ours.perSecond };
  const bySdk = { ...drain, what: `backlog ${at}`, beside: of(sdk.perSecond, sdkName) };
  const ceiling = figure({
    what: `the stub's own ceiling ${at}`,
    unit: 'runs/s',
    ours: latencyMs === 0 ? bare.perSecond : most.perSecond,
    note: `bare undici, ${latencyMs === 0 ? slots : ceilingSlots[latencyMs]} runs at once, no folder and no outbox`,
  });
  const byBare = {
    ...drain,
    what: `backlog ${at}, of the bare requests`,
    beside: of(bare.perSecond, `bare undici, ${slots} at once`),
  };
  if (latencyMs === 0) {
    const cpu = { unit: 'ms', ours: ours.cpuMs };
    return [
      figure({ ...bySdk, goal: { of: 'ratio', atLeast: 7 } }),
      figure({ ...byBare, goal: { of: 'ratio', atLeast: 0.2 } }),
      figure({
        ...drain,
        what: `backlog ${at}, beside the naive shape`,
        beside: of(naive.perSecond, 'naive Node'),
      }),
      ceiling,
      figure({
        ...cpu,
        what: 'processor for a run',
        beside: of(sdk.cpuMs, sdkName),
        goal: { of: 'ratio', atMost: 0.25 },
      }),
      figure({
        ...cpu,
        what: 'processor for a run, beside the naive shape',
        beside: of(naive.cpuMs, 'naive Node'),
        goal: { of: 'ratio', atMost: 0.33 },
      }),
    ];
  }
  // Uploads go side by side, so four answers follow each other: upload URL, upload, run, result.
  const limit = slots / ((4 * latencyMs) / 1_000);
  const share = latencyMs <= 20 ? 0.8 : 0.9;
  const atLeast80 = { of: 'ratio', atLeast: 80 };
  return [
    figure({ ...bySdk, goal: atLeast80 }),
    ...(usual.perSecond.length === 0
      ? []
      : [
          figure({
            ...bySdk,
            what: `backlog ${at}, uploads_at_once as it is by default`,
            ours: usual.perSecond,
            goal: atLeast80,
            note: `${usualUploads} uploads at once, each two answers long, let ${Math.round(usualUploads / (3 * 2 * (latencyMs / 1_000)))} runs a second through; all other rows have ${processes.uploadsAtOnce}`,
          }),
        ]),
    figure({
      ...drain,
      what: `backlog ${at}, of ${slots} slots / 4 L`,
      beside: { name: 'limit', values: ours.perSecond.map(() => limit) },
      goal: { of: 'ratio', atLeast: share },
    }),
    figure(byBare),
    ceiling,
  ];
}
