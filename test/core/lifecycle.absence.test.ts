/** The one place where a duplicate could be born, and the two voices that come from outside: the folder and a person. */
import { describe, expect, test } from 'vitest';
import type { Happening, RunLife } from '../../src/core/happening.ts';
import { advance } from '../../src/core/lifecycle.ts';
import { maybeMoved } from '../../src/core/movedOrCopied.ts';
import type { LifecyclePolicy } from '../../src/core/policy.ts';
import type { LiveState, RunState } from '../../src/core/run.ts';
import {
  absence,
  lifeIn,
  minute,
  now,
  parkedFrom,
  policy,
  sampleStates,
  stateKinds,
  unknown,
  uploads,
} from './lives.ts';

const ended = now;
const late = ended + policy.absentAfterMs;
const life = lifeIn({ ...unknown, endedAtMs: ended }, { everUnknown: true });

/** Tells a life what happened, each at its time; a listing is told a second after it began. */
function told(from: RunLife, seen: readonly Happening[], used: LifecyclePolicy = policy) {
  let conclusion = { life: from, dueAtMs: null as number | null, note: null as string | null };
  for (const happening of seen) {
    const atMs = happening.kind === 'absent' ? happening.startedAtMs + 1_000 : now;
    conclusion = advance(conclusion.life, happening, atMs, 0.5, used);
  }
  return conclusion;
}

const queued: LiveState = { kind: 'queued', uploads: [] };

/** Two listings that lie far enough apart, and one that shows that no page of the second had shifted. */
const whole = (proof: Parameters<typeof absence>[2] = {}, afterMs = 0): Happening[] => [
  absence(1, ended + afterMs),
  absence(2, late + afterMs, proof),
  absence(3, late + minute + afterMs, proof),
];
const day = 24 * 60 * minute;

