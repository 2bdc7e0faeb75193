/** What `show` tells of a run in every state: what happened, what it meant, and what comes next. */
import { expect, test } from 'vitest';
import { localTime, nextLines, storyLines, type Telling, type Told } from '../../src/cli/storyText.ts';
import { shownStates, type ShownState } from '../../src/core/run.ts';

/** A quarter past three in Berlin, where it is summer. */
const telling: Telling = {
  nowMs: Date.parse('2026-07-01T13:15:00.000Z'),
  timeZone: 'Europe/Berlin',
  isDaemon: true,
  paused: null,
  explain: '',
};

const plain: Told = {
  run: 7,
  folder: '/srv/runs/a plan',
  state: 'queued',
  since: '2026-07-01T13:14:00.000Z',
  due_at: '2026-07-01T13:15:11.500Z',
  overdue_at: null,
  reason: null,
  hint: null,
  history: [],
};

const asked = { reason: { class: 'some-class', text: 'the platform said no' }, hint: 'Look at it' };
const folder = { run: null, due_at: null };

const ends: Record<ShownState, { readonly story: Partial<Told>; readonly is: readonly string[] }> = {
  settling: {
    story: {
      ...folder,
      overdue_at: '2026-07-01T14:15:00.000Z',
      reason: { class: 'not-complete', text: 'waiting for output.json' },
    },
    is: [
      'What happens next: it is tracked as soon as it is complete and quiet.',
      'If nothing moves in it until 16:15:00, it is overdue and needs you.',
    ],
  },
  overdue: {
    story: { ...folder, ...asked },
    is: [
      'It needs you: The platform said no.',
      'Look at it.',
      "It is tracked when it completes after all. Type `runtrackd skip '/srv/runs/a plan'` if it never will.",
    ],
  },
  rejected: {
    story: {
      ...folder,
      ...asked,
      reason: { class: 'rejected', text: 'meta.json: status is odd' },
      folder: '/srv/runs/plan-1',
    },
    is: [
      // A file's name is what it is.
      'It needs you: meta.json: status is odd.',
      'Look at it.',
      'New content is looked at by itself. Type `runtrackd retry /srv/runs/plan-1` to have this looked at again, or `runtrackd skip /srv/runs/plan-1` to leave it.',
    ],
  },
  queued: { story: {}, is: ['What happens next: its files are uploaded, at 15:15:11 (in 12s).'] },
  uploaded: {
    story: {},
    is: ['What happens next: the platform is asked to make the run, at 15:15:11 (in 12s).'],
  },
  intended: {
    story: { due_at: '2026-07-01T13:14:58.000Z' },
    is: [
      'What happens next: the platform’s answer, or else its list, tells whether the run was made, now: it is due since 15:14:58, or under way.',
    ],
  },
  unknown: {
    story: {},
    is: ['What happens next: the platform’s list is searched for its fingerprint, at 15:15:11 (in 12s).'],
  },
  tracked: {
    story: {},
    is: ['What happens next: the platform is asked for the result, at 15:15:11 (in 12s).'],
  },
  final: { story: {}, is: ['What happens next: the result is written back, at 15:15:11 (in 12s).'] },
  recorded: { story: { due_at: null }, is: ['Nothing: it is done.'] },
  parked: {
    story: { ...asked, due_at: null },
    is: [
      'It needs you: The platform said no.',
      'Look at it.',
      "Type `runtrackd retry '#7'` to go on where it was, or `runtrackd skip '#7'` to leave it.",
    ],
  },
  skipped: {
    story: { due_at: null },
    is: ["Nothing, unless its content changes or you type `runtrackd retry '#7'`."],
  },
  superseded: {
    story: { due_at: null },
    is: ['Nothing: its folder is another run by now, of newer content or for another app.'],
  },
  gone: {
    story: { due_at: null },
    is: ['Nothing: its folder vanished before it was sent. It goes on by itself if the folder comes back.'],
  },
};

test.each(shownStates)('what comes next is told of a run that is %s', (state) => {
  const { story, is } = ends[state];
  expect(nextLines({ ...plain, ...story, state }, telling)).toEqual(is);
});

test.each([
  {
    name: 'a folder that is not complete any more is waited for',
    story: { due_at: null },
    is: 'What happens next: its files are uploaded, as soon as its folder is complete again.',
  },
  {
    name: 'another day is named',
    story: { due_at: '2026-07-02T13:15:00.000Z' },
    is: 'What happens next: its files are uploaded, at 2026-07-02 15:15:00 (in 1d).',
  },
  {
    name: 'an archived folder is done',
    story: { state: 'recorded', archived_to: '/srv/done/a' },
    is: 'Nothing: it is done, and its folder is archived in /srv/done/a.',
  },
] as const)('$name', ({ story, is }) => {
  expect(nextLines({ ...plain, ...story }, telling)).toEqual([is]);
});

