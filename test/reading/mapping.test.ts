import { describe, expect, test } from 'vitest';
import type { FilesMapping } from '../../src/core/content.ts';
import {
  contentTypeOf,
  defaultFileNames,
  ignoredBy,
  mapFiles,
  type Entry,
  type Mapping,
} from '../../src/reading/mapping.ts';
import { names } from './folder.ts';

const none = (): boolean => false;
const files = (present: readonly string[]): Entry[] => present.map((name) => ({ name, kind: 'file' }));
const roleOf = ({ files }: Mapping): Record<string, string> =>
  Object.fromEntries(files.map(({ role, name }) => [role, name]));

describe('the files of a run folder', () => {
  test.each<{ name: string; present: string[]; roles: Record<string, string>; conflict?: string }>([
    {
      name: 'each have the role of their name',
      present: [
        'assets.json',
        'input.json',
        'meta.json',
        'metrics.json',
        'output.txt',
        'run.log',
        'statistics.json',
        'solver.lp',
      ],
      roles: {
        input: 'input.json',
        output: 'output.txt',
        metrics: 'metrics.json',
        statistics: 'statistics.json',
        assets: 'assets.json',
        logs: 'run.log',
        meta: 'meta.json',
      },
    },
    {
      name: 'have no role under another name',
      present: ['Input.json', 'run.log.1', 'input.json~'],
      roles: {},
    },
    {
      name: 'are in conflict when there are two inputs',
      present: ['input.json', 'input.txt'],
      roles: { input: 'input.json' },
      conflict: 'there are two inputs, input.json and input.txt',
    },
    {
      name: 'are in conflict when there are two outputs',
      present: ['output.txt', 'output.json'],
      roles: { output: 'output.json' },
      conflict: 'there are two outputs, output.json and output.txt',
    },
    {
      name: 'are none when they are our own, or the temporaries of our own',
      present: ['nextmv-result.json', 'nextmv-problem.json', 'nextmv-output.txt', '.meta.json.runtrackd-tmp'],
      roles: {},
    },
  ])('$name', ({ present, roles, conflict }) => {
    const mapping = mapFiles(files(present), names, none);
    expect(roleOf(mapping)).toEqual(roles);
    expect(mapping.conflict).toBe(conflict ?? null);
  });

  test('are none when they are ignored', () => {
    const mapping = mapFiles(files(['input.json', 'input.txt']), names, (name) => name.endsWith('.txt'));
    expect(mapping).toMatchObject({ files: [{ role: 'input', name: 'input.json' }], conflict: null });
  });

  test('are our own whatever the configuration calls the log', () => {
    const mapping = mapFiles(files(['nextmv-result.json']), { ...names, log: 'nextmv-result.json' }, none);
    expect(mapping.files).toEqual([]);
  });

  test.each([
    {
      what: 'is none for fitting the glob of the log',
      log: 'solve.*',
      marker: 'solve.done',
      logs: ['solve.log'],
    },
    { what: 'is the log where that is named so', log: 'solve.log', marker: 'solve.log', logs: ['solve.log'] },
  ])('of which one is the marker, that $what', ({ log, marker, logs }) => {
    const present = files(['input.json', 'solve.done', 'solve.log']);
    const mapping = mapFiles(present, { ...names, log, marker }, none);
    expect(mapping.files.filter(({ role }) => role === 'logs').map(({ name }) => name)).toEqual(logs);
    expect(mapping.conflict).toBeNull();
  });

  test('have no role by the names that every object has', () => {
    expect(mapFiles(files(['constructor', '__proto__', 'toString']), names, none).files).toEqual([]);
  });
});

