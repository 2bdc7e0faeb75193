import { describe, expect, test } from 'vitest';
import { contentTypeOf, mapFiles, type Mapping } from '../../src/reading/mapping.ts';
import { names } from './folder.ts';

const none = (): boolean => false;
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
    const mapping = mapFiles(present, names, none, none);
    expect(roleOf(mapping)).toEqual(roles);
    expect(mapping.conflict).toBe(conflict ?? null);
  });

  test('are none when they are ignored', () => {
    const mapping = mapFiles(['input.json', 'input.txt'], names, none, (name) => name.endsWith('.txt'));
    expect(mapping).toEqual({ files: [{ role: 'input', name: 'input.json' }], conflict: null });
  });

  test('are our own whatever the configuration calls the log', () => {
    const mapping = mapFiles(['nextmv-result.json'], { ...names, log: 'nextmv-result.json' }, none, none);
    expect(mapping.files).toEqual([]);
  });

  test.each(['input', 'output'])('may not lie in a directory %s/ yet, and that is said', (directory) => {
    const mapping = mapFiles([directory, 'meta.json'], names, (name) => name === directory, none);
    expect(mapping.conflict).toContain(`${directory}/ is a directory`);
  });

  test('may have a plain file `input` beside them', () => {
    expect(mapFiles(['input', 'input.json'], names, none, none).conflict).toBeNull();
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
