/** The oracle itself: of each property, records that break it are found out, and those beside them are not. */
import { expect, test } from 'vitest';
import { check, type Records } from '../../bench/oracle/index.mjs';

const fingerprint = 'rt1:aaaaaaaaaaaaaaaaaaaaaaaaaa';
const bytes = { input: 'in-1', output: 'out-1', logs: 'log-1' };
const run = { id: 'r-1', name: 'monday', fingerprint, ...bytes };
const view = {
  run: 1,
  folder: 'monday',
  state: 'recorded',
  run_id: 'r-1',
  fingerprint,
  reason: null,
  hint: null,
} as const;
const generation = { number: 1, stands: true, input: 'in-1', output: 'out-1', logs: ['log-0', 'log-1'] };
const result = { folder: 'monday', isWhole: true, id: 'r-1', fingerprint, output: 'out-1' } as const;

/** One folder, one run, one result, one kill. */
const good: Records = {
  folders: [{ name: 'monday', generations: [generation] }],
  runs: [run],
  views: [view],
  results: [result],
  foreign: [],
  unsettled: [],
  happened: { kills: { times: 1, least: 1 } },
};
const parked = {
  ...view,
  state: 'parked',
  run_id: null,
  reason: { class: 'refused', text: 'the platform refused it' },
  hint: 'Mend it.',
} as const;
const another = { ...run, id: 'r-2' };
const replaced = {
  name: 'monday',
  generations: [
    { ...generation, stands: false },
    { number: 2, stands: true, input: 'in-2', output: 'out-2', logs: ['log-1'] },
  ],
};

test.each<{ name: string; records: Records }>([
  { name: 'a folder with its run and its result', records: good },
  {
    name: 'a run that was refused, and waits for a person',
    records: { ...good, runs: [], views: [parked], results: [] },
  },
  {
    name: 'a run that somebody else made',
    records: { ...good, runs: [run, { ...another, name: 'theirs', fingerprint: null }], foreign: ['r-2'] },
  },
  {
    name: 'content that was replaced before it was sent',
    records: {
      ...good,
      folders: [replaced],
      runs: [{ ...run, input: 'in-2', output: 'out-2' }],
      results: [{ ...result, output: 'out-2' }],
    },
  },
])('nothing is broken: $name', ({ records }) => {
  expect(check(records)).toEqual([]);
});

test.each<{ property: string; name: string; records: Records }>([
  {
    property: 'conservation',
    name: 'a folder without a run',
    records: { ...good, runs: [], views: [], results: [] },
  },
  {
    property: 'conservation',
    name: 'a folder that is parked without a word why',
    records: { ...good, runs: [], views: [{ ...parked, reason: null }], results: [] },
  },
  {
    property: 'conservation',
    name: 'a folder whose newer content was never sent, though the older one was',
    records: { ...good, folders: [replaced] },
  },
  {
    property: 'conservation',
    name: 'a folder whose run is under way for ever',
    records: { ...good, runs: [], views: [{ ...parked, state: 'unknown' }], results: [] },
  },
  {
    property: 'integrity',
    name: 'other bytes of the output',
    records: { ...good, runs: [run, { ...another, fingerprint: null, output: 'out-x' }] },
  },
  {
    property: 'integrity',
    name: 'the input of one generation with the output of another',
    records: {
      ...good,
      folders: [
        {
          ...replaced,
          generations: [generation, { ...generation, number: 2, input: 'in-2', output: 'out-2' }],
        },
      ],
      runs: [
        run,
        { ...another, fingerprint: null, output: 'out-2' },
        { ...another, id: 'r-3', fingerprint: null, input: 'in-2', output: 'out-2' },
      ],
    },
  },
  {
    property: 'integrity',
    name: 'a torn result file',
    records: { ...good, results: [{ folder: 'monday', isWhole: false }] },
  },
  { property: 'integrity', name: 'no result file', records: { ...good, results: [] } },
  {
    property: 'integrity',
    name: 'the result of another run',
    records: { ...good, results: [{ ...result, id: 'r-9' }] },
  },
  {
    property: 'integrity',
    name: 'an altered result',
    records: { ...good, results: [{ ...result, output: 'out-x' }] },
  },
  {
    property: 'integrity',
    name: 'a run recorded under an id that the platform does not have',
    records: { ...good, views: [view, { ...view, run: 2, run_id: 'r-9' }] },
  },
  {
    property: 'no invention',
    name: 'a run of no folder',
    records: { ...good, runs: [run, { ...another, name: 'tuesday', fingerprint: null }] },
  },
  {
    property: 'liveness',
    name: 'something that never settled',
    records: { ...good, unsettled: ['monday is queued'] },
  },
  {
    property: 'uniqueness',
    name: 'two runs with one fingerprint',
    records: {
      ...good,
      folders: [
        ...good.folders,
        { name: 'tuesday', generations: [{ ...generation, stands: false, input: 'in-3' }] },
      ],
      runs: [run, { ...another, name: 'tuesday', input: 'in-3' }],
    },
  },
  {
    property: 'uniqueness',
    name: 'two runs of one generation under different fingerprints',
    records: { ...good, runs: [run, { ...another, fingerprint: 'rt1:bbbbbbbbbbbbbbbbbbbbbbbbbb' }] },
  },
  {
    property: 'non-vacuity',
    name: 'a round in which nobody was killed',
    records: { ...good, happened: { kills: { times: 0, least: 1 } } },
  },
])('$property is broken by $name, and by nothing else', ({ property, records }) => {
  const broken = check(records);
  expect(broken.map((breach) => breach.property)).toEqual([property]);
  expect(broken[0]?.what).toMatch(/\w/);
});
