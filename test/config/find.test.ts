/** Where the daemon of a configuration is asked, whatever has become of the file since it began. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { controlDirIn } from '../../src/config/config.ts';
import { fileWith, givenDirectory, givenFile } from './given.ts';

const stateDirOf = (file: string): string => join(file, '..', 'elsewhere');

test.each([
  ['a wrong value', (text: string) => `${text}host: [x]\n`],
  ['a brace too many', (text: string) => `${text}}\n`],
  ['a list without an end', (text: string) => `${text}host: [x\n`],
  ['a quote without an end', (text: string) => `${text}host: "x\n`],
  ['a key without a colon', (text: string) => `${text}host\n`],
  ['a line that is out of line', (text: string) => `${text}  host: x\n`],
  ['a tab', (text: string) => `${text}log:\n\tlevel: info\n`],
  ['a star that means an alias', (text: string) => `${text}host: *tmp\n`],
  ['stars that mean aliases', (text: string) => `${text}ignore: [*.tmp, '.*']\n`],
  ['a mistake at the beginning', (text: string) => `{a: b}\n${text}`.replace('{a: b}', 'a: b: c')],
  ['a second document', (text: string) => `${text}---\na: b\n`],
])('%s does not hide where the state directory is', (_, changed) => {
  const file = givenFile(changed(fileWith({}).replace('./state', './elsewhere')));
  expect(controlDirIn(file)).toBe(stateDirOf(file));
});

test('nor where the socket for a group is', () => {
  const text = `${fileWith({ top: 'control: { group: root, directory: ./shared }' })}}\n`;
  const file = givenFile(text);
  expect(controlDirIn(file)).toBe(join(file, '..', 'shared'));
});

test('where nothing can be made out, the daemon is asked where init would have put it', () => {
  const nested = givenFile('['.repeat(100_000));
  expect(controlDirIn(nested)).toBe(join(nested, '..', 'state'));
  const quoted = givenFile(`"${fileWith({})}`);
  expect(controlDirIn(quoted)).toBe(join(quoted, '..', 'state'));
});

test('a file without mistakes that names no place, and one that is not there, tell of none', () => {
  expect(controlDirIn(givenFile('log: { level: info }\n'))).toBeNull();
  expect(controlDirIn(join(givenDirectory(), 'nowhere.yaml'))).toBeNull();
});