describe('surely absent', () => {
  test.each<{
    name: string;
    seen: readonly Happening[];
    from?: RunState;
    is: RunState['kind'];
    policy?: LifecyclePolicy;
  }>([
    { name: 'one listing proves nothing', seen: [absence(1, ended)], is: 'unknown' },
    { name: 'one late listing proves nothing either', seen: [absence(1, late)], is: 'unknown' },
    {
      name: 'two listings, the second late enough, prove nothing while a page of that one may have shifted',
      seen: [absence(1, ended), absence(2, late)],
      is: 'unknown',
    },
    {
      name: 'a third that still shows what the second had shown proves it, however soon it comes',
      seen: [absence(1, ended), absence(2, late), absence(3, late + 1)],
      is: 'queued',
    },
    {
      name: 'a third in which a run of the second is missing does not',
      seen: whole({ keepsEarlier: true }).with(2, absence(3, late + minute, { keepsEarlier: false })),
      is: 'unknown',
    },
    {
      name: 'the late one that comes twice does not: no listing confirms itself',
      seen: [absence(1, ended), absence(2, late), absence(2, late)],
      is: 'unknown',
    },
    {
      name: 'a fourth that keeps the third does, without another wait',
      seen: [
        ...whole().with(2, absence(3, late + minute, { keepsEarlier: false })),
        absence(4, late + 2 * minute),
      ],
      is: 'queued',
    },
    {
      name: 'a fourth that does not keep the third either proves nothing',
      seen: [
        ...whole().with(2, absence(3, late + minute, { keepsEarlier: false })),
        absence(4, late + 2 * minute, { keepsEarlier: false }),
      ],
      is: 'unknown',
    },
    {
      name: 'a third bare of our fingerprints, where they were seen before, proves nothing',
      seen: whole().with(2, absence(3, late + minute, { showsOurs: false })),
      is: 'unknown',
    },
    {
      name: 'two late listings prove nothing when they are close together: the platform may just be back',
      seen: [absence(1, late + minute), absence(2, late + 2 * minute)],
      is: 'unknown',
    },
    {
      name: 'late listings, far enough apart, prove it',
      seen: [
        absence(1, late),
        absence(2, late + policy.absentAfterMs),
        absence(3, late + policy.absentAfterMs + 1),
      ],
      is: 'queued',
    },
    {
      name: 'a second listing one millisecond too early does not count',
      seen: [absence(1, ended), absence(2, late - 1)],
      is: 'unknown',
    },
    {
      name: 'a listing that began before the request ended does not count',
      seen: [absence(1, ended - 1), absence(2, late)],
      is: 'unknown',
    },
    {
      name: 'too early listings in between take nothing away',
      seen: [
        absence(1, ended),
        absence(2, ended + minute),
        absence(3, ended + 2 * minute),
        absence(4, late),
        absence(5, late + 1),
      ],
      is: 'queued',
    },
    {
      name: 'a second listing in which an earlier run is missing starts the count afresh',
      seen: [absence(1, ended), absence(2, late, { keepsEarlier: false })],
      is: 'unknown',
    },
    {
      name: 'two more after that, as late again, prove it',
      seen: [
        absence(1, ended),
        absence(2, late, { keepsEarlier: false }),
        absence(3, late + policy.absentAfterMs),
        absence(4, late + policy.absentAfterMs + 1),
      ],
      is: 'queued',
    },
    {
      name: 'a third listing that again misses an earlier run does not',
      seen: [
        absence(1, ended),
        absence(2, late, { keepsEarlier: false }),
        absence(3, 2 * late - ended, { keepsEarlier: false }),
      ],
      is: 'unknown',
    },
    {
      name: 'where no fingerprint of ours was ever seen, absence asks a person',
      seen: whole({ fingerprintsShow: false }),
      is: 'parked',
    },
    {
      name: 'a listing bare of our fingerprints, where they were seen before, proves nothing',
      seen: [absence(1, ended), absence(2, late, { showsOurs: false })],
      is: 'unknown',
    },
    {
      name: 'such a listing is no first one either',
      seen: [absence(1, ended, { showsOurs: false }), absence(2, late)],
      is: 'unknown',
    },
    {
      name: 'a list that has been bare of them for a day asks a person',
      seen: whole({ showsOurs: false }, day),
      is: 'parked',
    },
    {
      name: 'and for less than a day does not',
      seen: whole({ showsOurs: false }, day - 2 * policy.absentAfterMs),
      is: 'unknown',
    },
    {
      name: 'also where its content is gone: such a list does not say that nothing was made',
      seen: whole({ showsOurs: false, content: 'gone' }, day),
      is: 'parked',
    },
    {
      name: 'a person who has said retry is believed to have looked, and a bare list counts',
      seen: whole({ showsOurs: false }),
      from: { ...unknown, endedAtMs: ended, mayResend: true },
      is: 'queued',
    },
    {
      name: '`then: park` asks a person',
      seen: whole(),
      is: 'parked',
      policy: { ...policy, then: 'park' },
    },
    {
      name: 'content that is not there any more is gone, not sent',
      seen: whole({ content: 'gone' }),
      is: 'gone',
    },
    {
      name: 'content that gave way to newer content is superseded, not sent',
      seen: whole({ content: 'newer' }),
      is: 'superseded',
    },
    {
      name: 'content that goes to another app by now is superseded, not sent',
      seen: whole({ content: 'otherTarget' }),
      is: 'superseded',
    },
    {
      name: 'content that is gone is gone under `then: park` too',
      seen: whole({ content: 'gone' }),
      is: 'gone',
      policy: { ...policy, then: 'park' },
    },
  ])('$name', ({ seen, from = life.state, is, policy: used }) => {
    expect(told({ ...life, state: from }, seen, used).life.state.kind).toBe(is);
  });

  test('the first listing is remembered by its number, and the next look comes soon, for a list that lags', () => {
    const { life: next, dueAtMs } = told(life, [absence(7, ended + minute)]);
    expect(next.state).toMatchObject({ absent: { listing: 7, startedAtMs: ended + minute } });
    // As long again as the run has been unknown; `told` tells a listing a second after it began.
    expect(dueAtMs).toBe(ended + 2 * (minute + 1_000));
  });

  test('the next look after one that was too early comes when absence may count, at the latest', () => {
    const seen = told(life, [absence(1, ended)]).life;
    const soon = advance(seen, absence(2, late - 2 * minute), late - minute, 0.5, policy);
    expect(soon.dueAtMs).toBe(late);
    // It was read for so long, or the machine slept meanwhile, that the next one may count at once.
    const slept = advance(seen, absence(2, late - 2 * minute), late + minute, 0.5, policy);
    expect(slept.life.state).toMatchObject({ absent: { listing: 1 } });
    expect(slept.dueAtMs).toBe(late + minute + policy.pollMsMin);
  });

  test('a first listing of an earlier process takes no part: how long ago it was, nobody can count', () => {
    const { state } = told(life, [absence(1, ended)]).life;
    if (state.kind !== 'unknown' || state.absent === null) throw new Error('one listing proves nothing');
    const restarted = { ...state, absent: { ...state.absent, steady: { process: 'earlier', ms: ended } } };
    const { life: next, dueAtMs } = told(lifeIn(restarted), [absence(2, late)]);
    expect(next.state).toMatchObject({ kind: 'unknown', absent: { listing: 2, startedAtMs: late } });
    expect(dueAtMs).toBe(late + 1_000 + 10 * minute);
    expect(told(next, [absence(3, late + policy.absentAfterMs - 1)]).life.state.kind).toBe('unknown');
  });

  test('the late listing is remembered as such, and the one that confirms it comes at once', () => {
    const { life: next, dueAtMs } = told(life, whole().slice(0, 2));
    expect(next.state).toMatchObject({ absent: { listing: 2, startedAtMs: late, isLate: true } });
    expect(dueAtMs).toBe(late + 1_000 + policy.pollMsMin);
  });

  test('a listing that does not keep the late one is as late, and there is a while to the next', () => {
    const seen = whole().with(2, absence(3, late + minute, { keepsEarlier: false }));
    const { life: next, dueAtMs } = told(life, seen);
    expect(next.state).toMatchObject({ absent: { listing: 3, startedAtMs: late + minute, isLate: true } });
    expect(dueAtMs).toBe(late + minute + 1_000 + 10 * minute);
  });

  test('a listing that restarts the count is the new first one, and there is a while to the next', () => {
    const { life: next, dueAtMs } = told(life, [
      absence(1, ended),
      absence(2, late, { keepsEarlier: false }),
    ]);
    expect(next.state).toMatchObject({ absent: { listing: 2, startedAtMs: late } });
    expect(dueAtMs).toBe(late + 1_000 + 10 * minute);
  });

  test('a run that is sent again starts with fresh uploads and remembers that it was unknown once', () => {
    const { life: next } = told(life, whole());
    expect(next).toEqual(lifeIn(queued, { everUnknown: true }));
  });
});

