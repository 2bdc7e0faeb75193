/**
 * The grammar of RFC 8259 as one table: which state follows when a byte comes in another. One look-up a byte takes less
 * than code that asks what the byte is, and is compiled sooner. Which bracket a container began with is for the scanner
 * to remember.
 */

/** What is said of a byte that has no place in a state. */
export const due = {
  value: 'a value was due',
  name: 'a name in quotes was due',
  colon: 'a colon was due',
  character: 'a control character in a text',
  escape: 'an unknown escape',
  hexDigit: 'four hex digits were due',
  end: 'nothing may follow the end',
  inObject: 'a comma or } was due',
  inArray: 'a comma or ] was due',
  /** Then it is all of the number, or the word, that is wrong. */
  number: 'is no number',
  word: 'is no value',
} as const;

export interface State {
  readonly due: (typeof due)[keyof typeof due];
  /** What has begun, and may end in bytes that have not come yet. */
  readonly within: 'name' | 'number' | 'word' | null;
}

/** A state is where its row of the table begins. */
const rowSteps = 256;
const statesMax = 128;
const states: State[] = [];

/** With this added to the state that follows, the scanner has more to do than to go on. */
export const marked = statesMax * rowSteps;
export const wrong = state(due.value);
export const steps = new Uint16Array(statesMax * rowSteps).fill(wrong + marked);

function state(says: State['due'], within: State['within'] = null): number {
  return (states.push({ due: says, within }) - 1) * rowSteps;
}

export function stateAt(row: number): State {
  const found = states[row / rowSteps];
  if (found === undefined) throw new Error('every state has a row');
  return found;
}

/** Whether the document may end here. */
export const isOver = (row: number): boolean => stateAt(row).due === due.end;
/** Whether it is a number or a word that is wrong here, and not the byte. */
export const isWordWrong = (row: number): boolean =>
  stateAt(row).due === due.number || stateAt(row).due === due.word;

/** Where two rules say something of the same byte, the later one holds. */
function rule(from: number, bytes: string | readonly number[], to: number): void {
  for (const byte of Buffer.from(bytes as string)) steps[from + byte] = to;
}

/** Lines are counted. */
function spaceRule(from: number, to: number): void {
  rule(from, ' \t\r', to);
  rule(from, '\n', to + marked);
}

const digits = '0123456789';
const digitsButZero = '123456789';
const hexDigits = `${digits}abcdefABCDEF`;
const numberBytes = `${digits}+-.eE`;
const letters = 'abcdefghijklmnopqrstuvwxyz';
const allBytes = Array.from({ length: 256 }, (_, byte) => byte);
const characters = allBytes.filter((byte) => byte >= 0x20 && byte !== 0x22 && byte !== 0x5c);

/** Each has 1 for the bytes that belong to it. Characters are what stands for itself in a text or a name. */
export const isCharacter = tableOf(characters);
export const isDigit = tableOf(digits);
export const isNumberByte = tableOf(numberBytes);
export const isLetter = tableOf(letters);

function tableOf(bytes: string | readonly number[]): Uint8Array {
  const table = new Uint8Array(allBytes.length);
  for (const byte of Buffer.from(bytes as string)) table[byte] = 1;
  return table;
}

/** @param isOfRun one of the tables above. @returns where the first byte is that does not belong to it, or the end */
export function runEnd(bytes: Uint8Array, from: number, isOfRun: Uint8Array): number {
  const { length } = bytes;
  let at = from;
  while (at < length && isOfRun[bytes[at] ?? 0] === 1) at += 1;
  return at;
}

/** @param mark of every step but those that come back from an escape: these are marked always */
function quoted(within: State['within'], mark: number, end: number): number {
  const inside = state(due.character, within);
  let escape = state(due.escape, within);
  rule(inside, characters, inside + mark);
  rule(inside, '"', end);
  rule(inside, '\\', escape + mark);
  rule(escape, '"\\/bfnrt', inside + marked);
  for (const bytes of ['u', hexDigits, hexDigits, hexDigits]) {
    const hex = state(due.hexDigit, within);
    rule(escape, bytes, hex + mark);
    escape = hex;
  }
  rule(escape, hexDigits, inside + marked);
  return inside;
}

