/** The bench's pictures. */
import { expect, test } from 'vitest';
import { growthPicture } from '../../bench/pictures.mjs';

const points = [
  [1, 1],
  [10, 10],
] as const;

test('three lines of a picture are told apart by class and mark; one without a point is not in the legend', () => {
  const lines = ['one', 'two', 'three'].map((name) => ({ name, points }));
  const picture = growthPicture([
    { title: 'Growth', unit: 's', x: 'MB', lines: [{ name: 'none', points: [[1, null]] }, ...lines] },
  ]);
  const classes = [...picture.matchAll(/<polyline [^>]* class="([^"]*)"/g)].map(([, of]) => of);
  expect(classes).toEqual(['line first', 'line second', 'line third']);
  // Two points and the legend's.
  for (const [mark, of] of [
    ['circle', 'first'],
    ['rect', 'second'],
    ['polygon', 'third'],
  ])
    expect(picture.match(new RegExp(`<${mark} [^>]*class="dot ${of}"`, 'g'))).toHaveLength(3);
  expect(picture).not.toContain('none</text>');
});
