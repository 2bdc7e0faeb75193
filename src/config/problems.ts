/**
 * What can be wrong with a configuration, said so that an editor can jump to it. All of them are collected before any
 * of them is shown: nobody should have to start a daemon five times to find five mistakes.
 */

export interface ConfigProblem {
  readonly file: string;
  /** Line and column count from 1; `null` where the problem has no place in the file. */
  readonly line: number | null;
  readonly column: number | null;
  /** The key, for example `drop_roots[0].quiet`; empty where the problem is with the file as a whole. */
  readonly where: string;
  readonly what: string;
  /** The file may be right: the same may be no problem at another time. */
  readonly mayPass?: true;
}

/** The way to a value in the file: keys and positions in lists. */
export type KeyPath = readonly (string | number)[];

/** A problem that still has to be given its place in the file. */
export interface Finding {
  readonly path: KeyPath;
  readonly what: string;
  /** Point at the key itself, because what is wrong is that it is there. */
  readonly atKey?: true;
  readonly mayPass?: true;
}

/** `file:line:column: where: what` */
export function describeProblem(problem: ConfigProblem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== null && part !== '');
  return [place.join(':'), problem.where, problem.what].filter((part) => part !== '').join(': ');
}

/** `drop_roots[0].quiet` */
export function describePath(path: KeyPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const key = /^[\w-]+$/.test(part) ? part : JSON.stringify(part);
    return text === '' ? key : `${text}.${key}`;
  }, '');
}
