/** JSON for people. */

/** Nobody reads more of a document than this from top to bottom. */
const indentedCharsMax = 64 * 1024;
/** Deeper levels are not indented any further. */
const indentedLevelsMax = 16;

/**
 * Lays JSON out for people without reading it: numbers keep every digit, which JSON.parse and stringify would not.
 * Large documents stay as they are, because indenting could make them many times larger.
 * @param json a valid document
 */
export function indentJson(json: string): string {
  if (json.length > indentedCharsMax) return json;
  const pieces: string[] = [];
  let depth = 0;
  let opened = '';
  const newLine = (): string => `\n${'  '.repeat(Math.min(depth, indentedLevelsMax))}`;
  // A text with its escapes, a bracket, a comma or colon, or anything else up to the next of these.
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const isClosing = token === '}' || token === ']';
    if (isClosing) depth -= 1;
    // What is opened and closed at once stays on one line.
    if (isClosing ? opened === '' : opened !== '') pieces.push(newLine());
    opened = token === '{' || token === '[' ? token : '';
    if (opened !== '') depth += 1;
    pieces.push(token);
    if (token === ',') pieces.push(newLine());
    else if (token === ':') pieces.push(' ');
  }
  return pieces.join('');
}
