/**
 * Every state and everything that can happen: what comes of it, or that only a bug can bring it about. A state or a
 * happening without a row does not compile, and a row that says nothing of a state fails.
 */
import { describe, expect, test } from 'vitest';
import type { Happening } from '../../src/core/happening.ts';
import { advance } from '../../src/core/lifecycle.ts';
import { missingRoot } from '../../src/core/missingRoot.ts';
import { shownStates, type LiveState, type RunState, type StateKind } from '../../src/core/run.ts';
import {
  absence,
  failureWith,
  lifeIn,
  now,
  parkedFrom,
  policy,
  sampleStates,
  stateKinds,
  unknown,
  uploads,
} from './lives.ts';

type HappeningKind = Happening['kind'];
/** `bug`: it throws. `same`: the state stays what it is, to the last field. */
type Outcome = StateKind | 'same' | 'bug';
type Row = Readonly<Record<StateKind, Outcome>>;

const trouble = failureWith('platform');

const sampleHappenings: { readonly [K in HappeningKind]: Extract<Happening, { kind: K }> } = {
  uploadsLanded: { kind: 'uploadsLanded', uploads, failure: null },
  uploadsTooOld: { kind: 'uploadsTooOld' },
  sourceChanged: { kind: 'sourceChanged', failure: failureWith('run') },
  intended: { kind: 'intended', platformTimeMs: now },
  slotTooOld: { kind: 'slotTooOld' },
  made: { kind: 'made', runId: 'run-b' },
  nothingMade: { kind: 'nothingMade', failure: trouble },
  refused: { kind: 'refused', failure: failureWith('run') },
  unclear: { kind: 'unclear', failure: trouble, endedAtMs: now },
  found: { kind: 'found', runId: 'run-b' },
  foundTaken: { kind: 'foundTaken', runId: 'run-b' },
  absent: absence(1, now),
  notFinal: { kind: 'notFinal' },
  notFound: { kind: 'notFound', failure: failureWith('app'), steady: { process: 'this', ms: now } },
  final: { kind: 'final', status: 'succeeded' },
  written: { kind: 'written', path: 'nextmv-result.json' },
  failed: { kind: 'failed', failure: trouble },
  logOrMetaChanged: { kind: 'logOrMetaChanged' },
  newerContent: { kind: 'newerContent' },
  otherTarget: { kind: 'otherTarget' },
  vanished: { kind: 'vanished' },
  returned: { kind: 'returned' },
  resultLost: { kind: 'resultLost' },
  distrusted: { kind: 'distrusted' },
  crashedAlone: { kind: 'crashedAlone' },
  rootRemoved: { kind: 'rootRemoved', failure: failureWith('run') },
  rootReturned: { kind: 'rootReturned' },
  retry: { kind: 'retry' },
  skip: { kind: 'skip' },
};

const row = (others: Outcome, these: Partial<Row>): Row => ({
  queued: others,
  uploaded: others,
  intended: others,
  unknown: others,
  tracked: others,
  final: others,
  recorded: others,
  parked: others,
  skipped: others,
  superseded: others,
  gone: others,
  ...these,
});

/** A step's outcome comes from the state in which the step is taken, and from no other. */
const fromSteps = (these: Partial<Row>): Row => row('bug', these);
/** The folder, a person and the outbox's past can speak at any time. */
const fromOutside = (these: Partial<Row>): Row => row('same', these);

