/**
 * What makes a run itself. A digest that came out differently one day would send a whole history again, so the layout
 * of every hash here is a promise: it has a version, and the version is part of what is hashed.
 *
 *   generation   the content of a run folder: its artefacts, and meta's status and app
 *   key          who says it, where it was first seen, and which generation: one key, one run
 *   fingerprint  the short form of the key; it travels in the run's description and finds it again
 */
import { createHash, type Hash } from 'node:crypto';

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

/** @returns SHA-256 over the content, lower-case hex (64 characters) */
export function generationOf(content: Content): string {
  const tuples = content.files
    .map((file) => [file.role, file.path, String(file.bytes), file.sha256])
    .concat(content.status === null ? [] : [['meta', 'status', content.status]])
    .concat(content.appId === null ? [] : [['meta', 'app_id', content.appId]]);
  tuples.sort(byUtf8Bytes);
  const hash = createHash('sha256');
  addField(hash, `runtrackd generation ${String(identityVersion)}`);
  addField(hash, String(tuples.length));
  for (const tuple of tuples) {
    addField(hash, String(tuple.length));
    for (const field of tuple) addField(hash, field);
  }
  return hash.digest('hex');
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
  const hash = createHash('sha256');
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
    addField(hash, field);
  }
  return `rt1:${base32(hash.digest().subarray(0, 16))}`;
}

/** Field by field, by bytes and without normalisation: two names that look alike stay two names. */
function byUtf8Bytes(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
    const order = Buffer.compare(Buffer.from(a[i] ?? ''), Buffer.from(b[i] ?? ''));
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function addField(hash: Hash, field: string): void {
  hash.update(lengthPrefixed(field));
}

/** Without its length in front, ("ab", "c") and ("a", "bc") would be the same bytes. */
function lengthPrefixed(field: string): Buffer {
  const bytes = Buffer.from(field, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
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
