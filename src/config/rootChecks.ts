/** What has to agree between drop roots, and within one. */
import ignore from 'ignore';
import { basename } from 'node:path';
import type { PartlyGoodFile } from './partlyGood.ts';
import { describePath, type Finding, type KeyPath } from './problems.ts';
import { defaultFileNames, keySchemas } from './schema.ts';

type Role = 'input' | 'output' | 'log' | 'meta';
const roles: readonly Role[] = ['input', 'output', 'log', 'meta'];
/** Artefacts beside the output have these names in every run folder. */
const fixedNames = ['metrics.json', 'statistics.json', 'assets.json'];

/** Names of drop roots are part of the identity of runs, so no two may share one. */
export function checkRootNames(file: PartlyGoodFile): Finding[] {
  const firstOf = new Map<string, string>();
  return file.roots().flatMap((root): Finding[] => {
    const given = [...root, 'name'];
    const isGiven = file.raw(given) !== undefined;
    const rootPath = file.directory([...root, 'path']);
    const name = isGiven ? file.read(given, keySchemas.rootName) : rootPath && basename(rootPath);
    if (name === undefined) return [];
    if (!keySchemas.rootName.safeParse(name).success)
      return [
        {
          path: given,
          what: `not given, and the last part of path, ${JSON.stringify(name)}, cannot be one: set name (1 to 64 letters, digits, dots, dashes and underscores)`,
        },
      ];
    const first = firstOf.get(name);
    firstOf.set(name, first ?? describePath(root));
    if (first === undefined) return [];
    return [
      {
        path: given,
        what: `${JSON.stringify(name)} is the name of ${first} as well: give each drop root a name of its own`,
      },
    ];
  });
}

export function checkFileNames(file: PartlyGoodFile, root: KeyPath): Finding[] {
  const pathOf = (role: Role): KeyPath => [...root, 'files', role];
  const isGiven = (role: Role): boolean => file.raw(pathOf(role)) !== undefined;
  const roleOf = new Map<string, string>(fixedNames.map((name) => [name, 'another artefact']));
  // Names that are given come first, so that a problem points at what can be changed.
  const ordered = [...roles.filter(isGiven), ...roles.filter((role) => !isGiven(role))];
  const shared = ordered.flatMap((role) =>
    namesOf(file, root, role).flatMap((name): Finding[] => {
      const other = roleOf.get(name);
      roleOf.set(name, other ?? `files.${role}`);
      if (other === undefined || other === `files.${role}`) return [];
      const hint = isGiven(role) ? '' : ` (the default for ${role}): set files.${role} to another name`;
      return [{ path: pathOf(role), what: `${JSON.stringify(name)} is the name of ${other} as well${hint}` }];
    }),
  );
  return [...shared, ...checkIgnored(file, root)];
}

/** A required file that is ignored is never there. The log may be left out like this. */
function checkIgnored(file: PartlyGoodFile, root: KeyPath): Finding[] {
  const path = [...root, 'ignore'];
  const rules = file.read(path, keySchemas.ignore);
  if (rules === undefined) return [];
  const ignored = ignore().add([...rules]);
  return (['input', 'output', 'meta'] as const).flatMap((role): Finding[] => {
    const names = namesOf(file, root, role);
    if (names.length === 0 || !names.every((name) => ignored.ignores(name))) return [];
    return [
      {
        path,
        what: `leaves out ${names.join(' and ')} (files.${role}), so no folder would ever be complete`,
      },
    ];
  });
}

/** The names that are looked for; none where what is given is no name. */
function namesOf(file: PartlyGoodFile, root: KeyPath, role: Role): readonly string[] {
  const path = [...root, 'files', role];
  const name = file.read(path, keySchemas.files[role]);
  if (name != null) return [name];
  const hasDefault = role === 'input' || role === 'output';
  return hasDefault && file.raw(path) === undefined ? defaultFileNames[role] : [];
}
