/** Every hint that the program prints leads to a heading that exists. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checks } from '../../src/cli/doctor/verdicts.ts';
import { explanations, explanationsIn } from '../../src/cli/operating.ts';
import { test as sceneTest } from '../journey/scene.ts';

const topics = explanations().map(({ topic }) => topic);
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join('src', file), 'utf8') }));

/** As the source writes them down, and those that have a name of their own. The library's own errors park nothing. */
const classes = new Set([
  ...sources
    .filter(({ file }) => !file.startsWith('library/'))
    .flatMap(({ text }) => [...text.matchAll(/\bclass: '([a-z-]+)'/g)].map(([, name = '']) => name)),
  ...sources.flatMap(({ text }) =>
    [...text.matchAll(/(?:rateLimited|storageRefused|wrongLevel|rootNotConfigured) = '([a-z-]+)'/g)].map(
      ([, name = '']) => name,
    ),
  ),
  'rejected',
]);

test('the search for classes finds them', () => {
  expect(classes.size).toBeGreaterThan(30);
  expect([...classes]).toEqual(
    expect.arrayContaining(['refused', 'wrong-level', 'rate-limited', 'backfill']),
  );
});

test.each([...classes].sort())('the class of reason "%s" is explained in docs/operating.md', (name) => {
  expect(topics).toContain(name);
});

test.each([...checks])('the check "%s" is explained in docs/operating.md', (check) => {
  expect(topics).toContain(check);
});

test('every topic that is named in a text of the program is explained', () => {
  const named = sources.flatMap(({ text }) =>
    [...text.matchAll(/runtrackd explain ([a-z-]+)/g)].map(([, topic = '']) => topic),
  );
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((topic) => !topics.includes(topic))).toEqual([]);
});

test('each entry is there once, and says what happened, what it means and what to type', () => {
  expect(new Set(topics).size).toBe(topics.length);
  for (const { topic, text } of explanations()) {
    expect(`${topic}: ${text}`).toMatch(
      /What happened\.[^]+What it means\.[^]+What to type\.[^]+```sh\n[^]+\n```$/,
    );
  }
});

test('links between the pages lead to files and headings that exist', () => {
  for (const page of [
    'README.md',
    ...readdirSync('docs')
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ]) {
    const text = readFileSync(page, 'utf8');
    for (const [, path = '', anchor = ''] of text.matchAll(/\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?\)/g)) {
      const target = path === '' ? page : join(page, '..', path);
      // Directories and what is made are asked for nothing.
      const found = target.endsWith('.md') ? headings(readFileSync(target, 'utf8')) : null;
      if (anchor !== '' && found !== null)
        expect(found, `${page}: ${path}${anchor}`).toContain(anchor.slice(1));
    }
  }
});

function headings(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}

describe('an entry', () => {
  test('ends where the next one or the next section begins', () => {
    const read = explanationsIn('# A\n\n### one\n\nfirst\n\n### two\n\nsecond\n\n## B\n\nthird\n');
    expect(read).toEqual([
      { topic: 'one', text: 'first' },
      { topic: 'two', text: 'second' },
    ]);
  });
});

sceneTest('explain prints an entry, and names the nearest where there is none', async ({ scene }) => {
  const said = await scene.start(['explain', 'refused']).end();
  expect(said).toMatchObject({ code: 0, stderr: '' });
  expect(said.stdout).toContain('runtrackd retry FOLDER');
  expect(said.stdout).not.toContain('```');
  const wrong = await scene.start(['explain', 'refusd']).end();
  expect(wrong).toMatchObject({ code: 1, stdout: '' });
  expect(wrong.stderr).toContain('refused');
});