/** What the states of a value depend on: where it stands, and so what may follow it. */
interface Place {
  readonly value: number;
  readonly after: number;
  readonly text: number;
  readonly fraction: number;
}

/** @param say what may follow a value that has just ended, beside white space */
function place(says: State['due'], say: (ended: number, value: number) => void): Place {
  const [value, after] = [state(due.value), state(says)];
  const ends = (from: number): void => {
    spaceRule(from, after);
    say(from, value);
  };
  ends(after);
  spaceRule(value, value);
  const text = quoted(null, 0, after);
  rule(value, '"', text + marked);
  rule(value, '{', firstName + marked);
  rule(value, '[', firstValue + marked);
  const fraction = numbers(value, says, ends);
  words(value, says, ends);
  return { value, after, text, fraction };
}

/** @returns the state whose digits are many */
function numbers(value: number, says: State['due'], ends: (from: number) => void): number {
  const begun = (): number => state(due.number, 'number');
  const whole = (): number => state(says, 'number');
  const [minus, point, e, sign, none] = [begun(), begun(), begun(), begun(), begun()];
  const [zero, integer, fraction, exponent] = [whole(), whole(), whole(), whole()];
  // One that is none is read to its end, so that it can be shown.
  for (const from of [minus, point, e, sign, none, zero, integer, fraction, exponent])
    rule(from, numberBytes, none);
  rule(value, '-', minus);
  for (const from of [value, minus]) {
    rule(from, '0', zero);
    rule(from, digitsButZero, integer);
  }
  rule(integer, digits, integer);
  for (const from of [zero, integer]) rule(from, '.', point);
  rule(point, digits, fraction + marked);
  rule(fraction, digits, fraction);
  for (const from of [zero, integer, fraction]) rule(from, 'eE', e);
  rule(e, '+-', sign);
  for (const from of [e, sign, exponent]) rule(from, digits, exponent);
  for (const from of [zero, integer, fraction, exponent]) ends(from);
  return fraction;
}

function words(value: number, says: State['due'], ends: (from: number) => void): void {
  const none = state(due.word, 'word');
  for (const from of [value, none]) rule(from, letters, none);
  for (const word of ['true', 'false', 'null']) {
    let from = value;
    for (let at = 0; at < word.length; at += 1) {
      const to = state(at === word.length - 1 ? says : due.word, 'word');
      rule(to, letters, none);
      rule(from, word.charAt(at), to);
      from = to;
    }
    ends(from);
  }
}

/** Of an object that has just been opened. */
export const firstName = state(due.name);
/** Of an array that has just been opened. */
export const firstValue = state(due.value);
/** What follows depends on where the container stands that ends here. */
export const closed = state(due.end);
export const colon = state(due.colon);
/** Every byte of a name has a mark: it counts for whether the name stands twice. */
export const name = quoted('name', marked, colon + marked);
export const laterName = state(due.name);

export const inDocument = place(due.end, () => undefined);
export const inObject = place(due.inObject, (ended) => {
  rule(ended, ',', laterName);
  rule(ended, '}', closed + marked);
});
export const inArray = place(due.inArray, (ended, value) => {
  rule(ended, ',', value);
  rule(ended, ']', closed + marked);
});

for (const from of [firstName, laterName]) {
  spaceRule(from, from);
  rule(from, '"', name + marked);
}
rule(firstName, '}', closed + marked);
steps.copyWithin(firstValue, inArray.value, inArray.value + rowSteps);
spaceRule(firstValue, firstValue);
rule(firstValue, ']', closed + marked);
spaceRule(colon, colon);
rule(colon, ':', inObject.value);

/** The document has not begun. The step to a value that is `noted` is marked, and the value's first byte is to be looked at again. */
export const begin = noted(inDocument.value);
/** As `colon`, before a value that is noted. */
export const notedColon = state(due.colon);
spaceRule(notedColon, notedColon);
rule(notedColon, ':', noted(inObject.value));

function noted(value: number): number {
  const before = state(due.value);
  rule(before, allBytes, value + marked);
  spaceRule(before, before);
  return before;
}
