/** The nearest known word to one that was mistyped. */
import { closest, distance } from 'fastest-levenshtein';

/** `; did you mean "quiet"?`, or nothing when no known word is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const nearest = nearestOf(word.slice(0, 100), known);
  return nearest === undefined ? '' : `; did you mean ${JSON.stringify(nearest)}?`;
}

function nearestOf(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const plain = word.toLowerCase().replaceAll('-', '_');
  const nearest = closest(plain, [...known]);
  if (distance(plain, nearest) <= lettersOffMax(nearest)) return nearest;
  const swapped = known.find((other) => isSwapped(plain, other));
  if (swapped !== undefined) return swapped;
  // api_key → api_key_file, warning → warn: too many letters away, and yet surely meant.
  return plain.length < 3
    ? undefined
    : known.find((other) => other.startsWith(plain) || plain.startsWith(other));
}

/** Two letters side by side in the wrong order: two edits to the measure, one slip to the fingers. */
function isSwapped(word: string, other: string): boolean {
  if (word.length !== other.length) return false;
  const at = Array.from(word).findIndex((letter, index) => letter !== other[index]);
  if (at < 0) return false;
  const [first = '', second = ''] = word.slice(at, at + 2);
  return `${word.slice(0, at)}${second}${first}${word.slice(at + 2)}` === other;
}

function lettersOffMax(word: string): number {
  return word.length < 5 ? 1 : Math.max(2, Math.floor(word.length / 3));
}
