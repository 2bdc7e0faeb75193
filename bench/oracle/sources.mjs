/**
 * The folder changes while it is uploaded: storage takes the head of an upload, the folder is changed, and only then is
 * the rest read. The inputs are larger than what sockets hold between the two processes, so that most of the bytes
 * leave the disk after the change.
 */
import { appendFile, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { contentOf } from './ledger.mjs';

/** Loopback holds some megabytes of an upload that nobody reads. */
const inputBytes = 8 * 1024 * 1024;
/** A writer's pause, longer than the drop root's `quiet`. */
const pauseMs = 200;
/** A change that does not happen within this is missed, and counted so. */
const turnMsMax = 60_000;

/** One folder of the ledger, with what is in its files. */
class Source {
  files;
  #ledger;
  #name;

  constructor(ledger) {
    this.#ledger = ledger;
    this.#name = ledger.drop({ bytes: inputBytes });
    this.files = contentOf(this.#name, 1, { bytes: inputBytes });
  }

  path(file = '.') {
    return join(this.#ledger.path(this.#name), file);
  }

  /** Tells the ledger first: whoever reads the files from now on may find this. */
  becomes(files) {
    this.files = files;
    this.#ledger.note(this.#name, files);
  }

  next() {
    return contentOf(this.#name, 2, { bytes: inputBytes });
  }

  gone() {
    this.#ledger.noteGone(this.#name);
  }

  back() {
    this.#ledger.noteBack(this.#name);
  }

  anotherLog(text) {
    this.#ledger.noteLog(this.#name, text);
  }

  /** Several files are changed while meta.json, which a solver's script writes last, is not there. */
  async withoutMeta(work) {
    await rm(this.path('meta.json'));
    await work();
    await writeFile(this.path('meta.json'), JSON.stringify({ status: 'succeeded', duration: 2 }));
  }
}

/** What a solver, or somebody who tidies up, does to a folder. */
const changes = {
  /** White space at the end: still JSON, and another generation. */
  async append(source) {
    source.becomes({ ...source.files, 'input.json': `${source.files['input.json']}\n` });
    await appendFile(source.path('input.json'), '\n');
  },
  /** Cut to nothing, and written anew in two goes. */
  async truncate(source) {
    source.becomes(source.next());
    const { 'input.json': input, ...others } = source.files;
    await source.withoutMeta(async () => {
      await writeFile(source.path('input.json'), input.slice(0, input.length / 2));
      await sleep(pauseMs);
      await appendFile(source.path('input.json'), input.slice(input.length / 2));
      for (const [file, text] of Object.entries(others)) await writeFile(source.path(file), text);
    });
  },
  /** Other files, renamed into the place of the old ones. */
  async replace(source) {
    source.becomes(source.next());
    await source.withoutMeta(async () => {
      for (const [file, text] of Object.entries(source.files)) {
        await writeFile(source.path(`${file}.tmp`), text);
        await rename(source.path(`${file}.tmp`), source.path(file));
      }
    });
  },
  /** As many other bytes in the same place, and the times set back: only the inode's own time tells. */
  async forge(source) {
    const tail = 'yyy"}';
    const input = source.files['input.json'].slice(0, -tail.length) + tail;
    source.becomes({ ...source.files, 'input.json': input });
    const file = await open(source.path('input.json'), 'r+');
    try {
      const { atime, mtime } = await file.stat();
      await file.write(tail, input.length - tail.length);
      await file.utimes(atime, mtime);
    } finally {
      await file.close();
    }
  },
  /** The log goes on: the same generation, sent with one log or the other. */
  async log(source) {
    source.anotherLog(`${source.files['run.log']}one more line\n`);
    await appendFile(source.path('run.log'), 'one more line\n');
  },
  async vanish(source) {
    source.gone();
    await rename(source.path(), `${source.path()}.tmp`);
  },
  /** Away for a while, and back as it was. */
  async leave(source) {
    source.gone();
    await rename(source.path(), `${source.path()}.tmp`);
    await sleep(2 * pauseMs);
    source.back();
    await rename(`${source.path()}.tmp`, source.path());
  },
};
export const sourceChanges = Object.keys(changes);

/** @param times each change happens to so many folders, during the first, second or third upload of the folder */
export async function sources(stage, chance, times, names = sourceChanges) {
  await stage.warmUp();
  const changed = Object.fromEntries(names.map((name) => [name, 0]));
  const daemon = stage.start();
  await daemon.untilRunning();
  const turns = chance.shuffled(names.flatMap((name) => Array.from({ length: times }, () => name)));
  for (const [turn, name] of turns.entries()) {
    if (await changedDuringUpload(stage, 1 + (turn % 3), changes[name])) changed[name] += 1;
  }
  const noticed = daemon.changesNoticed;
  const happened = Object.fromEntries(names.map((name) => [name, { times: changed[name], least: times }]));
  const judged = await stage.verdict(
    { ...happened, 'changes that the daemon noticed in the middle': { times: noticed, least: 1 } },
    daemon,
  );
  return { ...judged, counts: { ...judged.counts, changed, noticed } };
}

/** @returns whether the change happened */
async function changedDuringUpload(stage, atPut, change) {
  const source = new Source(stage.ledger);
  let puts = 0;
  let under = null;
  let isOver = false;
  stage.onRequest = async ({ kind, phase }) => {
    if (kind !== 'put' || phase !== 'received') return;
    puts += 1;
    if (puts === atPut) {
      under = Promise.resolve(change(source)).then(() => {
        isOver = true;
      });
    }
    // All uploads that are under way wait, so that what they still read is what is there now.
    if (puts >= atPut && !isOver) await under;
  };
  const giveUpMs = performance.now() + turnMsMax;
  while (!(isOver && stage.open().length === 0) && performance.now() < giveUpMs) await sleep(50);
  stage.onRequest = null;
  return isOver;
}
