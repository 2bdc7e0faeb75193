/**
 * The paths of an archive's members as they were packed. A name that is long has an extended header, whose records say how
 * long they are, because a name may have line breaks in it. The package takes it apart line by line: of such a name it
 * knows the beginning only, which other members may have too.
 */
import type { Parser, ReadEntry } from 'tar';

/**
 * @param parser that was given nothing yet
 * @returns the path of a member; asked once for each of them, when it is emitted
 */
export function memberPaths(parser: Parser): (entry: ReadEntry) => string {
  // Of the member that comes next.
  let path: string | null = null;
  parser.on('meta', (text: string) => (path = pathIn(text)));
  parser.on('ignoredEntry', () => (path = null));
  return (entry) => {
    // What is said of all members, and not of this one, says nothing of its path.
    const own = entry.extended === undefined ? null : path;
    path = null;
    return own ?? entry.path;
  };
}

/** @returns null where an extended header says nothing of a path, or it is something else */
function pathIn(text: string): string | null {
  const bytes = Buffer.from(text);
  let path: string | null = null;
  for (let at = 0; at < bytes.length;) {
    const [, length = ''] = /^(\d+) /.exec(bytes.toString('latin1', at, at + 12)) ?? [];
    const end = at + Number(length);
    if (end <= at || bytes.toString('latin1', end - 1, end) !== '\n') return null;
    const [key = '', ...value] = bytes.toString('utf8', at + length.length + 1, end - 1).split('=');
    // No name has a NUL in it: what comes after one is none of it.
    if (key === 'path') path = value.join('=').split('\0', 1)[0] ?? '';
    at = end;
  }
  return path === '' ? null : path;
}
