/** One life in each state, and what can happen to it: material for the tables. */
import type { Failure, Reach } from '../../src/core/failure.ts';
import type { Happening, RunLife } from '../../src/core/happening.ts';
import { defaultPolicy, type LifecyclePolicy } from '../../src/core/policy.ts';
import type { LiveState, RunState, StateKind, Upload } from '../../src/core/run.ts';

export const now = 1_700_000_000_000;
export const minute = 60_000;

export const policy: LifecyclePolicy = { ...defaultPolicy, absentAfterMs: 20 * minute, then: 'send' };

export const uploads: readonly Upload[] = [
  { role: 'input', uploadId: 'u-1', askedAtMs: now - 1_000 },
  { role: 'output', uploadId: 'u-2', askedAtMs: now - 900 },
];

export function failureWith(reach: Reach, more: Partial<Failure> = {}): Failure {
  return { class: 'trouble', text: 'there was trouble', hint: 'mend it', reach, ...more };
}

export const unknown: Extract<RunState, { kind: 'unknown' }> = {
  kind: 'unknown',
  platformTimeMs: now - 5_000,
  endedAtMs: now - 1_000,
  absent: null,
  mayResend: false,
};

const reason = { class: 'trouble', text: 'there was trouble' };

export function parkedFrom(from: LiveState): RunState {
  return { kind: 'parked', from, reason, hint: 'mend it' };
}

const queued: LiveState = { kind: 'queued', uploads: [] };

export const sampleStates: Readonly<Record<StateKind, RunState>> = {
  queued,
  uploaded: { kind: 'uploaded', uploads },
  intended: { kind: 'intended', uploads, platformTimeMs: now - 5_000 },
  unknown,
  tracked: { kind: 'tracked', runId: 'run-a', notFoundSinceMs: null, polls: 0 },
  final: { kind: 'final', runId: 'run-a', status: 'succeeded' },
  recorded: { kind: 'recorded', runId: 'run-a' },
  parked: parkedFrom(queued),
  skipped: { kind: 'skipped', from: queued },
  superseded: { kind: 'superseded', from: queued },
  gone: { kind: 'gone', from: queued },
};

export const stateKinds = Object.keys(sampleStates) as StateKind[];

export function lifeIn(state: RunState, more: Partial<RunLife> = {}): RunLife {
  return { state, tries: 0, plainest: false, everUnknown: false, ...more };
}

export function absence(
  listing: number,
  startedAtMs: number,
  proof: Partial<Extract<Happening, { kind: 'absent' }>['proof']> = {},
): Extract<Happening, { kind: 'absent' }> {
  return {
    kind: 'absent',
    listing,
    startedAtMs,
    steady: { process: 'this', ms: startedAtMs },
    proof: {
      keepsEarlier: true,
      fingerprintsShow: true,
      showsOurs: true,
      content: 'there',
      twin: null,
      ...proof,
    },
  };
}
