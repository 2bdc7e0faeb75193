/**
 * Scenario: the outbox is damaged, again and again, at rest and under the daemon, as disks and people do it. Each time
 * the daemon is running or has ended with a code of its own within half a minute, and nothing is sent twice.
 */
import { Buffer } from 'node:buffer';
import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { foreignRun } from './others.mjs';
import { answersOrEnds, end, revive, shuffledDeeds, verdictOf } from './revival.mjs';

/** The codes that are written down: not one that this version may use; trouble with the file. */
const codes = [65, 74];
/** A page of the list holds fewer runs than others make at each damage: what an older outbox does not know lies behind it. */
const pageSize = 5;
const foreignRuns = 6;
/** Outboxes that are kept aside; with more the daemon says that the disk is at fault. */
const asideMax = 5;

/** What is done to the outbox: a name for the counts, and the deed. */
export const damages = {
  'flipped bytes': (place, chance) => flip(place, '', chance, chance.one([1, 1, 1, 4, 64])),
  'flipped bytes of a page': (place, chance) => flip(place, '', chance, 16, 4096),
  'flipped bytes of the journal': (place, chance) => flip(place, '-wal', chance, chance.one([1, 8])),
  'flipped bytes of the header': (place, chance) => flip(place, '', chance, 2, 100),
  'zeroed page': (place, chance) => overwrite(place, '', (size) => pageIn(size, chance), Buffer.alloc(4096)),
  'cut short': (place, chance) => cut(place, '', chance),
  'journal cut short': (place, chance) => cut(place, '-wal', chance),
  'journal deleted': (place) => remove(place, '-wal'),
  deleted: (place) => remove(place, ''),
  'deleted with its journal': (place) =>
    ['', '-wal', '-shm'].map((ending) => remove(place, ending)).some(Boolean),
  'garbage instead': (place, chance) => overwrite(place, '', () => 0, noise(chance, 8192)),
  'put back from a copy': putBack,
};

/** @param times how many damages in this round */
export async function damage(stage, chance, times) {
  const place = { db: join(stage.stateDir, 'outbox.db'), copy: join(stage.dir, 'outbox.copy') };
  const runtimeDir = join(stage.dir, 'runtime');
  mkdirSync(runtimeDir, { mode: 0o700 });
  await stage.warmUp();
  stage.endsWith(codes);
  stage.faults.pageSize = pageSize;
  const done = {};
  const late = [];
  // 65 is a person's matter.
  const cleared = (code) => {
    if (code !== 65) return;
    for (const ending of ['', '-wal', '-shm']) rmSync(`${place.db}${ending}`, { force: true });
  };
  const revived = () => revive(stage, chance.one([{}, { RUNTIME_DIRECTORY: runtimeDir }]), late, cleared);
  for (const name of shuffledDeeds(Object.keys(damages), chance, times)) {
    tidy(stage.stateDir);
    let daemon = await revived();
    for (let n = chance.whole(0, 2); n > 0; n -= 1) stage.ledger.drop();
    await sleep(chance.whole(0, 600));
    if (!existsSync(place.copy) || chance.next() < 0.2) copyAside(place);
    const isUnder = chance.next() < 0.4;
    if (!isUnder) await end(daemon, chance, late);
    const isDone = damages[name](place, chance);
    const what = `${name}, ${isUnder ? 'under the daemon' : 'at rest'}`;
    if (isDone) done[what] = (done[what] ?? 0) + 1;
    for (let n = 0; n < foreignRuns; n += 1) await foreignRun(stage);
    if (!isUnder) daemon = await revived();
    stage.ledger.drop();
    await sleep(chance.whole(0, 800));
    await answersOrEnds(daemon, late, what);
    await end(daemon, chance, late);
  }
  const counted = Object.values(done).reduce((sum, n) => sum + n, 0);
  const happened = { damages: { times: counted, least: Math.ceil(times / 2) } };
  const judged = await verdictOf(stage, revived, happened, late);
  return { ...judged, counts: { ...judged.counts, damages: counted, damaged: done } };
}

function tidy(stateDir) {
  const kept = readdirSync(stateDir).filter((name) => name.startsWith('outbox.db.damaged-'));
  if (kept.length > asideMax) for (const name of kept) rmSync(join(stateDir, name));
}

/** With its journal, as a copy of both files is. */
function copyAside({ db, copy }) {
  for (const ending of ['', '-wal']) {
    rmSync(`${copy}${ending}`, { force: true });
    if (existsSync(`${db}${ending}`)) copyFileSync(`${db}${ending}`, `${copy}${ending}`);
  }
}

function putBack({ db, copy }) {
  if (!existsSync(copy)) return false;
  for (const ending of ['', '-wal', '-shm']) rmSync(`${db}${ending}`, { force: true });
  for (const ending of ['', '-wal'])
    if (existsSync(`${copy}${ending}`)) copyFileSync(`${copy}${ending}`, `${db}${ending}`);
  return true;
}

function remove({ db }, ending) {
  const isThere = existsSync(`${db}${ending}`);
  rmSync(`${db}${ending}`, { force: true });
  return isThere;
}

function withFile({ db }, ending, use) {
  if (!existsSync(`${db}${ending}`)) return false;
  const file = openSync(`${db}${ending}`, 'r+');
  try {
    const { size } = fstatSync(file);
    if (size === 0) return false;
    use(file, size);
    return true;
  } finally {
    closeSync(file);
  }
}

/** @param within so many bytes from a random page on; null: anywhere */
function flip(place, ending, chance, count, within = null) {
  return withFile(place, ending, (file, size) => {
    const from = within === null ? 0 : within === 100 ? 0 : pageIn(size, chance);
    const length = Math.min(size - from, within ?? size);
    for (let n = 0; n < count; n += 1) {
      const at = from + chance.whole(0, length - 1);
      writeSync(file, Buffer.from([chance.whole(0, 255)]), 0, 1, at);
    }
  });
}

function overwrite(place, ending, at, bytes) {
  return withFile(place, ending, (file, size) => writeSync(file, bytes, 0, bytes.length, at(size)));
}

function cut(place, ending, chance) {
  return withFile(place, ending, (file, size) => ftruncateSync(file, chance.whole(0, size - 1)));
}

function pageIn(size, chance) {
  return 4096 * chance.whole(0, Math.max(0, Math.ceil(size / 4096) - 1));
}

function noise(chance, bytes) {
  return Buffer.from(Array.from({ length: bytes }, () => chance.whole(0, 255)));
}