const matrix: Readonly<Record<HappeningKind, Row>> = {
  uploadsLanded: fromSteps({ queued: 'uploaded' }),
  uploadsTooOld: fromSteps({ uploaded: 'queued', intended: 'queued' }),
  sourceChanged: fromSteps({ queued: 'queued', uploaded: 'queued' }),
  intended: fromSteps({ uploaded: 'intended' }),
  slotTooOld: fromSteps({ intended: 'uploaded' }),
  made: fromSteps({ intended: 'tracked' }),
  nothingMade: fromSteps({ intended: 'uploaded' }),
  refused: fromSteps({ intended: 'queued' }),
  unclear: fromSteps({ intended: 'unknown' }),
  found: fromSteps({ unknown: 'tracked' }),
  foundTaken: fromSteps({ unknown: 'parked' }),
  absent: fromSteps({ unknown: 'unknown' }),
  notFinal: fromSteps({ tracked: 'tracked' }),
  notFound: fromSteps({ tracked: 'tracked', final: 'tracked' }),
  final: fromSteps({ tracked: 'final' }),
  written: fromSteps({ final: 'recorded' }),
  failed: fromSteps({ queued: 'same', uploaded: 'same', unknown: 'same', tracked: 'same', final: 'same' }),
  logOrMetaChanged: fromOutside({
    queued: 'queued',
    uploaded: 'queued',
    parked: 'queued',
    superseded: 'queued',
    gone: 'queued',
  }),
  newerContent: fromOutside({ queued: 'superseded', uploaded: 'superseded', parked: 'superseded' }),
  otherTarget: fromOutside({ queued: 'superseded', uploaded: 'superseded', parked: 'superseded' }),
  vanished: fromOutside({ queued: 'gone', uploaded: 'gone', parked: 'gone' }),
  returned: fromOutside({ superseded: 'queued', gone: 'queued' }),
  resultLost: fromOutside({ recorded: 'final' }),
  distrusted: fromOutside({
    queued: 'unknown',
    uploaded: 'unknown',
    intended: 'unknown',
    unknown: 'unknown',
    parked: 'parked',
    skipped: 'skipped',
  }),
  crashedAlone: fromOutside({
    queued: 'parked',
    uploaded: 'parked',
    intended: 'parked',
    unknown: 'parked',
    tracked: 'parked',
    final: 'parked',
  }),
  rootRemoved: fromOutside({ queued: 'parked', uploaded: 'parked' }),
  rootReturned: fromOutside({}),
  retry: fromOutside({ parked: 'queued', skipped: 'queued' }),
  skip: fromOutside({
    queued: 'skipped',
    uploaded: 'skipped',
    intended: 'skipped',
    unknown: 'skipped',
    tracked: 'skipped',
    final: 'skipped',
    parked: 'skipped',
  }),
};

const happeningKinds = Object.keys(matrix) as HappeningKind[];

describe('whatever happens in whatever state has an outcome', () => {
  test('for every state that a run can be in', () => {
    const ofFolders = ['settling', 'overdue', 'rejected'];
    expect(stateKinds.toSorted()).toEqual(shownStates.filter((kind) => !ofFolders.includes(kind)).toSorted());
    for (const kind of happeningKinds)
      expect(Object.keys(matrix[kind]).sort()).toEqual(stateKinds.toSorted());
    expect(Object.keys(sampleHappenings)).toEqual(happeningKinds);
  });

  const cases = happeningKinds.flatMap((happening) =>
    stateKinds.map((state) => ({ happening, state, is: matrix[happening][state] })),
  );
  test.each(cases)('$happening comes to a run that is $state: $is', ({ happening, state, is }) => {
    const life = lifeIn(sampleStates[state]);
    const happen = () => advance(life, sampleHappenings[happening], now, 0.5, policy);
    if (is === 'bug') {
      expect(happen).toThrow(new RegExp(`^a run that is ${state} cannot do what only \\w+( or \\w+)* can$`));
      return;
    }
    const after = happen();
    if (is === 'same') expect(after.life.state).toEqual(life.state);
    else expect(after.life.state.kind).toBe(is);
  });

  const live = stateKinds.filter(
    (kind) => !['recorded', 'parked', 'skipped', 'superseded', 'gone'].includes(kind),
  );
  test.each(cases.filter(({ is }) => is !== 'bug'))(
    'and a run that is on its road is due, one beside it is not ($happening to $state)',
    ({ happening, state }) => {
      const { life, dueAtMs } = advance(
        lifeIn(sampleStates[state]),
        sampleHappenings[happening],
        now,
        0.5,
        policy,
      );
      // One that waits for its folder is due when that is complete again.
      const waits = happening === 'sourceChanged';
      expect(dueAtMs !== null).toBe(live.includes(life.state.kind) && !waits);
      if (dueAtMs !== null) expect(dueAtMs).toBeGreaterThanOrEqual(now);
    },
  );

  test('a happening that several states can take names them all when it comes to another', () => {
    expect(() =>
      advance(lifeIn(sampleStates.gone), sampleHappenings.sourceChanged, now, 0.5, policy),
    ).toThrow('a run that is gone cannot do what only queued or uploaded can');
  });
});