describe('a run that was parked as surely absent', () => {
  const careful = { ...policy, then: 'park' } as const;
  const parked = told(life, whole(), careful).life;
  const retried = told(parked, [{ kind: 'retry' }], careful).life;

  const again = late + minute;
  const onceMore = (proof: Parameters<typeof absence>[2] = {}): Happening[] => [
    absence(4, again),
    absence(5, again + policy.absentAfterMs, proof),
    absence(6, again + policy.absentAfterMs + minute, proof),
  ];

  test('is looked for again from the start by a retry, and not sent by the retry alone', () => {
    expect(retried.state).toMatchObject({ kind: 'unknown', absent: null });
    expect(told(retried, [absence(3, again)], careful).life.state.kind).toBe('unknown');
  });

  test('is sent after a retry if it is still absent', () => {
    expect(told(retried, onceMore(), careful).life.state).toEqual(queued);
  });

  test('is tracked after a retry if it is there after all', () => {
    expect(told(retried, [{ kind: 'found', runId: 'run-z' }], careful).life.state.kind).toBe('tracked');
  });

  test('is not sent after a retry by a listing in which an earlier run is missing', () => {
    expect(told(retried, onceMore({ keepsEarlier: false }), careful).life.state.kind).toBe('unknown');
  });

  test('is not sent after a retry if its content is gone meanwhile', () => {
    expect(told(retried, onceMore({ content: 'gone' }), careful).life.state.kind).toBe('gone');
  });
});

test('a retry alone gives no leave to send: one that was parked for another reason is parked again', () => {
  const careful = { ...policy, then: 'park' } as const;
  const skipped = told(life, [{ kind: 'skip' }, { kind: 'retry' }], careful).life;
  expect(told(skipped, whole(), careful).life.state.kind).toBe('parked');
});

