/**
 * The names in a directory of any size, for a thread: by calls that block, which cost a third of the others, and in turns,
 * so that other jobs of the thread come in between.
 */
import { opendirSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Names in a block: whoever asked goes through them page by page. */
const namesOfBlock = 1_024;
/** Entries that are read before others have their turn: some ms. */
const entriesOfTurn = 4 * namesOfBlock;
/** Entries that are fetched from the system at once. */
const bufferSize = 1_024;
/** Files in a directory that are named: more than enough to tell those of a run. */
const filesMax = 1_000;
/** Symbolic links in a directory that are named: each is asked where it leads, and a person is told of one. */
const linksMax = 100;
/** What no name has in it. */
const separator = '/';

/** When a directory last changed, by the clock of its file system. */
export interface DirectoryTimes {
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Clocks of file systems are coarse, of FAT down to 2 s: a change in the same tick shows in no time. In ms. */
const tickMsMax = 2_000;

/** Whether whatever changes it from now on shows in its times: then the same times mean the same names. */
export function hasRested({ mtimeNs, ctimeNs }: DirectoryTimes, nowMs: number): boolean {
  return nowMs - Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n) >= tickMsMax;
}

export interface DirectoryNames {
  readonly times: DirectoryTimes;
  /** How many, of any kind. */
  readonly entries: number;
  /**
   * Its directories in blocks of names (`namesIn`), which are handed over and not copied. In order, because the outbox has
   * them in order too, and finds neighbours in half the time.
   */
  readonly directories: readonly Uint8Array[];
  /** What else is in it: of a thousand the names, for whoever looks for files of a run. */
  readonly files: readonly string[];
  /** Symbolic links, of a hundred the names: they are among the files too, and nobody has asked where they lead. */
  readonly links: readonly string[];
  /** Directories and links whose names are not UTF-8: by such a name nothing can be opened. */
  readonly unreadable: { readonly count: number; readonly example: string };
}

/**
 * @param before its times when it was last listed; null: it never was
 * @param beat told that it gets on
 * @returns null: it has not changed since. @throws system errors
 */
export async function directoryNames(
  path: string,
  before: DirectoryTimes | null,
  beat: () => void,
): Promise<DirectoryNames | null> {
  const { mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  if (before?.mtimeNs === mtimeNs && before.ctimeNs === ctimeNs) return null;
  const names: string[] = [];
  const files: string[] = [];
  const links: string[] = [];
  let [entries, unreadable, example] = [0, 0, ''];
  const directory = opendirSync(path, { bufferSize });
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      entries += 1;
      const { name } = entry;
      // A name that is not UTF-8 arrives with this sign in it.
      if (name.includes('\ufffd') && (entry.isDirectory() || entry.isSymbolicLink())) {
        unreadable += 1;
        example ||= name;
      } else if (entry.isDirectory()) names.push(name);
      else {
        if (files.length < filesMax) files.push(name);
        if (entry.isSymbolicLink() && links.length < linksMax) links.push(name);
      }
      if (entries % entriesOfTurn > 0) continue;
      beat();
      await nextTurn();
    }
  } finally {
    directory.closeSync();
  }
  const directories = blocksOf(names.sort());
  return {
    times: { mtimeNs, ctimeNs },
    entries,
    directories,
    files,
    links,
    unreadable: { count: unreadable, example },
  };
}

/** The names in a block. */
export function namesIn(block: Uint8Array): string[] {
  // A name may begin with the sign that is a byte order mark at the beginning of a text.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(block).split(separator);
}

function blocksOf(names: readonly string[]): Uint8Array[] {
  const text = new TextEncoder();
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < names.length; at += namesOfBlock)
    blocks.push(text.encode(names.slice(at, at + namesOfBlock).join(separator)));
  return blocks;
}

/** How many entries a directory has, counted no further than to `max`. @throws system errors */
export function countEntries(path: string, max: number): number {
  const directory = opendirSync(path, { bufferSize });
  try {
    let count = 0;
    while (count < max && directory.readSync() !== null) count += 1;
    return count;
  } finally {
    directory.closeSync();
  }
}