describe('a run that was set aside', () => {
  const queued: LiveState = { kind: 'queued', uploads: [] };
  const parkable = ['queued', 'uploaded', 'intended', 'unknown', 'tracked', 'final'] as const;
  /** Upload ids are dead by the time that a person answers, and an intent is never taken up again. */
  const backAs: Readonly<Record<(typeof parkable)[number], RunState>> = {
    queued,
    uploaded: queued,
    intended: { ...unknown, endedAtMs: now + 7 },
    unknown,
    tracked: sampleStates.tracked,
    final: sampleStates.final,
  };
  type Aside = Extract<RunState, { kind: 'parked' | 'skipped' }>['kind'];
  const aside = parkable.flatMap((from): { from: typeof from; how: Aside; state: RunState }[] => {
    const state = sampleStates[from] as LiveState;
    return [
      { from, how: 'parked', state: parkedFrom(state) },
      { from, how: 'skipped', state: { kind: 'skipped', from: state } },
    ];
  });

  test.each(aside)(
    '$how from $from goes on from there by a retry, at once and with no tries spent',
    ({ from, state }) => {
      const after = advance(
        lifeIn(state, { tries: 4, plainest: true }),
        { kind: 'retry' },
        now + 7,
        0.5,
        policy,
      );
      expect(after.life.state).toEqual(backAs[from]);
      expect(after.life).toMatchObject({ tries: 0, plainest: true });
      expect(after.life.everUnknown).toBe(from === 'unknown' || from === 'intended');
      expect(after.dueAtMs).toBe(now + 7);
    },
  );

  test.each(aside)(
    '$how from $from is skipped from there, and not from where it lay',
    ({ from, how, state }) => {
      const after = advance(lifeIn(state), { kind: 'skip' }, now, 0.5, policy);
      expect(after.life.state).toEqual({ kind: 'skipped', from: sampleStates[from] });
      expect(after.dueAtMs).toBeNull();
      // Twice said is said once.
      expect(after.note === null).toBe(how === 'skipped');
    },
  );

  test.each(aside)('$how from $from stays so when its result is lost or the daemon crashes', ({ state }) => {
    for (const kind of ['resultLost', 'crashedAlone'] as const) {
      expect(advance(lifeIn(state), { kind }, now, 0.5, policy)).toEqual({
        life: lifeIn(state),
        dueAtMs: null,
        note: null,
      });
    }
  });
});

test('what waits for its drop root goes on when that comes back, and what is parked for another reason does not', () => {
  const removed = advance(
    lifeIn(sampleStates.uploaded),
    { kind: 'rootRemoved', failure: missingRoot('plans') },
    now,
    0.5,
    policy,
  ).life;
  expect(removed.state).toMatchObject({ kind: 'parked', reason: { class: 'root-not-configured' } });
  const back = advance(removed, { kind: 'rootReturned' }, now, 0.5, policy);
  expect(back).toMatchObject({ life: { state: { kind: 'queued', uploads: [] } }, dueAtMs: now });
  const other = lifeIn(sampleStates.parked);
  expect(advance(other, { kind: 'rootReturned' }, now, 0.5, policy).life).toEqual(other);
});
