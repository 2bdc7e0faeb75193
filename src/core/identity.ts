/**
 * What makes a run itself. A digest that came out differently one day would send a whole history again, so the layout
 * of every hash here is a promise: it has a version, and the version is part of what is hashed.
 *
 *   generation   the content of a run folder: its artefacts, and meta's status and app
 *   key          who says it, where it was first seen, and which generation: one key, one run
 *   fingerprint  the short form of the key; it travels in the run's description and finds it again
 */
import { createHash } from 'node:crypto';
import { atOnce, pieceLength, sortedPiecewise, type Piecewise } from './piecewise.ts';

export const identityVersion = 1;

/** The root that folders outside of all drop roots count to: named like no configured one can be. */
export const outsideRootName = '@outside';

/** Roles whose bytes make a generation. The log and the rest of meta.json have digests of their own and make none. */
export const contentRoles = ['input', 'output', 'metrics', 'statistics', 'assets'] as const;
export type ContentRole = (typeof contentRoles)[number];

/** One regular file of an artefact. */
export interface ContentFile {
  readonly role: ContentRole;
  /** Path in the run folder, as its bytes stand on disk, with `/` between names. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of the bytes, lower-case hex. */
  readonly sha256: string;
}

export interface Content {
  readonly files: readonly ContentFile[];
  /** meta.json's status; null when it was inferred, because a rule that changes must not make history new. */
  readonly status: string | null;
  /** meta.json's app_id; null when it names none. */
  readonly appId: string | null;
}

/**
 * What an archive is known by in a row: SHA-256 over its files, lower-case hex, in whatever order they are given. The
 * archive's own bytes would tell less: they depend on modes and on who packed it.
 */
export function membersDigest(members: readonly Omit<ContentFile, 'role'>[]): string {
  return atOnce(membersPiecewise(members));
}

export function membersPiecewise(members: readonly Omit<ContentFile, 'role'>[]): Piecewise<string> {
  const tuples = members.map(({ path, bytes, sha256 }) => [path, String(bytes), sha256]);
  return tuplesDigest(`runtrackd members ${String(identityVersion)}`, tuples);
}

/** @returns SHA-256 over the content, lower-case hex (64 characters) */
export function generationOf(content: Content): string {
  return atOnce(generationPiecewise(content));
}

export function generationPiecewise(content: Content): Piecewise<string> {
  const tuples = content.files
    .map((file) => [file.role, file.path, String(file.bytes), file.sha256])
    .concat(content.status === null ? [] : [['meta', 'status', content.status]])
    .concat(content.appId === null ? [] : [['meta', 'app_id', content.appId]]);
  return tuplesDigest(`runtrackd generation ${String(identityVersion)}`, tuples);
}

function* tuplesDigest(what: string, tuples: readonly string[][]): Piecewise<string> {
  const sorted = yield* sortedPiecewise(tuples, byUtf8Bytes);
  const hash = new FieldHash(64 * 1024);
  hash.add(what);
  hash.add(String(sorted.length));
  for (const [index, tuple] of sorted.entries()) {
    if (index > 0 && index % pieceLength === 0) yield;
    hash.add(String(tuple.length));
    for (const field of tuple) hash.add(field);
  }
  return hash.digest().toString('hex');
}

export interface Key {
  readonly version: number;
  /** The platform's normalised origin, or for a stand-in the id kept in its data. */
  readonly platform: string;
  readonly app: string;
  readonly host: string;
  readonly dropRoot: string;
  /** Path relative to the drop root when first seen. */
  readonly firstPath: string;
  readonly generation: string;
  /** 1; more only for a deliberate second run of the same content. */
  readonly counter: number;
}

/** @returns `rt1:` and the first 128 bits of the key's SHA-256 in base32: 30 characters in all */
export function fingerprintOf(key: Key): string {
  const hash = new FieldHash(2 * 1024);
  for (const field of [
    `runtrackd key ${String(key.version)}`,
    key.platform,
    key.app,
    key.host,
    key.dropRoot,
    key.firstPath,
    key.generation,
    String(key.counter),
  ]) {
    hash.add(field);
  }
  return `rt1:${base32(hash.digest().subarray(0, 16))}`;
}

/** Field by field, by bytes and without normalisation: two names that look alike stay two names. */
function byUtf8Bytes(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
    const order = compareUtf8(a[i] ?? '', b[i] ?? '');
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** The order of two texts' UTF-8 bytes, without making these: there may be ten thousand names. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const [one, other] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (one !== other) return utf8Rank(one) - utf8Rank(other);
  }
  return a.length - b.length;
}

/** UTF-16 puts what it writes as two units before some that it writes as one; UTF-8 puts it behind all of these. */
function utf8Rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Fields are gathered before they are hashed: ten thousand files are forty thousand of them. */
class FieldHash {
  readonly #hash = createHash('sha256');
  readonly #gathered: Buffer;
  #filled = 0;

  constructor(gatheredBytes: number) {
    this.#gathered = Buffer.allocUnsafe(gatheredBytes);
  }

  /** With its length in front: without it, ("ab", "c") and ("a", "bc") would be the same bytes. */
  add(field: string): void {
    // A character takes at most three bytes for each of its units.
    const bytesMax = 4 + 3 * field.length;
    if (this.#filled + bytesMax > this.#gathered.length) this.#flush();
    if (bytesMax > this.#gathered.length) {
      const bytes = Buffer.from(field, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      this.#hash.update(length).update(bytes);
      return;
    }
    const bytes = this.#gathered.write(field, this.#filled + 4, 'utf8');
    this.#gathered.writeUInt32BE(bytes, this.#filled);
    this.#filled += 4 + bytes;
  }

  digest(): Buffer {
    this.#flush();
    return this.#hash.digest();
  }

  #flush(): void {
    this.#hash.update(this.#gathered.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 base32 in lower case and without padding: 16 bytes are 26 characters. */
function base32(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet.charAt((held >> bits) & 31);
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet.charAt((held << (5 - bits)) & 31) : text;
}
