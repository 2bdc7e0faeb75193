/** Rules as gitignore has them, ready to be asked of any number of names. */
import ignore from 'ignore';

/**
 * The package keeps its answer to every name that it was ever asked, for ever: a million run folders would be a few hundred
 * megabytes. So it is begun anew after so many; names that come again and again are still known mostly.
 */
const answersMax = 1_000;

/** @returns whether a path is ignored; that of a directory ends in `/`. Case counts, as it does for git on Linux */
export function ignoring(rules: readonly string[]): (path: string) => boolean {
  // Unless it is told, the package takes `Test*` for `test*` as well, and a run folder of that name would be left out without a word.
  const begin = () => ignore({ ignorecase: false }).add([...rules]);
  let globs = begin();
  let asked = 0;
  return (path) => {
    asked += 1;
    if (asked % answersMax === 0) globs = begin();
    return globs.ignores(path);
  };
}
