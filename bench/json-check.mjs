/**
 * What it costs to know that a file is JSON, and its digest: the daemon's own reading of one file, beside JSON.parse of
 * the whole and beside the digest alone. Each in a process of its own, so that memory is that of one.
 *
 *   npm run bench:json [-- --sizes 1,10,100,1000] [--rounds 3]
 */
import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readArtefact } from '../dist/reading/artefact.js';
import { markOf, OpenFolder } from '../dist/system/files.js';

const turnGoalMs = 20;
const memoryGoalMiB = 64;
/** A text cannot be longer than half a gigabyte, so neither can what JSON.parse takes. */
const parseBytesMax = 500e6;

const ways = {
  /** As a folder is read. */
  check: async (path) => {
    const folder = await OpenFolder.open(join(path, '..'));
    const file = await folder.openFile('document.json');
    const mark = markOf(await file.stat({ bigint: true }));
    await file.close();
    await readArtefact(folder, { role: 'output', name: 'document.json', mark }, 'json', 1_000);
    await folder.close();
  },
  sha256: async (path) => {
    const file = await open(path);
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(256 * 1024);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
    }
    hash.digest('hex');
    await file.close();
  },
  parse: (path) => Promise.resolve(JSON.parse(readFileSync(path, 'utf8'))),
};

/** One way, once, in this process. */
async function measure(way, path) {
  const idleKiB = process.resourceUsage().maxRSS;
  const turns = values.turns === true ? watchTurns() : null;
  const beganMs = performance.now();
  await ways[way](path);
  const ms = performance.now() - beganMs;
  const memoryMiB = (process.resourceUsage().maxRSS - idleKiB) / 1024;
  return { ms, memoryMiB, stallMs: turns?.() ?? null };
}

/**
 * The longest turn of the loop, in ms of the processor: by the clock it would be what the machine did meanwhile.
 * @returns ends it, and gives the longest
 */
function watchTurns() {
  let longestUs = 0;
  let isOver = false;
  let before = process.cpuUsage();
  const turn = () => {
    const { user, system } = process.cpuUsage(before);
    longestUs = Math.max(longestUs, user + system);
    before = process.cpuUsage();
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    isOver = true;
    return longestUs / 1_000;
  };
}

/** A solution as solvers write them: many small objects with names, numbers and texts. */
function writeDocument(path, bytes) {
  const file = openSync(path, 'w');
  let written = writeSync(file, '{"solution":[');
  for (let stop = 0; written < bytes;) {
    let text = '';
    for (; text.length < 1e6 && written + text.length < bytes; stop += 1)
      text += `${stop === 0 ? '' : ','}{"id":"stop-${stop}","at":[${stop % 180}.${stop},-${stop % 90}.5e-1],"späte Lieferung":${stop % 7 === 0},"note":"line ${stop}\\n\\"quoted\\""}`;
    written += writeSync(file, text);
  }
  writeSync(file, ']}');
  closeSync(file);
}

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1,10,100,1000' },
    rounds: { type: 'string', default: '3' },
    way: { type: 'string' },
    turns: { type: 'boolean' },
    file: { type: 'string' },
  },
});

const round = (value, digits = 1) => Math.round(value * 10 ** digits) / 10 ** digits;
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

function inProcess(way, path, ...more) {
  const script = fileURLToPath(import.meta.url);
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [script, '--way', way, '--file', path, ...more],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

function measureAll(dir) {
  const rows = [];
  for (const megabytes of values.sizes.split(',').map(Number)) {
    const place = join(dir, String(megabytes));
    mkdirSync(place);
    const path = join(place, 'document.json');
    writeDocument(path, megabytes * 1e6);
    const found = {};
    for (const way of Object.keys(ways)) {
      if (way === 'parse' && megabytes * 1e6 > parseBytesMax) continue;
      const times = Array.from({ length: Number(values.rounds) }, () => inProcess(way, path));
      found[way] = {
        ms: round(median(times.map(({ ms }) => ms))),
        memoryMiB: round(Math.max(...times.map(({ memoryMiB }) => memoryMiB))),
      };
    }
    rows.push({
      megabytes,
      ...found,
      // In a run of its own, because watching takes time.
      longestTurnMs: round(inProcess('check', path, '--turns').stallMs),
      toParse: found.parse === undefined ? null : round(found.check.ms / found.parse.ms, 2),
      toSha256: round(found.check.ms / found.sha256.ms, 2),
    });
    rmSync(place, { recursive: true });
  }
  return rows;
}

if (values.way !== undefined) {
  console.log(JSON.stringify(await measure(values.way, values.file)));
} else {
  const dir = mkdtempSync(join(tmpdir(), 'rt-j-'));
  try {
    const rows = measureAll(dir);
    console.table(
      rows.map(({ megabytes, check, toParse, toSha256, longestTurnMs }) => ({
        megabytes,
        'check, ms': check.ms,
        'of JSON.parse': toParse,
        'of sha256': toSha256,
        'longest turn, ms': longestTurnMs,
        'memory, MiB': check.memoryMiB,
      })),
    );
    const turnMs = Math.max(...rows.map(({ longestTurnMs }) => longestTurnMs));
    const memoryMiB = Math.max(...rows.map(({ check }) => check.memoryMiB));
    const holds = turnMs <= turnGoalMs && memoryMiB <= memoryGoalMiB;
    console.log(
      `longest turn of the loop ${turnMs} ms (goal ≤ ${turnGoalMs}), memory ${memoryMiB} MiB (goal ≤ ${memoryGoalMiB}): ${holds ? 'holds' : 'DOES NOT HOLD'}`,
    );
    const machine = {
      node: process.version,
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    };
    writeFileSync(
      fileURLToPath(new URL('results/json-check.json', import.meta.url)),
      `${JSON.stringify({ machine, rounds: Number(values.rounds), turnGoalMs, memoryGoalMiB, rows }, null, 2)}\n`,
    );
    process.exitCode = holds ? 0 : 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
