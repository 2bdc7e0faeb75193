/** A text with its escapes, or what opens, closes or parts. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g;
const beginsWithName = /^\s*("[^"\\]*(?:\\.[^"\\]*)*")/;

/**
 * The text of a JSON object without one of its members. The rest is not read, so numbers keep every digit, which
 * JSON.parse and stringify would not.
 * @param json a valid document of one object
 */
export function withoutMember(json: string, name: string): string {
  const members: string[] = [];
  let depth = 0;
  let from = 0;
  for (const { 0: token, index } of json.matchAll(tokens)) {
    if (token === '{' || token === '[') {
      depth += 1;
      if (depth === 1) from = index + 1;
    } else if (token === '}' || token === ']') depth -= 1;
    if (depth > 1 || (depth === 1 && token !== ',')) continue;
    members.push(json.slice(from, index));
    from = index + 1;
  }
  return `{${members.filter((member) => nameOf(member) !== name).join(',')}}`;
}

/** @returns undefined for what is between the brackets of an empty object */
function nameOf(member: string): unknown {
  const [, name] = beginsWithName.exec(member) ?? [];
  // The same name can be written with escapes.
  return name === undefined ? undefined : JSON.parse(name);
}