describe('the folder', () => {
  const changes = ['logOrMetaChanged', 'newerContent', 'otherTarget', 'vanished', 'returned'] as const;
  const superseded: RunState = { kind: 'superseded', from: queued };
  const gone: RunState = { kind: 'gone', from: queued };
  const unsent = [
    { held: 'queued', state: { kind: 'queued', uploads: uploads.slice(0, 1) } as LiveState },
    { held: 'uploaded', state: sampleStates.uploaded as LiveState },
  ];

  test.each(
    unsent.flatMap((row) => [row, { held: `parked from ${row.held}`, state: parkedFrom(row.state) }]),
  )('of a run that was never sent leads it ($held)', ({ state }) => {
    const becomes = (kind: (typeof changes)[number]) => told(lifeIn(state), [{ kind }]).life.state;
    expect(becomes('logOrMetaChanged')).toEqual(queued);
    expect(becomes('newerContent')).toEqual(superseded);
    expect(becomes('otherTarget')).toEqual({ ...superseded, by: 'otherTarget' });
    expect(becomes('vanished')).toEqual(gone);
    expect(becomes('returned')).toEqual(state);
  });

  test('that is complete again wakes a run that waited for it', () => {
    const waiting = told(lifeIn(sampleStates.uploaded), [
      { kind: 'sourceChanged', failure: { class: 'c', text: 't', hint: 'h', reach: 'run' } },
    ]);
    expect(waiting.dueAtMs).toBeNull();
    expect(told(waiting.life, [{ kind: 'returned' }]).dueAtMs).toBe(now);
  });

  test('whose log grows does not tell whether it was moved or copied, and its return asks again', () => {
    const doubt = maybeMoved(7);
    const { class: reasonClass, text, hint } = doubt;
    const parked: RunState = { kind: 'parked', from: queued, reason: { class: reasonClass, text }, hint };
    expect(told(lifeIn(parked), [{ kind: 'logOrMetaChanged' }])).toMatchObject({
      life: { state: parked },
      dueAtMs: null,
    });
    for (const left of [superseded, gone])
      for (const kind of ['returned', 'logOrMetaChanged'] as const)
        expect(told(lifeIn(left), [{ kind, doubt }])).toMatchObject({
          life: { state: parked },
          dueAtMs: null,
          note: text,
        });
    // What is on its way has nothing to ask.
    expect(told(lifeIn(queued), [{ kind: 'returned', doubt }]).life.state).toEqual(queued);
  });

  test('does not wake a parked run by being complete again', () => {
    expect(told(lifeIn(parkedFrom(queued)), [{ kind: 'returned' }]).dueAtMs).toBeNull();
  });

  const beyond = ['intended', 'unknown', 'tracked', 'final', 'recorded', 'skipped'] as const;
  test.each(beyond.flatMap((state) => changes.map((change) => ({ state, change }))))(
    'of a run that is $state changes nothing by $change',
    ({ state, change }) => {
      expect(told(lifeIn(sampleStates[state]), [{ kind: change }]).life).toEqual(lifeIn(sampleStates[state]));
    },
  );

  test.each(['intended', 'unknown', 'tracked', 'final'] as const)(
    'of a run that was parked from %s leaves it parked',
    (from) => {
      const parked = parkedFrom(sampleStates[from] as LiveState);
      for (const kind of changes) expect(told(lifeIn(parked), [{ kind }]).life.state).toEqual(parked);
    },
  );

  test.each(
    [superseded, gone].flatMap((state) => ['returned', 'logOrMetaChanged'].map((kind) => ({ state, kind }))),
  )('with its content back ($kind) revives a run that was $state.kind', ({ state, kind }) => {
    const happening = { kind } as Happening;
    expect(told(lifeIn(state), [happening])).toMatchObject({ life: { state: queued }, dueAtMs: now });
    // Nobody knows when it was sent, so a deletion of any run that a listing showed may have shifted its page.
    expect(told(lifeIn(state, { everUnknown: true }), [happening]).life.state).toEqual({
      ...unknown,
      platformTimeMs: 0,
      endedAtMs: now,
    });
  });

  test.each(
    [superseded, gone].flatMap((state) => ['newerContent', 'vanished'].map((kind) => ({ state, kind }))),
  )('that changes otherwise ($kind) leaves a run $state.kind', ({ state, kind }) => {
    expect(told(lifeIn(state), [{ kind } as Happening])).toMatchObject({ life: { state }, dueAtMs: null });
  });
});

describe('a person', () => {
  const live = ['queued', 'uploaded', 'unknown', 'tracked', 'final'] as const;
  /** Upload ids are dead by the time that a person has answered. */
  const backAs = (state: LiveState): RunState =>
    state.kind === 'queued' || state.kind === 'uploaded' ? queued : state;

  test.each(live.map((from) => ({ from })))('brings a run back to where it was parked: $from', ({ from }) => {
    const state = sampleStates[from] as LiveState;
    const { life: next, dueAtMs } = told(lifeIn(parkedFrom(state), { plainest: true }), [{ kind: 'retry' }]);
    expect(next).toEqual(lifeIn(backAs(state), { plainest: true, everUnknown: from === 'unknown' }));
    expect(dueAtMs).toBe(now);
  });

  test.each(live.map((from) => ({ from })))('skips a run that is $from, and revives it there', ({ from }) => {
    const state = sampleStates[from] as LiveState;
    const skipped = told(lifeIn(state), [{ kind: 'skip' }]);
    expect(skipped).toMatchObject({ life: { state: { kind: 'skipped', from: state } }, dueAtMs: null });
    expect(told(skipped.life, [{ kind: 'retry' }]).life.state).toEqual(backAs(state));
  });

  test('skips a parked run, from the state it was parked from', () => {
    const skipped = told(lifeIn(parkedFrom(sampleStates.tracked as LiveState)), [{ kind: 'skip' }]);
    expect(skipped.life.state).toEqual({ kind: 'skipped', from: sampleStates.tracked });
  });

  test.each(['recorded', 'skipped', 'superseded', 'gone'] as const)('cannot skip what is %s', (kind) => {
    expect(told(lifeIn(sampleStates[kind]), [{ kind: 'skip' }]).life.state).toEqual(sampleStates[kind]);
  });

  test.each(stateKinds.filter((kind) => kind !== 'parked' && kind !== 'skipped').map((kind) => ({ kind })))(
    'who says retry to a run that is $kind changes no state',
    ({ kind }) => {
      expect(told(lifeIn(sampleStates[kind]), [{ kind: 'retry' }]).life).toEqual(lifeIn(sampleStates[kind]));
    },
  );
});
