/**
 * Whether folders of a drop root still look as they were recorded.
 *
 * A look is made of stats and of lists of names, and a list is the same as long as its directory's times are. So of a look
 * that found a folder as recorded it is remembered at which paths it asked for stats, and a digest of what these said. As
 * long as they say the same the look would end as it did, and neither a list nor a signature is made: that is most of the
 * work, and a directory that nobody lists needs not be read from the disk. What differs is looked at in full.
 */
import { hash } from 'node:crypto';
import { lstatSync, statfsSync, statSync, type BigIntStats } from 'node:fs';
import type { Recorded } from '../outbox/nouns.ts';
import type { Beat } from '../reading/beat.ts';
import { hasRested } from '../reading/directoryNames.ts';
import { sightFolderSync } from '../reading/sightFolder.ts';
import type { Clock } from '../system/clock.ts';
import { errorCode } from '../system/files.ts';
import { isRemoteType } from '../system/fileSystem.ts';
import { reachedSideBySide } from '../system/wayTo.ts';
import { LookTable } from './lookTable.ts';
import { rulesOf, type DropRoot, type RootRules } from './rules.ts';

/** A look that asks at more paths, at a large archive say, is not remembered. */
const trailPathsMax = 32;
/** Nor is one that asks at others than so many before: solvers leave the same few sets of names in every folder. */
const trailsMax = 255;
/** Of each path that is asked about: inode, size, and both times. */
const wordsOfStats = 4;
const signatureBytesMax = 64;

/**
 * A folder, and what it looked like. The marker is in no signature: one that comes last lets a folder go at once, and one
 * that is taken away makes no recorded folder new. So of an open folder it is told beside it whether it was missing.
 */
export type Compared = readonly [...Recorded, isMarkerMissing?: boolean];

export class Comparison {
  readonly #rules: RootRules;
  readonly #clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly #look: typeof sightFolderSync;
  readonly #table = new LookTable();
  readonly #trails = new Trails();
  /** A signature, and behind it what stats say. */
  readonly #words = new BigInt64Array(signatureBytesMax / 8 + trailPathsMax * wordsOfStats);
  readonly #bytes = Buffer.from(this.#words.buffer);

  /** @param look in full */
  constructor(root: DropRoot, clock: Pick<Clock, 'nowMs' | 'monotonicMs'>, look = sightFolderSync) {
    this.#rules = rulesOf(root);
    this.#clock = clock;
    this.#look = look;
  }

  /**
   * @param beat called after each folder, and with all that is asked about one that is looked at in full: a slow disk takes
   *   its time for many, and moves all the while
   * @returns paths of folders that look different, or are not there, or cannot be looked at
   */
  differing(compared: readonly Compared[], beat: Beat = () => undefined): string[] {
    const { root } = this.#rules;
    const device = localDeviceOf(root.path);
    const isReached = reachedSideBySide(root.path);
    const round = Math.floor(this.#clock.monotonicMs() / root.auditEveryMs) & 0xff;
    return compared
      .filter((was) => {
        const differs = this.#differs(`${root.path}/${was[0]}`, was, device, round, isReached, beat);
        beat();
        return differs;
      })
      .map(([path]) => path);
  }

  #differs(
    folder: string,
    was: Compared,
    device: bigint | null,
    round: number,
    isReached: (folder: string) => boolean,
    beat: Beat,
  ): boolean {
    try {
      return (
        !isReached(folder) ||
        (!this.#isAsRemembered(folder, was, round) && this.#looksOther(folder, was, device, round, beat))
      );
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      return true;
    }
  }

  /** A marker that comes or goes changes the times of its directory. */
  #isAsRemembered(folder: string, [, signature]: Compared, round: number): boolean {
    const slot = this.#table.find(signature);
    if (slot === null) return false;
    const said: BigIntStats[] = [];
    for (const path of this.#trails.numbered(this.#table.trailAt(slot))) {
      const stats = lstatSync(`${folder}${path}`, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) return false;
      said.push(stats);
    }
    if (!this.#table.hasDigest(slot, this.#digestOf(signature, said))) return false;
    this.#table.meet(slot, round);
    return true;
  }

  /** In full. @param device whose directories may be remembered; null: none */
  #looksOther(
    folder: string,
    [, signature, isMarkerMissing]: Compared,
    device: bigint | null,
    round: number,
    beat: Beat,
  ): boolean {
    const beganMs = this.#clock.nowMs();
    const paths: string[] = [];
    const said: (BigIntStats | null)[] = [];
    const note = (path: string, stats: BigIntStats | null): void => {
      if (said.length > trailPathsMax) return;
      paths.push(path.slice(folder.length));
      said.push(stats);
    };
    const sight = this.#look(folder, this.#rules.sight, note, beat);
    if (sight?.signature !== signature) return true;
    const { missingMarker, unreadable } = sight.sighting;
    if (isMarkerMissing !== undefined && isMarkerMissing !== (missingMarker !== null)) return true;
    // Who may look into a folder is not said by its stats alone.
    if (unreadable !== null || said.length > trailPathsMax) return false;
    const isLasting = (stats: BigIntStats | null): stats is BigIntStats =>
      stats !== null && (!stats.isDirectory() || (stats.dev === device && hasRested(stats, beganMs)));
    if (!said.every(isLasting)) return false;
    const trail = this.#trails.numberOf(paths);
    if (trail !== null) this.#table.put(signature, this.#digestOf(signature, said), trail, round);
    return false;
  }

  #digestOf(signature: string, said: readonly BigIntStats[]): Buffer {
    let word = signatureBytesMax / 8;
    this.#bytes.fill(0, this.#bytes.write(signature, 0, signatureBytesMax, 'latin1'), signatureBytesMax);
    for (const { ino, size, mtimeNs, ctimeNs } of said) {
      this.#words[word] = ino;
      this.#words[word + 1] = size;
      this.#words[word + 2] = mtimeNs;
      this.#words[word + 3] = ctimeNs;
      word += wordsOfStats;
    }
    return hash('sha256', this.#bytes.subarray(0, word * 8), 'buffer');
  }
}

/** Which paths looks have asked about, below the folder. */
class Trails {
  readonly #trails: (readonly string[])[] = [];
  readonly #numbers = new Map<string, number>();

  numbered(number: number): readonly string[] {
    const trail = this.#trails[number];
    if (trail === undefined) throw new Error(`there is no trail ${String(number)}`);
    return trail;
  }

  /** @returns null: there are too many */
  numberOf(trail: readonly string[]): number | null {
    // No path has this sign in it.
    const key = trail.join('\0');
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#trails.length;
    if (number >= trailsMax) return null;
    this.#trails.push(trail);
    this.#numbers.set(key, number);
    return number;
  }
}

/** The device of a directory; null: its times are other machines', or it is not there. */
function localDeviceOf(path: string): bigint | null {
  try {
    return isRemoteType(statfsSync(path).type >>> 0) ? null : statSync(path, { bigint: true }).dev;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return null;
  }
}
