/**
 * Where the main thread spends its time while a backlog drains: the daemon as a user runs it, under V8's profiler, and its
 * functions by the time that is spent in themselves. Starting and idling count for little beside it, and are in it.
 *
 *   npm run bench:profile [-- --folders 2000]
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dropAll, prepare } from './finishedFolders.mjs';
import * as processes from './processes.mjs';

const { values } = parseArgs({ options: { folders: { type: 'string', default: '2000' } } });
const folders = Number(values.folders);
const topMax = 20;
const project = fileURLToPath(new URL('..', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'rt-p-'));
const profileDir = join(dir, 'profiles');

async function drain() {
  const platform = await processes.Platform.start();
  const stage = new processes.Stage(dir, platform.endpoint, { quiet: '200ms' });
  const daemon = stage.daemon({ flags: ['--cpu-prof', `--cpu-prof-dir=${profileDir}`] });
  await processes.scanned(daemon);
  dropAll(stage, prepare(stage.aside, 'profile', folders));
  await processes.recorded(daemon, folders);
  // The profile is written when the process ends by itself.
  await processes.stop(daemon);
  await platform.end();
}

/** @returns ms that the samples fell into each function itself, by its name and place */
function selfTimes({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map();
  for (const [index, id] of samples.entries()) {
    const place = placeOf(frames.get(id));
    times.set(place, (times.get(place) ?? 0) + timeDeltas[index] / 1_000);
  }
  return times;
}

function placeOf({ functionName, url, lineNumber }) {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = url.startsWith('file://') ? relative(project, fileURLToPath(url)) : relativeIn(url);
  return `${name} ${file}:${lineNumber + 1}`;
}

const relativeIn = (path) => (path.startsWith(project) ? relative(project, path) : path);

/** The main thread has the number 0; whichever others there are have profiles of their own. */
function mainProfile() {
  const name = readdirSync(profileDir).find((file) => /\.0\.\d+\.cpuprofile$/.test(file));
  return JSON.parse(readFileSync(join(profileDir, name), 'utf8'));
}

try {
  mkdirSync(profileDir);
  await drain();
  const times = selfTimes(mainProfile());
  const idleMs = times.get('(idle)') ?? 0;
  times.delete('(idle)');
  const busyMs = [...times.values()].reduce((a, b) => a + b, 0);
  const rows = [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, topMax)
    .map(
      ([place, ms], index) =>
        `| ${index + 1} | ${Math.round(ms)} | ${((100 * ms) / busyMs).toFixed(1)} | \`${place}\` |`,
    );
  const text = `# Where the main thread spends its time

${folders} folders at once, node ${process.version}, ${cpus().length} cores (\`npm run bench:profile\`). Busy ${Math.round(busyMs)} ms, ${(busyMs / folders).toFixed(2)} ms a
run, with starting; idle ${Math.round(idleMs)} ms. On a machine that does other things too all of them take longer: the shares count.

|   # | ms in itself | % of busy | function |
| --: | -----------: | --------: | :------- |
${rows.join('\n')}
`;
  writeFileSync(join(project, 'bench/results/profile-drain.md'), text);
  console.log(text);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
