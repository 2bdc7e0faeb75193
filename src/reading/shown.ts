/** Another user's name, in a sentence: without what would move a cursor or begin a line. */
export function shown(name: string): string {
  return name.replaceAll(/\p{C}/gu, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}
