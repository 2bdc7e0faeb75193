/**
 * What a long history costs: an outbox with so many recorded runs beside one with a thousand, and one without any, in turn,
 * each looked at by a process of its own (historyLook.mjs).
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { figure, median, rounded } from '../figures.mjs';
import { addRecorded } from '../finishedFolders.mjs';
import { report } from '../processes.mjs';

export const what =
  'an outbox with a million runs beside one with a thousand, or none: open, claim, list, status';

const sizes = [1_000, 10_000, 100_000, 1_000_000];
const sizesShort = [1_000, 10_000];
const roundsOfPoint = 2;

export async function measure({ dir, rounds, isShort, say }) {
  const place = (name) => {
    const path = join(dir, name);
    mkdirSync(path);
    return path;
  };
  const [empty, small, full] = [place('empty'), place('small'), place('full')];
  await fillUp(empty, 0, 0);
  await fillUp(small, 0, sizes[0]);
  const seen = [];
  let made = 0;
  for (const size of isShort ? sizesShort : sizes) {
    say(`${size} runs are written`);
    await fillUp(full, made, size);
    made = size;
    const at = { size, empty: [], small: [], full: [], bytes: statSync(join(full, 'outbox.db')).size / size };
    // Only the largest is a figure, the others are points of a curve.
    const isLast = size === (isShort ? sizesShort : sizes).at(-1);
    for (let round = 0; round < (isLast ? rounds : Math.min(rounds, roundsOfPoint)); round += 1) {
      say(`${size} runs, round ${round + 1}`);
      // It stays empty: what is claimed there is rolled back.
      if (isLast) at.empty.push(await look(empty, `${size}-${round}`));
      if (isLast) at.small.push(await look(small, `${size}-${round}`));
      at.full.push(await look(full, `${size}-${round}`));
    }
    seen.push(at);
  }
  return { figures: figuresOf(seen.at(-1)), growth: growthOf(seen) };
}

const look = (stateDir, round) =>
  report(process.execPath, [fileURLToPath(new URL('../historyLook.mjs', import.meta.url)), stateDir, round]);

/** Rows without folders on a disk. */
async function fillUp(stateDir, from, to) {
  const folderOf = (n) => ({
    path: `weekly/plan-${n}`,
    signature: `signature-${n}`,
    directory: ['65024', String(n + 1), `17000000${String(n).padStart(11, '0')}`],
  });
  await addRecorded({ stateDir, endpoint: 'https://platform.test', host: 'bench', from, to, folderOf });
}

function figuresOf({ size, empty, small, full, bytes }) {
  const of = `${size.toLocaleString('en')} runs`;
  const beside = (key, what, unit, goal = null) =>
    figure({
      what: `${of}: ${what}`,
      unit,
      ours: full.map((one) => one[key]),
      beside: { name: 'with 1,000', values: small.map((one) => one[key]) },
      goal,
    });
  return [
    figure({
      what: `${of}: claim a run and conclude it`,
      unit: 'ms',
      ours: full.map(({ claimMs }) => claimMs),
      beside: { name: 'with none', values: empty.map(({ claimMs }) => claimMs) },
      goal: { of: 'ratio', atMost: rounded(1 / 0.9) },
      note: 'the statements alone, without the disk',
    }),
    beside('openMs', 'open', 'ms'),
    beside('listMs', 'list the newest 50', 'ms', { of: 'ratio', atMost: 2 }),
    beside('countsMs', 'the counts of status', 'ms'),
    figure({
      what: `${of}: a change through the outbox's thread`,
      unit: 'ms',
      ours: full.map(({ changeMs }) => changeMs),
      beside: { name: 'bare SQLite commit', values: full.map(({ bareCommitMs }) => bareCommitMs) },
    }),
    figure({ what: `${of}: outbox, without histories`, unit: 'bytes a run', ours: [bytes] }),
  ];
}

function growthOf(seen) {
  const line = (name, key) => ({
    name,
    points: seen.map(({ size, full }) => [size, rounded(median(full.map((one) => one[key])))]),
  });
  return [
    {
      title: 'Asked of an outbox',
      unit: 'ms',
      x: 'recorded runs',
      lines: [line('claim and conclude', 'claimMs'), line('counts of status', 'countsMs')],
    },
    { title: 'Opening an outbox', unit: 'ms', x: 'recorded runs', lines: [line('runtrackd', 'openMs')] },
  ];
}
