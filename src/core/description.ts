/**
 * A run's description carries its fingerprint to the platform and back: `text [rt1:… g:… host:…]`.
 * The layout is a promise, because later versions must find the runs of earlier ones.
 */

const bracket = /\[(rt1:[a-z2-7]{26}) g:([0-9a-f]{10}) host:([^\]]*)\]/g;
const hostBytesMax = 63;

export interface Carried {
  readonly fingerprint: string;
  /** The first 10 hex digits of the generation. */
  readonly generation: string;
  readonly host: string;
}

/**
 * @param text what the user wants to say; cut where it does not fit, never the fingerprint
 * @param bytesMax the platform's limit for a description, in UTF-8 bytes
 */
export function describeRun(text: string, carried: Carried, bytesMax: number): string {
  const host = cutUtf8(carried.host.replaceAll(/[\]\r\n]/g, '_'), hostBytesMax);
  const mark = `[${carried.fingerprint} g:${carried.generation.slice(0, 10)} host:${host}]`;
  // A description copied from another run would carry that run's fingerprint.
  const safe = text.replaceAll('[rt1:', '(rt1:').trim();
  const room = bytesMax - Buffer.byteLength(mark) - 1;
  const kept = cutUtf8(safe, room).trimEnd();
  return kept === '' ? mark : `${kept} ${mark}`;
}

/** @returns what the last bracket says; null when there is none */
export function carriedBy(description: string): Carried | null {
  const last = [...description.matchAll(bracket)].at(-1);
  if (last === undefined) return null;
  const [, fingerprint = '', generation = '', host = ''] = last;
  return { fingerprint, generation, host };
}

/** Cuts between characters, so that the result is valid UTF-8 of at most `bytesMax` bytes. */
export function cutUtf8(text: string, bytesMax: number): string {
  if (Buffer.byteLength(text) <= bytesMax) return text;
  let kept = '';
  let bytes = 0;
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)) {
    bytes += Buffer.byteLength(segment);
    if (bytes > bytesMax) break;
    kept += segment;
  }
  return kept;
}
