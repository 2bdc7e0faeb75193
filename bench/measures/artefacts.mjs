/**
 * Large artefacts: from the rename that completes a folder with a large input to the run, less the quiet time, beside
 * `curl -T` of the same file to the same stub; how much memory came on top of the idle daemon, and how long its loop was
 * held.
 */
import { renameSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { figure, median, rounded } from '../figures.mjs';
import { writeDocument } from '../bigDocument.mjs';
import { fill } from '../finishedFolders.mjs';
import * as processes from '../processes.mjs';

export const what = 'large inputs beside curl -T: MB a second, memory, the longest stall';

const quietMs = 500;
const sizesMB = [16, 256, 1_000];
const sizesShortMB = [16, 256];
/** To show that nothing grows. */
const hugeMB = 5_000;
const spareBytes = 2e9;

export async function measure({ dir, rounds, isShort, say }) {
  const platform = await processes.Platform.start();
  const stage = new processes.Stage(dir, platform.endpoint, {
    quiet: `${quietMs}ms`,
    limits: { file_bytes: '20GiB' },
  });
  const daemon = stage.daemon({ isWatched: true });
  await processes.scanned(daemon);
  await deliver(stage, platform, daemon, null, 'warm-up');
  const idleMiB = processes.rssMiB(daemon.pid);
  const seen = [];
  const notes = isShort ? [`${hugeMB.toLocaleString('en')} MB is not done with --short`] : [];
  for (const megabytes of isShort ? sizesShortMB : [...sizesMB, hugeMB]) {
    const { bavail, bsize } = statfsSync(dir);
    if (bavail * bsize < megabytes * 1e6 + spareBytes) {
      notes.push(`SKIPPED, ${megabytes} MB: not enough space on the disk of ${dir}`);
      continue;
    }
    const file = join(dir, 'large.json');
    const bytes = writeDocument(file, megabytes * 1e6);
    const at = { megabytes, ours: [], curl: [], overIdle: [], stalls: [], cpuMsPerGB: [] };
    for (let round = 0; round < rounds; round += 1) {
      say(`${megabytes} MB, round ${round + 1}`);
      at.curl.push(bytes / 1e6 / (await curlSeconds(platform, file)));
      await processes.longestStallMs(daemon);
      processes.forgetPeak(daemon.pid);
      const cpuBefore = processes.cpuMs(daemon.pid);
      const name = `large-${megabytes}-${round}`;
      const ms = await deliver(stage, platform, daemon, file, name);
      at.ours.push(bytes / 1e6 / (ms / 1_000));
      at.cpuMsPerGB.push((processes.cpuMs(daemon.pid) - cpuBefore) / (bytes / 1e9));
      at.overIdle.push(Math.max(0, processes.peakMiB(daemon.pid) - idleMiB));
      at.stalls.push(await processes.longestStallMs(daemon));
      // The same file serves the next round: equal content in another folder is another run.
      renameSync(join(stage.root, name, 'input.json'), file);
    }
    rmSync(file);
    seen.push(at);
  }
  await processes.stop(daemon, 'SIGKILL');
  await platform.end();
  return { figures: seen.flatMap(figuresOf), growth: growthOf(seen), notes };
}

/** @returns ms from complete to a run on the platform */
async function deliver(stage, platform, daemon, file, name) {
  fill(join(stage.aside, name), name);
  if (file !== null) renameSync(file, join(stage.aside, name, 'input.json'));
  await platform.forget();
  const beganMs = processes.nowMs();
  renameSync(join(stage.aside, name), join(stage.root, name));
  const made = await processes.until(
    `${name} to be a run`,
    async () => {
      await processes.statusOf(daemon);
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

function figuresOf({ megabytes, ours, curl, overIdle, stalls, cpuMsPerGB }) {
  const of = `${megabytes.toLocaleString('en')} MB`;
  return [
    figure({
      what: `${of}: speed`,
      unit: 'MB/s',
      ours,
      beside: { name: 'curl -T', values: curl },
      goal: megabytes >= 1_000 ? { of: 'ratio', atLeast: 0.35 } : null,
    }),
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
      goal: { of: 'median', atMost: 20 },
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
  const line = (name, of) => ({ name, points: seen.map((at) => [at.megabytes, rounded(of(at))]) });
  const x = 'MB of the input';
  const seconds = (key) => (at) => at.megabytes / median(at[key]);
  return [
    {
      title: 'A large input',
      unit: 's',
      x,
      lines: [line('runtrackd', seconds('ours')), line('curl -T', seconds('curl'))],
    },
    {
      title: 'Memory above idle',
      unit: 'MiB',
      x,
      lines: [line('runtrackd', (at) => Math.max(...at.overIdle))],
    },
  ];
}
