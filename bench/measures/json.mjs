/**
 * What it costs to know that a file is JSON, and its digest: the daemon's own reading of one file beside JSON.parse of
 * the whole and beside the digest alone, each in a process of its own (jsonCheck.mjs).
 */
import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeDocument } from '../bigDocument.mjs';
import { figure, median, rounded } from '../figures.mjs';
import { report } from '../processes.mjs';

export const what = 'the JSON check by size, beside JSON.parse and the digest alone';

const sizesMB = [1, 10, 100, 400];
const sizesShortMB = [1, 10];
/** With `--huge`, and once: it takes minutes, and is to show that nothing grows. */
const hugeMB = 10_000;
/** Beyond that JSON.parse takes ten seconds a time, and from half a gigabyte on nothing: no text is that long. */
const parsedMBMax = 100;
const spareBytes = 2e9;
const stallMsMax = 20;
const memoryMiBMax = 64;

export async function measure({ dir, rounds, isShort, isHuge, say }) {
  const seen = [];
  const notes = isHuge ? [] : [`${hugeMB.toLocaleString('en')} MB: npm run bench -- json --huge`];
  for (const megabytes of [...(isShort ? sizesShortMB : sizesMB), ...(isHuge ? [hugeMB] : [])]) {
    const at = { megabytes, check: [], parse: [], sha256: [], memory: [], stall: [] };
    const { bavail, bsize } = statfsSync(dir);
    if (bavail * bsize < megabytes * 1e6 + spareBytes) {
      notes.push(`SKIPPED, ${megabytes} MB: not enough space on the disk of ${dir}`);
      // Without a value its goals are told as not measured.
      seen.push(at);
      continue;
    }
    const place = join(dir, String(megabytes));
    mkdirSync(place);
    const file = join(place, 'document.json');
    writeDocument(file, megabytes * 1e6);
    for (let round = 0; round < (megabytes === hugeMB ? 1 : rounds); round += 1) {
      say(`${megabytes} MB, round ${round + 1}`);
      const own = await once('check', file);
      at.check.push(own.ms);
      at.memory.push(own.memoryMiB);
      // In a run of its own, because watching takes time.
      at.stall.push((await once('check', file, '--turns')).stallMs);
      at.sha256.push((await once('sha256', file)).ms);
      if (megabytes <= parsedMBMax) at.parse.push((await once('parse', file)).ms);
    }
    rmSync(place, { recursive: true });
    seen.push(at);
  }
  return { figures: seen.flatMap(figuresOf), growth: growthOf(seen), notes };
}

const once = (way, file, ...more) =>
  report(process.execPath, [fileURLToPath(new URL('../jsonCheck.mjs', import.meta.url)), way, file, ...more]);

function figuresOf({ megabytes, check, parse, sha256, memory, stall }) {
  const of = `${megabytes.toLocaleString('en')} MB`;
  const own = { unit: 'ms', ours: check };
  return [
    ...(megabytes > parsedMBMax
      ? []
      : [
          figure({
            ...own,
            what: `${of}: check and digest`,
            beside: { name: 'JSON.parse', values: parse },
            goal: megabytes >= 100 ? { of: 'ratio', atMost: 0.5 } : null,
          }),
        ]),
    figure({ ...own, what: `${of}: beside the digest alone`, beside: { name: 'sha256', values: sha256 } }),
    figure({ what: `${of}: memory`, unit: 'MiB', ours: memory, goal: { of: 'max', atMost: memoryMiBMax } }),
    figure({
      what: `${of}: longest turn of the loop`,
      unit: 'ms of the processor',
      ours: stall,
      goal: { of: 'max', atMost: stallMsMax },
    }),
  ];
}

function growthOf(seen) {
  const line = (name, key) => ({
    name,
    points: seen.filter((at) => at[key].length > 0).map((at) => [at.megabytes, rounded(median(at[key]))]),
  });
  return [
    {
      title: 'The JSON check',
      unit: 'ms',
      x: 'MB',
      lines: [line('runtrackd', 'check'), line('JSON.parse', 'parse')],
    },
  ];
}
