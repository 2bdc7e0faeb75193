/** What the commands share: their options, lanes that work side by side, a line on progress, the results file. */
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asked } from '../asked.mjs';
import { machine } from '../machine.mjs';
import { chanceOf } from './chance.mjs';
import { impatientProgram } from './program.mjs';
import { Stage } from './stage.mjs';

/** A round on a machine that is too busy is played so often. */
const triesMax = 3;
/** What a breach was found in stays here: it may never happen again. */
const brokenDir = fileURLToPath(new URL('../../local/broken', import.meta.url));
const resultsFile = 'oracle.json';

/**
 * @param command as `npm run` has it
 * @param what in a sentence
 * @param sizes `{ option: [what, usual] }`: less than that is no result
 * @param scenarios by name, each gives its rounds for the options
 */
export async function play({ command, what, sizes, lanes = 2, scenarios }) {
  const options = {
    ...Object.fromEntries(
      Object.entries(sizes).map(([name, [told, usual]]) => [name, { what: told, usual, result: 'more' }]),
    ),
    lanes: { what: 'rounds side by side', usual: lanes, result: 'any' },
    seed: { what: 'which chances are taken', usual: 1, result: 'any' },
  };
  const { values, names, ...places } = asked({
    command,
    what,
    options,
    names: Object.keys(scenarios),
    isEachApart: true,
  });
  const dir = mkdtempSync(join(tmpdir(), 'rt-o-'));
  const beganMs = Date.now();
  const tallies = {};
  try {
    const mainFile = await impatientProgram(join(dir, 'program'));
    console.log(`seed ${values.seed}: --seed ${values.seed} plays this again, as far as timing allows`);
    for (const name of names) {
      const rounds = scenarios[name](values);
      // What cannot be played here is no result.
      if (rounds.length === 0) continue;
      tallies[name] = { rounds: 0, broken: [] };
      await playAll(rounds, { ...values, dir, mainFile, beganMs, tally: tallies[name] });
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const minutes = Math.round((Date.now() - beganMs) / 6_000) / 10;
  keepAll(tallies, { machine: machine(), seed: values.seed, minutes }, places);
  const broken = Object.values(tallies).flatMap((tally) => tally.broken);
  console.log(broken.length === 0 ? 'all six properties hold' : `${broken.length} breaches`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

/** Plays rounds in so many lanes; a round has a stage and a chance of its own, whichever lane it is in. */
async function playAll(rounds, { lanes, seed, dir, mainFile, beganMs, tally }) {
  const waiting = rounds.map((round, place) => ({ ...round, place }));
  let left = rounds.length;
  const lane = async () => {
    for (let round = waiting.shift(); round !== undefined; round = waiting.shift()) {
      const keepIn = join(brokenDir, `${round.name.replaceAll(' ', '-')}-seed-${seed}`);
      const { broken, counts } = await playRound(round, seed, dir, mainFile, keepIn);
      if (broken.length > 0) console.log(`kept: ${keepIn}`);
      add(tally, counts);
      tally.rounds += 1;
      for (const { property, what } of broken) console.log(`BROKEN ${property} (${round.name}): ${what}`);
      tally.broken.push(...broken.map((one) => ({ round: round.name, ...one })));
      left -= 1;
      tell(tally, left, beganMs);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/**
 * Plays a round; one that proves nothing because this process itself was too slow is played again.
 * @param keepIn where a broken round's stage is kept; null: it is thrown away
 * @returns the verdict; a round that fails in itself is a breach like any other
 */
export async function playRound(round, seed, dir, mainFile, keepIn = null) {
  let voids = 0;
  for (;;) {
    const judged = await playOnce(round, seed, dir, mainFile, keepIn);
    const { broken, counts, isVoid = false } = judged;
    if (!isVoid || broken.length > 0) return { broken, counts: { ...counts, voids } };
    voids += 1;
    if (voids < triesMax) continue;
    const what = `${round.name}: this machine is too busy: ${counts.stalledMsMax} ms late`;
    return { broken: [{ property: 'the round itself', what }], counts: { ...counts, voids } };
  }
}

async function playOnce({ name, place, play }, seed, dir, mainFile, keepIn) {
  const stage = await Stage.begin(join(dir, `s${place}`), mainFile);
  let judged;
  try {
    judged = await play(stage, chanceOf(seed * 1_000_003 + place));
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    judged = { broken: [{ property: 'the round itself', what: `${name}: ${what}` }], counts: {} };
  }
  await stage.end(judged.broken.length > 0 ? keepIn : null);
  return judged;
}

/** Numbers are added up, the largest of those that are called `…Max` is kept. */
function add(tally, counts) {
  for (const [name, value] of Object.entries(counts)) {
    if (typeof value === 'object') add((tally[name] ??= {}), value);
    else if (name.endsWith('Max')) tally[name] = Math.max(tally[name] ?? 0, value);
    else tally[name] = (tally[name] ?? 0) + value;
  }
}

function tell({ kills = 0, folders = 0, runs = 0, lost = 0, doubled = 0, broken }, left, beganMs) {
  const minutes = ((Date.now() - beganMs) / 60_000).toFixed(1);
  const line =
    `${minutes} min: ${kills} kills, ${folders} folders, ${runs} runs, ${lost} lost, ${doubled} doubled, ` +
    `${broken.length} breaches; ${left} round(s) to go`;
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}${left === 0 ? '\n' : ''}` : `${line}\n`);
}

/** Each scenario's figures take the place of its earlier ones, and of no others. */
function keepAll(tallies, how, { keep, placeOf }) {
  let scenarios = {};
  try {
    ({ scenarios } = JSON.parse(readFileSync(placeOf(resultsFile), 'utf8')));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  for (const [name, tally] of Object.entries(tallies)) scenarios[name] = { ...how, ...tally };
  keep(resultsFile, `${JSON.stringify({ scenarios }, null, 2)}\n`);
}