describe('an archive', () => {
  const mapped = (present: readonly Entry[], wanted: Partial<FilesMapping>): Mapping => {
    const mapping = { ...names, ...wanted };
    return mapFiles(present, mapping, ignoredBy(mapping));
  };
  const directory = (name: string): Entry => ({ name, kind: 'directory' });
  const shownOf = ({ archives }: Mapping) =>
    archives.map(({ role, name, base, place, entries }) => [
      role,
      name,
      base,
      place,
      entries.map((entry) => entry.name).join(' '),
    ]);

  test.each<{
    name: string;
    present: readonly Entry[];
    wanted: Partial<FilesMapping>;
    is: readonly (readonly string[])[];
    missing?: readonly string[];
  }>([
    {
      name: 'is a directory, by default',
      present: [directory('input'), directory('output')],
      wanted: defaultFileNames,
      is: [
        ['input', 'input/', 'input/', 'input', 'input'],
        ['output', 'output/', 'output/', 'output', 'output'],
      ],
    },
    {
      name: 'is no plain file where a directory is named',
      present: files(['input']),
      wanted: defaultFileNames,
      is: [],
      missing: ['input.json or input.txt or input/'],
    },
    {
      name: 'is a directory that is named without its slash',
      present: [directory('data')],
      wanted: { input: ['data'] },
      is: [['input', 'data/', 'data/', 'data', 'data']],
    },
    {
      name: 'is one file that is neither JSON nor text',
      present: files(['model.mps']),
      wanted: { input: ['model.mps'] },
      is: [['input', 'model.mps', '', 'model.mps', 'model.mps']],
    },
    {
      name: 'is a list, in the order of its names, with the place of a directory in it',
      present: [...files(['b.prm', 'model.mps', 'a.prm']), directory('cases')],
      wanted: { input: [['model.mps', '*.prm', 'cases/']] },
      is: [['input', 'model.mps, *.prm, cases/', '', '.', 'a.prm b.prm cases model.mps']],
    },
    {
      name: 'is a list of one name, whatever that ends in',
      present: files(['input.json']),
      wanted: { input: [['input.json']] },
      is: [['input', 'input.json', '', 'input.json', 'input.json']],
    },
    {
      name: 'waits for each of its patterns',
      present: files(['model.mps']),
      wanted: { input: [['model.mps', '*.prm', 'x.lp']] },
      is: [['input', 'model.mps', '', 'model.mps', 'model.mps']],
      missing: ['a file that matches *.prm', 'x.lp'],
    },
    {
      name: 'has nothing that has another role, is ignored, hidden or ours',
      present: files([
        'a',
        'run.log',
        'meta.json',
        'metrics.json',
        'DONE',
        'x.tmp',
        '.x',
        'nextmv-result.json',
        'nextmv-output.tar.gz',
      ]),
      wanted: { input: [['*']], marker: 'DONE', ignore: ['*.tmp'] },
      is: [['input', 'a', '', 'a', 'a']],
    },
    {
      name: 'has what a rule would leave out if case did not count',
      present: files(['a.tmp', 'b.TMP']),
      wanted: { input: [['*']], ignore: ['*.tmp'] },
      is: [['input', 'b.TMP', '', 'b.TMP', 'b.TMP']],
    },
    {
      name: 'has what is named outright, ignored or not',
      present: files(['a.tmp', 'b.tmp']),
      wanted: { input: [['a.tmp', '*.tmp']], ignore: ['*.tmp'] },
      is: [['input', 'a.tmp', '', 'a.tmp', 'a.tmp']],
      missing: [],
    },
    {
      name: 'has no directory that a rule for directories leaves out, and a file of that name',
      present: [directory('work'), directory('work-2'), ...files(['results', 'scratch'])],
      wanted: { input: [['res*', 'work*', 'scr*']], ignore: ['work/', 'scratch/'] },
      is: [['input', 'res*, work*, scr*', '', '.', 'results scratch work-2']],
    },
    {
      name: 'has a directory that is named outright, with its slash or without, whatever the rules say of it',
      present: [directory('data'), directory('more')],
      wanted: { input: [['data', 'more/']], ignore: ['data/', 'more/'] },
      is: [['input', 'data, more/', '', '.', 'data more']],
    },
    {
      name: 'takes what is not in a bracket, however that is said, and nothing that is hidden',
      present: files([
        'a.prm',
        'b.prm',
        '^.prm',
        '!.prm',
        '.prm',
        '.b.prm',
        'b.lp',
        'a.lp',
        'c(.sol',
        'c^.sol',
      ]),
      wanted: { input: [['[!ac]*.prm', '[^ac]*.lp', 'c[(|].sol']] },
      is: [['input', '[!ac]*.prm, [^ac]*.lp, c[(|].sol', '', '.', '!.prm ^.prm b.lp b.prm c(.sol']],
    },
    {
      name: 'takes a sign that means "not" only at the beginning of a bracket by its word elsewhere',
      present: files(['a.prm', 'b.prm', '^.prm', '!.prm']),
      wanted: { input: [['[a!^].prm']] },
      is: [['input', '[a!^].prm', '', '.', '!.prm ^.prm a.prm']],
    },
    {
      name: 'tells case-twins apart',
      present: files(['Case.mps', 'case.mps']),
      wanted: { input: ['case.mps'] },
      is: [['input', 'case.mps', '', 'case.mps', 'case.mps']],
    },
    {
      name: 'takes brackets of other kinds by their word',
      present: files(['a(1)+.prm', 'a1.prm']),
      wanted: { input: [['a(1)+.*']] },
      is: [['input', 'a(1)+.prm', '', 'a(1)+.prm', 'a(1)+.prm']],
    },
  ])('$name', ({ present, wanted, is, missing = [] }) => {
    const mapping = mapped(present, { output: ['solution.json'], ...wanted });
    expect(shownOf(mapping)).toEqual(is);
    expect(mapping.missing.input).toEqual(missing);
    expect(mapping.conflict).toBeNull();
  });

  test.each<{ name: string; present: readonly Entry[]; wanted: Partial<FilesMapping>; says: string }>([
    {
      name: 'a file that is claimed twice',
      present: files(['model.mps', 'meta.json']),
      wanted: { input: [['model.*']], output: ['*.mps'] },
      says: 'model.mps is input by model.* and output by *.mps',
    },
    {
      name: 'two files for a glob of one',
      present: files(['out-1.json', 'out-2.json']),
      wanted: { output: ['out-*.json'] },
      says: 'two files match out-*.json (files.output), out-1.json and out-2.json',
    },
    {
      name: 'two logs',
      present: files(['a.log', 'b.log']),
      wanted: { log: '*.log' },
      says: 'two files match *.log, a.log and b.log',
    },
    {
      name: 'a file beside a directory of the same role',
      present: [...files(['input.json']), directory('input')],
      wanted: defaultFileNames,
      says: 'there are two inputs, input.json and input/',
    },
  ])('is not made of $name', ({ present, wanted, says }) => {
    expect(mapped(present, wanted).conflict).toBe(says);
  });
});

test.each([
  { name: 'a.json', is: 'json' },
  { name: 'a.txt', is: 'text' },
  { name: 'a.JSON', is: 'text' },
  { name: 'json', is: 'text' },
])('$name is $is', ({ name, is }) => {
  expect(contentTypeOf(name)).toBe(is);
});