test('without a daemon nothing comes by itself', () => {
  const away = { ...telling, isDaemon: false };
  expect(nextLines(plain, away)).toEqual([
    'What happens next: its files are uploaded, as soon as the daemon runs again.',
  ]);
  expect(nextLines({ ...plain, ...folder, state: 'settling' }, away).join()).toContain('the daemon runs');
});

test('of a folder that is about to be overdue, or whose root has no deadline any more, it is not said when', () => {
  const waiting: Told = { ...plain, ...folder, state: 'settling' };
  expect(nextLines(waiting, telling)).toHaveLength(1);
  expect(nextLines({ ...waiting, overdue_at: '2026-07-01T13:14:59.000Z' }, telling)).toHaveLength(1);
});

test('a person is told what explains the reason, and of a run that lasts too long', () => {
  const explained = { ...telling, explain: 'runtrackd explain refused' };
  expect(nextLines({ ...plain, ...asked, state: 'parked' }, explained).at(-1)).toBe(
    '`runtrackd explain refused` says more.',
  );
  for (const state of ['queued', 'unknown', 'tracked'] as const) {
    const lasting = nextLines({ ...plain, ...asked, state }, telling);
    expect(lasting.slice(1)).toEqual(['It needs you: The platform said no.', 'Look at it']);
    expect(nextLines({ ...plain, state }, telling)).toHaveLength(1);
  }
});

test('while nothing is delivered, what comes next comes after that, and why is said', () => {
  const paused = { ...telling, paused: 'the platform knows no such app' };
  const says = 'as soon as the pause is over. It waits: the platform knows no such app.';
  expect(nextLines(plain, paused)).toEqual([`What happens next: its files are uploaded, ${says}`]);
  expect(nextLines({ ...plain, state: 'final' }, paused)).toEqual([
    `What happens next: the result is written back, ${says}`,
  ]);
  expect(nextLines({ ...plain, state: 'recorded' }, paused)).toEqual(
    nextLines({ ...plain, state: 'recorded' }, telling),
  );
});

test('each happening is a line with the reader’s time, what happened and what it means', () => {
  const history = [
    { at: '2026-06-30T22:30:00.000Z', state: 'uploaded', note: 'every artefact is uploaded' },
    { at: '2026-07-01T13:10:00.000Z', state: 'intended', note: 'about to ask the platform to make the run' },
    {
      at: '2026-07-01T13:10:01.000Z',
      state: 'unknown',
      note: 'the line was cut: what came of it is unknown',
    },
    { at: '2026-07-01T13:11:00.000Z', state: 'unknown', note: 'not in the platform’s list so far' },
    { at: '2026-07-01T13:12:00.000Z', state: 'unknown', note: 'not in the platform’s list so far' },
    { at: '2026-07-01T13:13:00.000Z', state: 'unknown', note: 'not in the platform’s list so far' },
    { at: '2026-07-01T13:14:00.000Z', state: 'tracked', note: 'found on the platform as \u001b[2Jrun-1' },
  ];
  expect(storyLines({ ...plain, history }, telling)).toEqual([
    ['00:30:00', 'Every artefact is uploaded. The platform holds its files; no run is made of them yet.'],
    [
      '15:10:00',
      'About to ask the platform to make the run. This was written down first, so that nobody asks a second time without looking.',
    ],
    ['15:10:01', 'The line was cut: what came of it is unknown. It is not sent again before that is known.'],
    ['15:11:00', 'Not in the platform’s list so far, 3 times, the last at 15:13:00.'],
    [
      '15:14:00',
      'Found on the platform as \\u001b[2Jrun-1. It is one run on the platform, and its result is asked for.',
    ],
  ]);
});

test.each(shownStates.filter((state) => state !== 'settling'))(
  'it is said what it means that a run becomes %s',
  (state) => {
    const history = [{ at: plain.since, state, note: 'so it is' }];
    const [line] = storyLines({ ...plain, history }, telling);
    expect(line?.[1]).toMatch(/^So it is\. \p{Lu}.+\.$/u);
  },
);

test('a day that is not today is told with its date, as the reader’s calendar has it', () => {
  expect(localTime('2026-06-30T21:59:59.000Z', telling.nowMs, 'Europe/Berlin')).toBe('2026-06-30 23:59:59');
  expect(localTime('2026-06-30T22:00:00.000Z', telling.nowMs, 'Europe/Berlin')).toBe('00:00:00');
});
