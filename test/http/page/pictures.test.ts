/** What is drawn of a solve, and what stands beside the axes. */
import { expect, test } from 'vitest';
import type { SeriesPoint } from '../../../src/core/solverFacts.ts';
import { convergencePicture, drawnRange } from '../../../src/http/page/pictures.ts';
import { tickText } from '../../../src/markup/picture.ts';

const points = (...values: number[]): SeriesPoint[] => values.map((value, at) => [at, value]);

test.each([
  {
    name: 'a solve that gets better evenly is drawn whole',
    series: [points(100, 90, 80, 70), points(50, 55, 60)],
    is: { low: 50, high: 100, outside: 0 },
  },
  {
    name: 'a first solution that is worse by magnitudes does not press the others into a line',
    series: [points(1_000_000, 140, 120, 110), points(90, 95, 100)],
    is: { low: 90, high: 145, outside: 1 },
  },
  {
    name: 'what ends in one value is drawn whole',
    series: [points(0, 7), points(9, 7)],
    is: { low: 0, high: 9, outside: 0 },
  },
  { name: 'a bound alone is enough', series: [[], points(1, 2)], is: { low: 1, high: 2, outside: 0 } },
])('$name', ({ series, is }) => {
  expect(drawnRange(series)).toEqual(is);
});

test('what lies outside is said below the picture, and stands among the numbers', async () => {
  const picture = String(await convergencePicture(points(1_000_000, 140, 120, 110), points(90, 95, 100), 10));
  expect(picture).toContain('1 early value lies outside');
  expect(picture).toContain('>1000000<');
});

test('the last mark of the time ends with the picture', async () => {
  const picture = String(await convergencePicture(points(5, 4), points(1, 2), 10));
  expect(picture).toMatch(/text-anchor="end"\s*>\s*10 s\s*<\/text>/);
});

test.each([
  { value: 0, is: '0' },
  { value: 2_384, is: '2,384' },
  { value: 25_750, is: '25,750' },
  { value: 0.25, is: '0.25' },
  { value: 0.0001, is: '1.0e-4' },
  { value: 150_000, is: '150K' },
  { value: 12_345_600, is: '12.3456M' },
])('$value stands as $is beside an axis', ({ value, is }) => {
  expect(tickText(value)).toBe(is);
});
