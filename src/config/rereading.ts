/**
 * The configuration read again while the daemon runs: either all of it is right and what can count at once does, or
 * nothing of it counts.
 */
import { changesBetween } from './changes.ts';
import { configFrom, readConfig, type Config, type Machine } from './config.ts';
import { describePath, describeProblem, type KeyPath } from './problems.ts';

export type RereadConfig =
  /** Each problem as `file:line:column: where: what`. */
  | { readonly ok: false; readonly problems: readonly string[] }
  | {
      readonly ok: true;
      /** What is in force now: the file, except for keys that wait for the next start. */
      readonly config: Config;
      /** Keys that count from now on, as `drop_roots[0].quiet`. */
      readonly changed: readonly string[];
      /** Keys that wait for the next start, each with its place in the file. */
      readonly waiting: readonly string[];
    };

/** @param inForce what the daemon runs with */
export function rereadConfig(inForce: Config, machine: Machine): RereadConfig {
  const { file } = inForce;
  const read = readConfig(file, machine);
  if (!read.ok) return { ok: false, problems: read.problems.map(describeProblem) };
  // What the daemon runs with was right when it was read; a file that it names may have gone since.
  const asItRuns = { ...machine, passwordFileProblem: null };
  const earlier = configFrom(inForce.given, file, asItRuns);
  if (earlier.checked === null) return { ok: true, config: read.config, changed: [], waiting: [] };
  const { live, restart } = changesBetween(earlier.checked, read.checked);
  const changed = live.map(describePath);
  if (restart.length === 0) return { ok: true, config: read.config, changed, waiting: [] };
  const said = (path: KeyPath, what: string): string =>
    describeProblem({ file, ...read.locate(path, false), where: describePath(path), what });
  const waiting = restart.map((path) =>
    said(path, 'has changed, and counts from the next start on: until then the earlier value stays in force'),
  );
  // The mixture has to be right as well: a new drop root may lie in the state directory that is still used.
  const mixture = configFrom(withEarlier(read.given, inForce.given, restart), file, asItRuns);
  if (mixture.config === null) {
    const before = restart.map(describePath).join(', ');
    const problems = mixture.findings.map(({ path, what }) =>
      said(
        path,
        `${what}, with ${before} as before, which counts from the next start on: restart the daemon`,
      ),
    );
    return { ok: false, problems };
  }
  return { ok: true, config: mixture.config, changed, waiting };
}

/** The later value with what the earlier one has at these paths. */
function withEarlier(later: unknown, earlier: unknown, paths: readonly KeyPath[]): unknown {
  const mixture = structuredClone(later);
  for (const path of paths) {
    const key = path.at(-1);
    if (key === undefined) continue;
    const around = path.slice(0, -1);
    const target = around.reduce<unknown>(
      (at, part) => ((at as Record<string | number, unknown>)[part] ??= {}),
      mixture,
    ) as Record<string | number, unknown>;
    const value = path.reduce<unknown>(
      (at, part) => (at as Readonly<Record<string | number, unknown>> | undefined)?.[part],
      earlier,
    );
    if (value === undefined) Reflect.deleteProperty(target, key);
    else target[key] = value;
  }
  return mixture;
}
