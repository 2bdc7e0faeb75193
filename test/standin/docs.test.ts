/** The page about the stand-in names everything that can be said to it, and its examples are ones that it takes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { platformCommand } from '../../src/cli/commands/platform.ts';
import { parseFault } from '../../src/standin/faultText.ts';
import { requestKinds } from '../../src/standin/requestKind.ts';
import { settingNames } from '../../src/standin/settings.ts';
import { started } from './harness.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'stand-in.md'), 'utf8');
const optionFlags = platformCommand()
  .options.map(({ flags }) => flags)
  .filter((flags) => !flags.includes('--help'));

test.each(optionFlags)('%s is in a table', (flags) => {
  expect(page).toMatch(new RegExp(`^\\| \`${flags}\` *\\|`, 'm'));
});

test('every setting is there, with its option', () => {
  expect(optionFlags.length).toBeGreaterThan(settingNames.length);
  for (const name of settingNames) {
    const option = `--${name.replaceAll('_', '-')}`;
    expect(page).toMatch(new RegExp(`^\\| \`${option}( <[a-z]+>)?\` *\\| \`${name}\` *\\|`, 'm'));
    expect(optionFlags.join(' ')).toContain(option);
  }
});

test.each([
  ...requestKinds,
  'any',
  'drop-before',
  'drop-after',
  'drop-midway',
  'hang',
  'delay=',
  'trickle=',
  'length=',
  'always',
  'app=',
  'skip=',
  'retry-after=',
  'location=',
  'body=',
  'carried-out',
])('%s is explained', (word) => {
  expect(page).toMatch(new RegExp(`\`,?${word}`));
});

test('every fault that is shown is one', () => {
  const shown = [...page.matchAll(/--fault ('[^'\n]+'|[^\s`<]+)/g)].map(([, fault = '']) =>
    fault.replaceAll("'", ''),
  );
  expect(shown.length).toBeGreaterThan(8);
  for (const fault of shown) expect(() => parseFault(fault)).not.toThrow();
});

test('every request that is shown is answered with 200', async () => {
  const client = await started();
  const shown = [
    ...page.matchAll(/^curl (?:-X (\w+) )?\$at(\S+)(?: -H 'content-type: application\/json' -d '(.*)')?$/gm),
  ];
  expect(shown).toHaveLength(page.match(/^curl /gm)?.length ?? 0);
  expect(shown.length).toBeGreaterThan(6);
  for (const [line, method = 'GET', path = '', body] of shown) {
    const answer = await client.admin(method, path, body === undefined ? undefined : JSON.parse(body));
    expect([line, answer.status]).toStrictEqual([line, 200]);
  }
});
