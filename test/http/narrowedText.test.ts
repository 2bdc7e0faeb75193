/** What a person is told of a narrowed pace. */
import { expect, test } from 'vitest';
import { narrowedText } from '../../src/http/narrowedText.ts';

const budget = {
  runs_per_second: 4.85,
  requests_per_minute: 1_940,
  waiting: 3,
  narrowed: true,
  limits: { runs_per_second: 5, requests_per_minute: 2_000 },
};

test.each([
  { name: 'none where nothing is narrowed', is: { narrowed: false, runs_per_second: 0.1 }, says: null },
  {
    name: 'how often a run goes, where few do',
    is: { runs_per_second: 0.11 },
    says: 'a run every 9s for now (5 a second are configured), 3 requests wait',
  },
  {
    name: 'how many runs go, where several do',
    is: { runs_per_second: 1.2, waiting: 1 },
    says: '1.2 runs a second for now (5 a second are configured), 1 request waits',
  },
  {
    name: 'how many requests go, and nothing of runs that are not held up',
    is: { requests_per_minute: 120 },
    says: '120 requests a minute for now (2000 a minute are configured), 3 requests wait',
  },
  {
    name: 'what was learned where no limit is configured',
    is: { runs_per_second: 0.5, limits: { runs_per_second: null, requests_per_minute: 2_000 } },
    says: 'a run every 2s for now, 3 requests wait',
  },
])('the words for a narrowed pace say $name', ({ is, says }) => {
  const text = narrowedText({ ...budget, ...is });
  expect(text).toBe(
    says === null
      ? null
      : `the platform refuses some requests as too many (429), as when other hosts use the same account: ${says}; it widens again by itself`,
  );
});
