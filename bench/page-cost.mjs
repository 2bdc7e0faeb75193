/**
 * What ten open pages cost the daemon while runs come in. The CPU of one daemon is taken in turn with and without
 * readers, and a turn with them is compared with the mean of the turns before and after it: the more folders there are the
 * more a turn costs, and that is not the readers' doing.
 *
 *   npm run bench:page [-- --rounds 5]
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request as ask } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { asked } from './asked.mjs';
import { median } from './figures.mjs';
import { machine } from './machine.mjs';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const program = join(project, 'dist/main.js');
const readers = 10;
const runsPerSecond = 100;
const turnMs = 20_000;
const { values, keep } = asked({
  command: 'bench:page',
  what: 'What ten open pages cost the daemon while a hundred runs a second come in.',
  options: { rounds: { what: 'turns with pages, each between two without', usual: 5 } },
});
const { rounds } = values;

const dir = mkdtempSync(join(tmpdir(), 'rt-page-'));
const config = join(dir, 'config.yaml');
mkdirSync(join(dir, 'runs'));
writeFileSync(
  config,
  JSON.stringify({
    state_dir: './state',
    host: 'bench',
    platform: { kind: 'stand-in' },
    http: { listen: '127.0.0.1:0', access: 'open' },
    log: { level: 'warn' },
    drop_roots: [{ path: './runs', app: 'bench', quiet: '200ms' }],
  }),
);

let dropped = 0;
function drop() {
  const name = `run-${String((dropped += 1))}`;
  const aside = join(dir, 'aside');
  mkdirSync(aside);
  writeFileSync(join(aside, 'input.json'), JSON.stringify({ name }));
  writeFileSync(join(aside, 'output.json'), JSON.stringify({ plan: name }));
  writeFileSync(join(aside, 'meta.json'), '{"status":"succeeded","duration":1}');
  renameSync(aside, join(dir, 'runs', name));
}

/** User and system time of a process, in ms. */
function cpuMs(pid) {
  const fields = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    .split(') ')[1]
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function open(origin) {
  return new Promise((resolve_, reject) => {
    const request = ask(`${origin}/page/stream`, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve_(request);
      else reject(new Error(`the stream answers ${String(response.statusCode)}`));
    });
    request.on('error', () => undefined);
    request.end();
  });
}

/** One turn. @returns CPU in ms per second, and how many runs came in */
async function turn(pid) {
  const [fromMs, fromCpuMs, from] = [performance.now(), cpuMs(pid), dropped];
  while (performance.now() - fromMs < turnMs) {
    const due = Math.floor(((performance.now() - fromMs) / 1000) * runsPerSecond);
    while (dropped - from < due) drop();
    await sleep(20);
  }
  const seconds = (performance.now() - fromMs) / 1000;
  return { cpuMsPerS: (cpuMs(pid) - fromCpuMs) / seconds, runsPerS: (dropped - from) / seconds };
}

const daemon = spawn(process.execPath, [program, 'run', '-c', config], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
try {
  let origin = null;
  while (origin === null) {
    await sleep(1_000);
    origin = JSON.parse(execFileSync(process.execPath, [program, 'status', '-c', config, '--json'])).http;
  }
  await turn(daemon.pid);
  let before = await turn(daemon.pid);
  const pairs = [];
  for (let round = 0; round < rounds; round += 1) {
    const opened = await Promise.all(Array.from({ length: readers }, () => open(origin)));
    const withReaders = await turn(daemon.pid);
    for (const request of opened) request.destroy();
    const after = await turn(daemon.pid);
    const without = (before.cpuMsPerS + after.cpuMsPerS) / 2;
    pairs.push({ before, withReaders, after, costMsPerS: withReaders.cpuMsPerS - without });
    before = after;
    console.log(
      `round ${String(round + 1)}: ${without.toFixed(0)} ms/s without, ${withReaders.cpuMsPerS.toFixed(0)} ms/s with ${String(readers)} pages`,
    );
  }
  const share = median(pairs.map(({ costMsPerS }) => costMsPerS)) / 1000;
  console.log(`median ${(share * 100).toFixed(2)} % of a core (goal: less than 1 %)`);
  keep(
    'page-cost.json',
    `${JSON.stringify({ machine: machine(), readers, runsPerSecond, turnMs, pairs, medianShareOfCore: share }, null, 2)}\n`,
  );
} finally {
  const ended = new Promise((done) => daemon.once('exit', done));
  daemon.kill('SIGTERM');
  await ended;
  rmSync(dir, { recursive: true, force: true });
}
