/**
 * Large artefacts, JSON or not: from the rename that completes a folder with a large input to the run, less the quiet
 * time, beside `curl -T` of the same file to the same stub; how much memory came on top of the idle daemon, and how long its
 * loop was held.
 */
import { renameSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { figure, median, rounded } from '../figures.mjs';
import { writeDocument } from '../bigDocument.mjs';
import { fill } from '../finishedFolders.mjs';
import * as processes from '../processes.mjs';

export const what = 'large inputs beside curl -T: MB a second, memory, the longest stall';

const quietMs = 500;
/** JSON is checked on the way; a model as its solver reads it is not, but packed, and so no larger than an archive may be. */
const kinds = [
  { kind: 'JSON', name: 'input.json', sizesMB: [16, 256, 1_000, 5_000], root: {} },
  { kind: 'text', name: 'model.mps', sizesMB: [256], root: { files: { input: 'model.mps' } } },
];
const sizeShortMBMax = 16;
/** Read, parsed, made JSON again and sent: larger ones take it half a minute and gigabytes, and from half a gigabyte on it fails. */
const parsedMB = 16;
/** However large, it takes the same memory: these two are compared. */
const [alikeMB, alikeBesideMB] = [1_000, 256];
const spareBytes = 2e9;

export async function measure({ dir, rounds, isShort, say }) {
  const platform = await processes.Platform.start();
  const [seen, notes] = [[], []];
  for (const one of kinds) seen.push(...(await ofKind(one, dir, platform, { rounds, isShort, say, notes })));
  await platform.end();
  return { figures: [...seen.flatMap(figuresOf), ...alikeFigures(seen)], growth: growthOf(seen), notes };
}

async function ofKind({ kind, name: input, sizesMB, root }, dir, platform, { rounds, isShort, say, notes }) {
  const stage = new processes.Stage(join(dir, kind), platform.endpoint, {
    quiet: `${quietMs}ms`,
    limits: { file_bytes: '20GiB' },
    ...root,
  });
  const daemon = stage.daemon({ isWatched: true });
  await processes.scanned(daemon);
  await deliver(stage, platform, daemon, null, input, 'warm-up');
  const idleMiB = processes.rssMiB(daemon.pid);
  const seen = [];
  for (const megabytes of sizesMB) {
    const at = {
      kind,
      megabytes,
      ours: [],
      curl: [],
      parse: [],
      peak: [],
      overIdle: [],
      stalls: [],
      cpuMsPerGB: [],
    };
    const { bavail, bsize } = statfsSync(dir);
    const isTooLarge = bavail * bsize < megabytes * 1e6 + spareBytes;
    if (isTooLarge || (isShort && megabytes > sizeShortMBMax)) {
      const why = isTooLarge ? `not enough space on the disk of ${dir}` : 'not done with --short';
      notes.push(`SKIPPED, ${megabytes} MB of ${kind}: ${why}`);
      // Without a value its goals are told as not measured.
      if (isTooLarge) seen.push(at);
      continue;
    }
    const file = join(dir, 'large');
    const bytes = writeDocument(file, megabytes * 1e6);
    for (let round = 0; round < rounds; round += 1) {
      say(`${megabytes} MB of ${kind}, round ${round + 1}`);
      at.curl.push(bytes / 1e6 / (await curlSeconds(platform, file)));
      if (kind === 'JSON' && megabytes === parsedMB)
        at.parse.push(bytes / 1e6 / (await processes.parseAndSend(platform.endpoint, file)));
      await processes.longestStallMs(daemon);
      processes.forgetPeak(daemon.pid);
      const cpuBefore = processes.cpuMs(daemon.pid);
      const name = `large-${megabytes}-${round}`;
      const ms = await deliver(stage, platform, daemon, file, input, name);
      at.ours.push(bytes / 1e6 / (ms / 1_000));
      at.cpuMsPerGB.push((processes.cpuMs(daemon.pid) - cpuBefore) / (bytes / 1e9));
      at.peak.push(processes.peakMiB(daemon.pid));
      at.overIdle.push(Math.max(0, at.peak.at(-1) - idleMiB));
      at.stalls.push(await processes.longestStallMs(daemon));
      // The same file serves the next round: equal content in another folder is another run.
      renameSync(join(stage.root, name, input), file);
    }
    rmSync(file);
    seen.push(at);
  }
  await processes.stop(daemon, 'SIGKILL');
  return seen;
}

/** @returns ms from complete to a run on the platform */
async function deliver(stage, platform, daemon, file, input, name) {
  const folder = join(stage.aside, name);
  fill(folder, name);
  renameSync(file ?? join(folder, 'input.json'), join(folder, input));
  await platform.forget();
  const beganMs = processes.nowMs();
  renameSync(folder, join(stage.root, name));
  const made = await processes.until(
    `${name} to be a run`,
    async () => {
      const { needs_person: needsPerson } = await processes.statusOf(daemon);
      const [refused] = needsPerson;
      if (refused !== undefined) throw new Error(`${refused.folder}: ${refused.reason.text}`);
      return (await platform.seen()).made[0];
    },
    { everyMs: 100 },
  );
  return Math.max(1, made[1] - beganMs - quietMs);
}

async function curlSeconds(platform, file) {
  const args = ['-sS', '-o', '/dev/null', '-w', '{"seconds":%{time_total}}\n', '-T', file];
  return (await processes.report('curl', [...args, `${platform.endpoint}/storage/by-curl`])).seconds;
}

function alikeFigures(seen) {
  const json = (size) => seen.find(({ kind, megabytes }) => kind === 'JSON' && megabytes === size);
  const [large, small] = [json(alikeMB), json(alikeBesideMB)];
  if (large === undefined || small === undefined) return [];
  return [
    figure({
      what: `${alikeMB.toLocaleString('en')} MB of JSON: most memory, beside that with ${alikeBesideMB} MB`,
      unit: 'MiB',
      ours: large.peak,
      beside: { name: `at ${alikeBesideMB} MB`, values: small.peak },
      goal: { of: 'ratio', atLeast: 0.85, atMost: 1.15 },
    }),
  ];
}

function figuresOf({ kind, megabytes, ours, curl, parse, overIdle, stalls, cpuMsPerGB }) {
  const of = `${megabytes.toLocaleString('en')} MB of ${kind}`;
  return [
    figure({
      what: `${of}: speed`,
      unit: 'MB/s',
      ours,
      beside: { name: 'curl -T', values: curl },
      goal: megabytes >= 1_000 ? { of: 'ratio', atLeast: 0.35 } : null,
    }),
    ...(parse.length === 0
      ? []
      : [
          figure({
            what: `${of}: speed, beside reading, parsing and making JSON again`,
            unit: 'MB/s',
            ours,
            beside: { name: 'JSON.parse and stringify', values: parse },
            goal: { of: 'ratio', atLeast: 10 },
            note: 'without the start of its process',
          }),
        ]),
    figure({
      what: `${of}: memory above idle`,
      unit: 'MiB',
      ours: overIdle,
      goal: { of: 'max', atMost: 80 },
    }),
    figure({
      what: `${of}: longest stall of the loop`,
      unit: 'ms',
      ours: stalls,
      goal: { of: 'max', atMost: 20 },
    }),
    ...(megabytes < 256
      ? []
      : [
          figure({
            what: `${of}: processor`,
            unit: 'ms a GB',
            ours: cpuMsPerGB,
            goal: { of: 'median', atMost: 2_200 },
          }),
        ]),
  ];
}

function growthOf(seen) {
  const line = (name, kind, of) => ({
    name,
    points: seen.filter((at) => at.kind === kind).map((at) => [at.megabytes, rounded(of(at))]),
  });
  const x = 'MB of the input';
  const seconds = (key) => (at) => at.megabytes / median(at[key]);
  return [
    {
      title: 'A large input',
      unit: 's',
      x,
      lines: [
        line('runtrackd, JSON', 'JSON', seconds('ours')),
        line('runtrackd, text', 'text', seconds('ours')),
        line('curl -T', 'JSON', seconds('curl')),
      ],
    },
    {
      title: 'Memory above idle',
      unit: 'MiB',
      x,
      lines: kinds.map(({ kind }) => line(kind, kind, (at) => Math.max(...at.overIdle))),
    },
  ];
}
