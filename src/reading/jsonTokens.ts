/** Numbers and literals as JSON writes them, where they stand whole in the bytes at hand, which is nearly always. */
const [zero, nine, minus, plus, point, upperE, lowerE] = [0x30, 0x39, 0x2d, 0x2b, 0x2e, 0x45, 0x65] as const;
const numberByte = /^[0-9+\-.eE]$/;
/** 1 for each byte that a number may consist of. */
export const isNumberByte = Uint8Array.from({ length: 256 }, (_, byte) =>
  numberByte.test(String.fromCharCode(byte)) ? 1 : 0,
);
/** Longer numbers are no solver's figures; they would have to be kept whole to be checked. */
export const numberCharsMax = 10_000;
const literals = ['true', 'false', 'null'].map((word) => Buffer.from(word));

/** @returns where the number ends; where it should begin when there is none, or it may go on in the next bytes */
export function numberEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  if (bytes[at] === minus) at += 1;
  const whole = digitsEnd(bytes, at);
  // None, or one too many: 01 is no number.
  if (whole === at || (bytes[at] === zero && whole > at + 1)) return from;
  at = whole;
  if (bytes[at] === point) {
    const fraction = digitsEnd(bytes, at + 1);
    if (fraction === at + 1) return from;
    at = fraction;
  }
  if (bytes[at] === lowerE || bytes[at] === upperE) {
    at += 1;
    if (bytes[at] === plus || bytes[at] === minus) at += 1;
    const exponent = digitsEnd(bytes, at);
    if (exponent === at) return from;
    at = exponent;
  }
  const isOver = at < bytes.length && isNumberByte[bytes[at] ?? 0] === 0 && at - from <= numberCharsMax;
  return isOver ? at : from;
}

/** Likewise of `true`, `false` and `null`. */
export function literalEnd(bytes: Uint8Array, from: number): number {
  const literal = literals.find(([first]) => first === bytes[from]);
  if (literal === undefined) return from;
  const end = from + literal.length;
  if (end >= bytes.length) return from;
  for (let at = 1; at < literal.length; at += 1) if (bytes[from + at] !== literal[at]) return from;
  const after = bytes[end] ?? 0;
  return after >= 0x61 && after <= 0x7a ? from : end;
}

function digitsEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte < zero || byte > nine) break;
  }
  return at;
}

/** Of one that came in pieces, and is whole now. */
export function isNumber(text: string): boolean {
  return numberEnd(Buffer.from(`${text} `), 0) === text.length;
}

/** Likewise. */
export function isLiteral(text: string): boolean {
  return literalEnd(Buffer.from(`${text} `), 0) === text.length;
}
