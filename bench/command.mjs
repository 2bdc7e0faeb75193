/**
 * What it costs, against what people would use instead: each measure takes its reference in the same run, in turn with
 * ours, so that ratios mean something on any machine; absolute figures are never compared between runs.
 *
 *   npm run bench [-- NAME…] [--rounds N] [--short] [--huge] [--list]
 *
 * Tables go to stdout, progress to stderr where that is a terminal. Each measure writes bench/results/NAME.json; the
 * table and the pictures in bench/results are made from these files, whatever became of the other measures. What is no
 * result is written to local/bench-results: a short run, one of less than five rounds, a measure with a goal that could not
 * be measured.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { askedFor, help, kindOf, measureNames } from './askedFor.mjs';
import { markdownOf, tableOf, verdictLines } from './figures.mjs';
import { watchOthers } from './othersLoad.mjs';
import { growthPicture, ratiosPicture } from './pictures.mjs';
import { endAll, sdkPython, sdkVersion } from './processes.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [results, trials] = [here('results'), here('../local/bench-results')];

const load = (name) => import(new URL(`measures/${name}.mjs`, import.meta.url));

function say(line) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
}

function packageVersion(name) {
  return JSON.parse(readFileSync(here(`../node_modules/${name}/package.json`), 'utf8')).version;
}

/** @returns the first line, without what is no version; a program that is not there is said to be so */
function printed(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', cwd: import.meta.dirname });
  if (status !== 0) return 'not there';
  const [line = ''] = stdout.split('\n');
  return /\d+(?:\.\d+)+/.exec(line)?.[0] ?? line;
}

/** Once, at the beginning: what this command writes is no change of what it measures. */
function versionsNow() {
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

/** @returns what was measured, and the directory that it was written to */
async function play(name, asked, versions) {
  const { what, measure } = await load(name);
  const dir = mkdtempSync(join(tmpdir(), 'rt-b-'));
  // An interrupted bench leaves no folders behind either.
  // Half a million files: `rm` needs two thirds of the time.
  const removeAll = () => spawnSync('rm', ['-rf', dir]);
  process.once('exit', removeAll);
  const beganMs = performance.now();
  const othersNow = watchOthers();
  try {
    const { rounds, isShort, isHuge } = asked;
    const measured = await measure({
      dir,
      rounds,
      isShort,
      isHuge,
      say: (line) => say(`${name}: ${line}`),
    });
    const { figures, growth = [], notes = [] } = measured;
    const seconds = Math.round((performance.now() - beganMs) / 1_000);
    const others = othersNow();
    const kind = kindOf(asked, figures);
    const into = kind === 'whole' || kind === 'huge' ? results : trials;
    say('');
    console.log(`\n${name}: ${what}\n\n${tableOf(figures)}`);
    for (const note of notes) console.log(`  ${note}`);
    console.log(
      `  ${rounds} round${rounds === 1 ? '' : 's'}, ${seconds} s, others kept ${others.othersCores} of ${others.cores} cores busy`,
    );
    if (into === trials) console.log(`  no result (${kind}), and kept apart from them: ${into}`);
    const takenAt = new Date().toISOString();
    const result = { name, what, kind, rounds, seconds, takenAt, load: others, versions };
    mkdirSync(into, { recursive: true });
    writeFileSync(
      join(into, `${name}${kind === 'huge' ? hugeSuffix : ''}.json`),
      `${JSON.stringify({ ...result, figures, growth, notes }, null, 2)}\n`,
    );
    return { name, kind, figures, into };
  } finally {
    endAll();
    removeAll();
    process.off('exit', removeAll);
  }
}

const hugeSuffix = '-huge';

function drawPictures(into) {
  const read = (suffix) =>
    measureNames
      .map((name) => join(into, `${name}${suffix}.json`))
      .filter((file) => existsSync(file))
      .map((file) => JSON.parse(readFileSync(file, 'utf8')))
      .filter(({ figures }) => figures !== undefined);
  const usual = read('');
  writeFileSync(join(into, 'table.md'), markdownOf([...usual, ...read(hugeSuffix)]));
  writeFileSync(join(into, 'ratios.svg'), ratiosPicture(usual));
  writeFileSync(join(into, 'growth.svg'), growthPicture(usual.flatMap(({ growth }) => growth)));
}

/** The measures are of the program as it is built. */
function build() {
  const { status } = spawnSync(process.execPath, [here('../.config/build.mjs')], {
    cwd: here('..'),
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.exit(1);
}

async function run(asked) {
  const versions = versionsNow();
  const [measured, written] = [[], new Set()];
  let failures = 0;
  const failed = (what, error) => {
    failures += 1;
    say('');
    console.error(`\n${what} failed: ${error instanceof Error ? error.stack : String(error)}`);
  };
  process.on('unhandledRejection', (error) => failed('something beside the measures', error));
  // However it ends: the table is that of the figures beside it.
  process.once('exit', () => {
    for (const into of written) drawPictures(into);
  });
  const beganMs = performance.now();
  for (const name of asked.names) {
    try {
      const played = await play(name, asked, versions);
      written.add(played.into);
      measured.push(played);
    } catch (error) {
      failed(name, error);
    }
  }
  console.log(`\n${((performance.now() - beganMs) / 60_000).toFixed(1)} minutes\n`);
  for (const line of verdictLines(measured)) console.log(line);
  if (failures > 0) console.error(`\nnot all could be played: ${failures} failed`);
  // Whether goals hold is said, and is no failure of the bench: on a busy machine it proves nothing.
  return failures === 0 ? 0 : 1;
}

async function main() {
  const asked = askedFor(process.argv.slice(2));
  if ('problem' in asked) {
    console.error(asked.problem);
    return 2;
  }
  if (asked.isHelp) {
    console.log(help);
    return 0;
  }
  build();
  if (asked.isList) {
    for (const name of asked.names) console.log(`${name.padEnd(10)}${(await load(name)).what}`);
    return 0;
  }
  return await run(asked);
}

process.exit(await main());
