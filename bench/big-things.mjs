/**
 * Big things through the library and the stand-in, each in a process of its own: is anything held whole? Memory is the
 * peak that the kernel saw (VmHWM); the speed of an upload stands beside `curl -T` of the same file to the same server.
 *
 *   npm run bench:big [-- NAME …]     names: upload, directory, line, output, list, crowd
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { asked } from './asked.mjs';
import { machine } from './machine.mjs';

const project = fileURLToPath(new URL('..', import.meta.url));
const MiB = 1024 * 1024;
const rows = [];
let work;

/** Peak memory of a process in MiB, as the kernel has it. */
function peakMiB(pid) {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(line?.[1]) / 1024);
}

/** The stand-in on its own; every measurement gets a fresh one. */
async function standIn(...options) {
  const data = join(work, `data-${rows.length}-${Date.now()}`);
  const child = spawn(
    process.execPath,
    [join(project, 'dist/main.js'), 'platform', '--data', data, ...options],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const [endpoint] = await once(createInterface(child.stdout), 'line');
  return {
    endpoint: String(endpoint),
    peak: () => peakMiB(child.pid),
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(data, { recursive: true });
    },
  };
}

/** Runs a function of the worker below in a process of its own. @returns what it reports, and its peak memory */
async function worker(name, argument) {
  const child = spawn(
    process.execPath,
    [fileURLToPath(import.meta.url), '--worker', name, JSON.stringify(argument)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  if (child.exitCode === null) await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`${name} ended with ${child.exitCode}`);
  return JSON.parse(text);
}

/** A JSON document of about so many bytes: rows of numbers, as solvers write them. */
function writeDocument(path, bytes) {
  const file = openSync(path, 'w');
  const row = `${JSON.stringify({ id: 123456, from: 'plant-3', to: 'customer-000042', quantity: 1234.5678 })},\n`;
  const block = row.repeat(Math.ceil(MiB / row.length));
  let written = writeSync(file, '{"rows":[');
  while (written < bytes) written += writeSync(file, block);
  writeSync(file, 'null]}');
  closeSync(file);
  return statSync(path).size;
}

const tracked = (endpoint, more) => ({ endpoint, ...more });

const measures = {
  /** 700 MiB in, and back. */
  async upload() {
    for (const size of [50, 690]) {
      const path = join(work, `input-${size}.json`);
      const bytes = writeDocument(path, size * MiB);
      const server = await standIn();
      const own = await worker('track', tracked(server.endpoint, { path }));
      const back = await worker(
        'readInput',
        tracked(server.endpoint, { runId: own.runId, directory: join(work, 'back') }),
      );
      const curlMs = curl(server.endpoint, path);
      rows.push({
        what: `input of ${size} MiB, tracked`,
        'client peak MiB': own.peakMiB,
        'stand-in peak MiB': server.peak(),
        ms: own.ms,
        'of curl -T': round(curlMs / own.ms),
      });
      rows.push({
        what: `input of ${size} MiB, read back to a file`,
        'client peak MiB': back.peakMiB,
        'stand-in peak MiB': server.peak(),
        ms: back.ms,
      });
      if (back.bytes !== bytes) throw new Error(`${back.bytes} bytes came back of ${bytes}`);
      await server.stop();
      rmSync(path);
      rmSync(join(work, 'back'), { recursive: true });
    }
  },
  /** 2 GiB as one directory and as one file. */
  async directory() {
    const directory = join(work, 'inputs');
    mkdirSync(directory);
    let bytes = 0;
    for (const part of ['a', 'b', 'c', 'd'])
      bytes += writeDocument(join(directory, `${part}.json`), 512 * MiB);
    const server = await standIn('--upload-bytes-max', String(4096 * MiB));
    const own = await worker('trackDirectory', tracked(server.endpoint, { directory }));
    const back = join(work, 'back');
    const read = await worker(
      'readDirectory',
      tracked(server.endpoint, { runId: own.runId, directory: back }),
    );
    if (read.bytes !== bytes) throw new Error(`${read.bytes} bytes came back of ${bytes}`);
    rmSync(back, { recursive: true });
    rmSync(directory, { recursive: true });
    const path = join(work, 'large.json');
    writeDocument(path, 2048 * MiB);
    const file = await worker('track', tracked(server.endpoint, { path }));
    rmSync(path);
    for (const [what, { peakMiB: peak, ms }] of [
      ['directory of 2 GiB, tracked', own],
      ['directory of 2 GiB, read back to files', read],
      ['input of 2 GiB, tracked', file],
    ])
      rows.push({ what, 'client peak MiB': peak, 'stand-in peak MiB': server.peak(), ms });
    await server.stop();
  },
  /** A line that is cut twice in the middle of everything, and one that lets 10 MB/s through. */
  async line() {
    const path = join(work, 'line.json');
    const bytes = writeDocument(path, 100 * MiB);
    const both = (fault, times) =>
      ['put', 'download'].flatMap((kind) => ['--fault', `${kind}:${fault}:${times}`]);
    for (const [what, faults] of [
      ['cut twice', both('drop-midway', 2)],
      ['at 10 MB/s down', ['--fault', 'download:trickle=10000000:always']],
    ]) {
      const server = await standIn(...faults);
      const own = await worker('track', tracked(server.endpoint, { path }));
      const directory = join(work, 'back');
      const back = await worker('readInput', tracked(server.endpoint, { runId: own.runId, directory }));
      if (back.bytes !== bytes) throw new Error(`${back.bytes} bytes came back of ${bytes}`);
      rmSync(directory, { recursive: true });
      rows.push({
        what: `100 MiB there and back, line ${what}`,
        'client peak MiB': Math.max(own.peakMiB, back.peakMiB),
        'stand-in peak MiB': server.peak(),
        ms: own.ms + back.ms,
      });
      await server.stop();
    }
    rmSync(path);
  },
  /** An output on either side of the limit between inline and by URL. */
  async output() {
    for (const bytes of [5 * MiB, 5 * MiB + 1]) {
      const server = await standIn();
      const own = await worker('trackOutput', tracked(server.endpoint, { bytes }));
      rows.push({
        what: `output of 5 MiB${bytes > 5 * MiB ? ' + 1' : ''}, result fetched`,
        'client peak MiB': own.peakMiB,
        'stand-in peak MiB': server.peak(),
        ms: own.ms,
      });
      await server.stop();
    }
  },
  /** 10,000 runs in one app. */
  async list() {
    const server = await standIn();
    await worker('fill', tracked(server.endpoint, { runs: 10_000 }));
    const own = await worker('list', tracked(server.endpoint, {}));
    rows.push({
      what: '10,000 runs listed',
      'client peak MiB': own.peakMiB,
      'stand-in peak MiB': server.peak(),
      ms: own.ms,
    });
    if (own.runs !== 10_000) throw new Error(`${own.runs} runs were listed`);
    await server.stop();
  },
  /** 64 runs with 20 MiB each at once. */
  async crowd() {
    const path = join(work, 'crowd.json');
    writeDocument(path, 20 * MiB);
    const server = await standIn();
    const own = await worker('crowd', tracked(server.endpoint, { path, runs: 64 }));
    rows.push({
      what: '64 runs of 20 MiB at once',
      'client peak MiB': own.peakMiB,
      'stand-in peak MiB': server.peak(),
      ms: own.ms,
    });
    await server.stop();
  },
};

/** How long curl takes for the same bytes to the same storage. */
function curl(endpoint, path) {
  const ticket = JSON.parse(
    spawnSync('curl', [
      '-sS',
      '-X',
      'POST',
      '-H',
      'authorization: Bearer x',
      `${endpoint}/v1/applications/bench-app/runs/uploadurl`,
    ]).stdout.toString(),
  );
  const beganMs = performance.now();
  const put = spawnSync('curl', [
    '-sS',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    '-T',
    path,
    ticket.upload_url,
  ]);
  if (put.stdout.toString() !== '200') throw new Error(`curl got ${put.stdout.toString()}`);
  return Math.round(performance.now() - beganMs);
}

const round = (value) => Math.round(value * 100) / 100;

const workers = {
  async track(application, { path }) {
    const run = { status: 'succeeded', inputFilePath: path, output: { done: true } };
    return { runId: await application.trackRun(run) };
  },
  async trackDirectory(application, { directory }) {
    const run = { status: 'succeeded', inputDirPath: directory, output: { done: true } };
    return { runId: await application.trackRun(run) };
  },
  async readDirectory(application, { runId, directory }) {
    await application.runInput(runId, { directory });
    const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
    return { bytes: sizes.reduce((a, b) => a + b, 0) };
  },
  async readInput(application, { runId, directory }) {
    const { path } = await application.runInput(runId, { directory });
    return { bytes: statSync(path).size };
  },
  async trackOutput(application, { bytes }) {
    const output = { text: 'x'.repeat(bytes - '{"text":""}'.length) };
    const result = await application.trackRunWithResult({ status: 'succeeded', input: { a: 1 }, output });
    if (result.output.data.text.length !== output.text.length) throw new Error('another output came back');
    return {};
  },
  async fill(application, { runs }) {
    const one = async () => application.trackRun({ status: 'succeeded', input: { a: 1 }, output: { b: 1 } });
    for (let made = 0; made < runs; made += 50) await Promise.all(Array.from({ length: 50 }, one));
    return {};
  },
  async list(application) {
    let runs = 0;
    for await (const run of application.listRuns()) runs += run.id === '' ? 0 : 1;
    return { runs };
  },
  async crowd(application, { path, runs }) {
    const one = async () =>
      application.trackRun({ status: 'succeeded', inputFilePath: path, output: { b: 1 } });
    await Promise.all(Array.from({ length: runs }, one));
    return {};
  },
};

if (process.argv[2] === '--worker') {
  const { Application, Client } = await import(new URL('../dist/index.js', import.meta.url));
  const argument = JSON.parse(process.argv[4]);
  const client = new Client({ endpoint: argument.endpoint, apiKey: 'x' });
  const beganMs = performance.now();
  const report = await workers[process.argv[3]](new Application({ client, id: 'bench-app' }), argument);
  const ms = Math.round(performance.now() - beganMs);
  await client.close();
  console.log(JSON.stringify({ ...report, ms, peakMiB: peakMiB(process.pid) }));
} else {
  const { names, keep } = asked({
    command: 'bench:big',
    what: 'Big things through the library and the stand-in: is anything held whole?',
    names: Object.keys(measures),
  });
  work = mkdtempSync(join(tmpdir(), 'rt-bench-'));
  try {
    for (const name of names) {
      process.stderr.write(`${name}…\n`);
      await measures[name]();
    }
    console.table(rows);
    keep('big-things.json', `${JSON.stringify({ machine: machine(), rows }, null, 2)}\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
