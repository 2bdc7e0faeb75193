/** What `-h` and the man page say has one source, and every command is in it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { helpTail, manual } from '../../src/cli/manual.ts';
import { manPage } from '../../src/cli/manPage.ts';
import { program } from '../../src/cli/program.ts';

const top = await program();
const names = top.commands.map((command) => command.name());

test('the manual has an entry for every command, and none too many (src/cli/manual.ts)', () => {
  expect(Object.keys(manual).sort()).toEqual([...names].sort());
});

test.each(names)('%s has an example that names it, and says what its exit codes mean', (name) => {
  const { examples, exits } = manual[name] ?? { examples: [], exits: {} };
  expect(examples.length).toBeGreaterThan(0);
  expect(examples.some(({ line }) => line.includes(`runtrackd ${name}`))).toBe(true);
  expect(exits[0]).toBeDefined();
  expect(helpTail(name)).toMatch(/^\nExamples:\n(.|\n)*\n\nExit codes:\n {2}0 /);
});

test('what is said to be a line of a crontab is one', () => {
  const examples = Object.values(manual).flatMap((entry) => entry.examples);
  const lines = examples.filter(({ does }) => does.includes('crontab')).map(({ line }) => line);
  expect(lines).not.toEqual([]);
  for (const line of lines) {
    expect(line).toMatch(/^([\d*]+ ){5} *runtrackd /);
    // cron takes a % as the end of the command.
    expect(line).not.toMatch(/(?<!\\)%/);
  }
});

test('examples are ones that the commands take', () => {
  const commands = new Map(top.commands.map((command) => [command.name(), command]));
  for (const { examples } of Object.values(manual)) {
    for (const { line } of examples) {
      const [, name = '', after = ''] = /runtrackd ([a-z-]+)([^|]*)/.exec(line) ?? [];
      const known = commands.get(name)?.options.map(({ long }) => long) ?? [];
      const used = [...after.matchAll(/ (--[a-z-]+)/g)].map(([, option]) => option);
      expect(known).toEqual(expect.arrayContaining(used));
    }
  }
});

test('docs/runtrackd.1 is up to date (else: npm run man)', () => {
  expect(readFileSync('docs/runtrackd.1', 'utf8')).toBe(manPage(top));
});

test('the man page names every command and every option', () => {
  const page = manPage(top);
  for (const command of top.commands) {
    expect(page).toContain(`.SS runtrackd ${command.name().replaceAll('-', '\\-')}`);
    for (const { long } of command.options) expect(page).toContain((long ?? '').replaceAll('-', '\\-'));
  }
});

const groff = spawnSync('groff', ['--version']).status === 0;
if (!groff) console.error('SKIPPED: what groff says of the man page: no groff here');
test.skipIf(!groff)('groff has nothing to say against the man page (skipped where there is no groff)', () => {
  const set = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-z', 'docs/runtrackd.1'], { encoding: 'utf8' });
  expect(set).toMatchObject({ status: 0, stderr: '' });
});
