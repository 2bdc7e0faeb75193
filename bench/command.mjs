/**
 * What it costs, against what people would use instead: each measure takes its reference in the same run, in turn with
 * ours, so that ratios mean something on any machine; absolute figures are never compared between runs.
 *
 *   npm run bench [-- NAME…] [--rounds N] [--short] [--huge] [--list]
 *
 * Tables go to stdout, progress to stderr where that is a terminal. Each measure writes bench/results/NAME.json; the
 * table and the pictures in bench/results are made from these files. A short run, or one of less than five rounds, writes to
 * local/bench-results.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { markdownOf, tableOf } from './figures.mjs';
import { growthPicture, ratiosPicture } from './pictures.mjs';
import { endAll, sdkPython, sdkVersion } from './processes.mjs';

/** In this order: what matters most comes first. */
const names = ['drain', 'tracked', 'cost', 'finished', 'bursts', 'artefacts', 'json', 'logs', 'history'];
const roundsMin = 5;
/** What fewer rounds or a short run give is no result, and takes no result's place. */
const [results, trials] = ['results', '../local/bench-results'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    short: { type: 'boolean', default: false },
    huge: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

const load = (name) => import(new URL(`measures/${name}.mjs`, import.meta.url));

function say(line) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
}

function packageVersion(name) {
  const file = fileURLToPath(new URL(`../node_modules/${name}/package.json`, import.meta.url));
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

/** @returns the first line, without what is no version; a program that is not there is said to be so */
function printed(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', cwd: import.meta.dirname });
  if (status !== 0) return 'not there';
  const [line = ''] = stdout.split('\n');
  return /\d+(?:\.\d+)+/.exec(line)?.[0] ?? line;
}

function versions() {
  const db = new Database(':memory:');
  const sqlite = db.prepare('select sqlite_version()').pluck().get();
  db.close();
  return {
    node: process.version,
    sqlite,
    'better-sqlite3': packageVersion('better-sqlite3'),
    undici: packageVersion('undici'),
    chokidar: packageVersion('chokidar'),
    nextmv: sdkPython() === null ? 'not there' : sdkVersion,
    python: printed('python3', ['--version']),
    curl: printed('curl', ['--version']),
    strace: printed('strace', ['--version']),
    coreutils: printed('wc', ['--version']),
    runtrackd: printed('git', ['describe', '--always', '--dirty', '--exclude=*']),
    kernel: release(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
  };
}

async function play(name, rounds, into) {
  const { what, measure } = await load(name);
  const dir = mkdtempSync(join(tmpdir(), 'rt-b-'));
  // An interrupted bench leaves no folders behind either.
  // Half a million files: `rm` needs two thirds of the time.
  const removeAll = () => spawnSync('rm', ['-rf', dir]);
  process.once('exit', removeAll);
  const beganMs = performance.now();
  const load1 = loadavg()[0];
  try {
    const {
      figures,
      growth = [],
      notes = [],
    } = await measure({
      dir,
      rounds,
      isShort: values.short,
      isHuge: values.huge,
      say: (line) => say(`${name}: ${line}`),
    });
    const seconds = Math.round((performance.now() - beganMs) / 1_000);
    say('');
    console.log(`\n${name}: ${what}\n\n${tableOf(figures)}`);
    for (const note of notes) console.log(`  ${note}`);
    console.log(`  ${rounds} round${rounds === 1 ? '' : 's'}, ${seconds} s`);
    const kind = into === trials ? 'short' : 'whole';
    const result = {
      name,
      what,
      kind,
      rounds,
      seconds,
      takenAt: new Date().toISOString(),
      loadBefore: load1,
    };
    writeFileSync(
      join(into, `${name}.json`),
      `${JSON.stringify({ ...result, versions: versions(), figures, growth, notes }, null, 2)}\n`,
    );
    return figures.filter(({ holds }) => holds === false).map(({ what: figure }) => `${name}: ${figure}`);
  } finally {
    endAll();
    removeAll();
    process.off('exit', removeAll);
  }
}

function drawPictures(into) {
  const all = names
    .map((name) => join(into, `${name}.json`))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')))
    .filter(({ figures }) => figures !== undefined);
  writeFileSync(join(into, 'table.md'), markdownOf(all));
  writeFileSync(join(into, 'ratios.svg'), ratiosPicture(all));
  writeFileSync(join(into, 'growth.svg'), growthPicture(all.flatMap(({ growth }) => growth)));
}

async function list() {
  for (const name of names) console.log(`${name.padEnd(10)}${(await load(name)).what}`);
}

async function run() {
  const unknown = positionals.filter((name) => !names.includes(name));
  const rounds = Number(values.rounds ?? (values.short ? 2 : roundsMin));
  if (unknown.length > 0 || !Number.isSafeInteger(rounds) || rounds < 1) {
    console.error(
      unknown.length > 0
        ? `There is no measure ${unknown.join(', ')}; there are: ${names.join(', ')}.`
        : '--rounds is a whole number above 0.',
    );
    process.exit(2);
  }
  const into = values.short || rounds < roundsMin ? trials : results;
  mkdirSync(into, { recursive: true });
  const short = [];
  const beganMs = performance.now();
  for (const name of positionals.length > 0 ? positionals : names)
    short.push(...(await play(name, rounds, into)));
  drawPictures(into);
  if (into === trials) console.log(`\nno results, and kept apart from them: ${into}`);
  console.log(`\n${((performance.now() - beganMs) / 60_000).toFixed(1)} minutes`);
  console.log(
    short.length === 0 ? '\nall goals hold' : `\nfalls short of its goal:\n  ${short.join('\n  ')}`,
  );
  // Whether goals hold is said, and is no failure of the bench: on a busy machine it proves nothing.
}

await (values.list ? list() : run());
process.exit();
