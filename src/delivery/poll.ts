/** tracked → final: the result is asked for at once, because an external run is usually final when it is made. */
import { fileOf } from '../core/content.ts';
import { RuntrackdError, type Failure } from '../core/failure.ts';
import type { Happening } from '../core/happening.ts';
import { runIdOf } from '../core/run.ts';
import type { Claim } from '../outbox/nouns.ts';
import type { ReadAnswer } from '../platform/client.ts';
import { finalStatuses } from '../platform/wire.ts';
import type { Outcome } from './outcome.ts';
import type { DeliveryParts } from './parts.ts';
import { outputBody } from './sentBodies.ts';

/** Larger outputs are fetched by URL and compared as a stream, never held. */
export const inlineBytesMax = 1024 * 1024;

export async function poll(claim: Claim, parts: DeliveryParts, signal: AbortSignal): Promise<Outcome> {
  try {
    const { answer, warnings } = await fetchResult(claim, parts, signal);
    const status = answer.value.metadata.status_v2;
    if (!(finalStatuses as readonly string[]).includes(status)) return { happening: { kind: 'notFinal' } };
    return { happening: { kind: 'final', status }, answer, warnings };
  } catch (error) {
    const refused = notFound(error, claim, parts);
    if (refused === null) throw error;
    return { happening: refused };
  }
}

/**
 * A run that was made and is asked for in vain: one answer says little, because a proxy or a bad release refuses for a
 * while, so it counts only when it has lasted.
 * @returns null: the error is another one
 */
export function notFound(error: unknown, claim: Claim, { process, clock }: DeliveryParts): Happening | null {
  if (!(error instanceof RuntrackdError)) return null;
  const { failure } = error;
  if (failure.reach !== 'run' || failure.status === undefined || failure.status < 400) return null;
  const runId = String(runIdOf(claim.life.state));
  return {
    kind: 'notFound',
    steady: { process, ms: clock.monotonicMs() },
    failure: failure.status === 404 ? deleted(failure, runId) : refusesResult(failure, runId),
  };
}

function deleted(failure: Failure, runId: string): Failure {
  return {
    ...failure,
    class: 'run-deleted',
    text: `the platform does not know run ${runId} (any more)`,
    hint: 'It was deleted there, or the key sees another account; `runtrackd retry` asks again, `skip` ends it.',
  };
}

function refusesResult(failure: Failure, runId: string): Failure {
  return {
    ...failure,
    class: 'result-refused',
    text: `the platform has run ${runId} and does not give its result: ${failure.text}`,
    hint: 'Look at the run in the console; `runtrackd retry` asks again, `skip` ends it. Do not track it again.',
  };
}

/** The platform's answer about the run, in the form that this run's output asks for. */
export async function fetchResult(
  claim: Claim,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<{ readonly answer: ReadAnswer; readonly warnings: readonly string[] }> {
  const { platform, passPoint } = parts;
  const runId = runIdOf(claim.life.state);
  if (runId === null) throw new Error('only a run with an id has a result');
  const { app } = claim.key;
  try {
    const answer = await platform.runResult(app, runId, isByUrl(claim), signal);
    passPoint('resultFetched');
    return { answer, warnings: [] };
  } catch (error) {
    if (!(error instanceof RuntrackdError)) throw error;
    const { failure } = error;
    // An answer that is too large to be held, or that has to be asked for by URL after all.
    if (failure.status === 400)
      return { answer: await platform.runResult(app, runId, true, signal), warnings: [] };
    if (failure.class === 'answer-too-large') {
      return {
        answer: await platform.runMetadata(app, runId, signal),
        warnings: ['the platform’s answer was too large to be written back; only its metadata was'],
      };
    }
    throw error;
  }
}

function isByUrl(claim: Claim): boolean {
  const { content } = claim;
  const output = fileOf(content, 'output');
  // A failed run's output comes back inside its error_log, whatever is asked for.
  if (output === undefined || content.meta.status === 'failed') return false;
  return output.type !== 'json' || (outputBody(claim)?.bytes ?? 0) > inlineBytesMax;
}
