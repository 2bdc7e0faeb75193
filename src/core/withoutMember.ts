/** What opens, closes or parts, and where a text begins. */
const signs = /["{}[\],]/g;

/**
 * The text of a JSON object without one of its members. The rest is not read, so numbers keep every digit, which
 * JSON.parse and stringify would not.
 * @param json a valid document of one object
 */
export function withoutMember(json: string, name: string): string {
  const members: string[] = [];
  let depth = 0;
  let from = 0;
  const sign = new RegExp(signs);
  for (let found = sign.exec(json); found !== null; found = sign.exec(json)) {
    const [token] = found;
    if (token === '"') sign.lastIndex = endOfText(json, found.index);
    else if (token === '{' || token === '[') {
      depth += 1;
      if (depth === 1) from = found.index + 1;
    } else if (token === '}' || token === ']') depth -= 1;
    if (token === '"' || depth > 1 || (depth === 1 && token !== ',')) continue;
    members.push(json.slice(from, found.index));
    from = found.index + 1;
  }
  return `{${members.filter((member) => nameOf(member) !== name).join(',')}}`;
}

/**
 * Not by an expression that knows escapes: it runs out of stack where a text has millions of them.
 * @param from where the text begins
 * @returns what comes behind it
 */
function endOfText(json: string, from: number): number {
  for (let end = json.indexOf('"', from + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let slashes = 0;
    while (json[end - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return end + 1;
  }
  return json.length;
}

/** @returns undefined for what is between the brackets of an empty object */
function nameOf(member: string): unknown {
  const from = member.indexOf('"');
  // The same name can be written with escapes.
  return from < 0 ? undefined : JSON.parse(member.slice(from, endOfText(member, from)));
}
