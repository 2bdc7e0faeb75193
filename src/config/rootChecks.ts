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
    namesOf(file, root, role).flatMap(({ name, index }): Finding[] => {
      // A directory is meant by its name with and without the slash.
      const plain = name.replace(/\/$/, '');
      const other = roleOf.get(plain);
      roleOf.set(plain, other ?? `files.${role}`);
      if (other === undefined || other === `files.${role}`) return [];
      const hint = isGiven(role) ? '' : ` (the default for ${role}): set files.${role} to another name`;
      const path = index === null ? pathOf(role) : [...pathOf(role), index];
      return [{ path, what: `${JSON.stringify(name)} is the name of ${other} as well${hint}` }];
    }),
  );
  return [...shared, ...checkIgnored(file, root)];
}

/** Without a quiet time something else has to tell that the solver is done. */
export function checkQuiet(file: PartlyGoodFile, root: KeyPath): Finding[] {
  const path = [...root, 'quiet'];
  const isZero = file.raw(path) !== undefined && file.read(path, keySchemas.quiet) === 0;
  const isOptional = file.read([...root, 'meta'], keySchemas.meta) === 'optional';
  if (!isZero || !isOptional || file.raw([...root, 'marker']) != null) return [];
  return [
    {
      path,
      what: 'must be longer than 0s where meta is optional and there is no marker: nothing else tells when a folder is complete',
    },
  ];
}

/** A required file that is ignored is never there. The log may be left out like this. */
function checkIgnored(file: PartlyGoodFile, root: KeyPath): Finding[] {
  const path = [...root, 'ignore'];
  const rules = file.read(path, keySchemas.ignore);
  if (rules === undefined) return [];
  // As folders are asked later: case counts.
  const ignored = ignore({ ignorecase: false }).add([...rules]);
  return (['input', 'output', 'meta'] as const).flatMap((role): Finding[] => {
    const names = namesOf(file, root, role).map(({ name }) => name);
    if (names.length === 0 || !names.every((name) => !/[*?[\]{}]/.test(name) && ignored.ignores(name)))
      return [];
    return [
      {
        path,
        what: `leaves out ${names.join(' and ')} (files.${role}), so no folder would ever be complete`,
      },
    ];
  });
}

/** The names and globs that are looked for; none where what is given is none. */
function namesOf(
  file: PartlyGoodFile,
  root: KeyPath,
  role: Role,
): readonly { readonly name: string; readonly index: number | null }[] {
  const path = [...root, 'files', role];
  const given = file.read(path, keySchemas.files[role]);
  if (typeof given === 'string') return [{ name: given, index: null }];
  if (given != null) return given.map((name, index) => ({ name, index }));
  if ((role !== 'input' && role !== 'output') || file.raw(path) !== undefined) return [];
  return defaultFileNames[role].map((name) => ({ name, index: null }));
}
