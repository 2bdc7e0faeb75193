/** queued → uploaded: every artefact's bytes go to the platform's storage, and are checked on the way. */
import { join } from 'node:path';
import type PQueue from 'p-queue';
import { RuntrackdError, type Failure } from '../core/failure.ts';
import { outsideRootName } from '../core/identity.ts';
import type { Upload } from '../core/run.ts';
import type { Claim } from '../outbox/nouns.ts';
import { artefactBodies, readBody, SourceChanged, type ArtefactBody } from '../reading/bodies.ts';
import { errorCode, OpenFolder } from '../system/files.ts';
import { errorTail } from '../platform/runRequest.ts';
import type { Outcome } from './outcome.ts';
import type { DeliveryParts } from './parts.ts';

/** @param lanes shared by all runs: so many artefacts are on their way at once */
export async function upload(
  claim: Claim,
  parts: DeliveryParts,
  lanes: PQueue,
  signal: AbortSignal,
): Promise<Outcome> {
  const { state } = claim.life;
  if (state.kind !== 'queued') throw new Error('only a queued run is uploaded');
  const rootPath = parts.pathOfRoot(claim.key.dropRoot);
  if (rootPath === null) return { happening: { kind: 'failed', failure: rootIsGone(claim) } };
  const nowMs = parts.clock.nowMs();
  const fresh = state.uploads.filter((done) => isYoung(done, nowMs, parts.policy.uploadAgeMsMax));
  let folder: OpenFolder | undefined;
  try {
    folder = await OpenFolder.open(join(rootPath, claim.path));
    return { happening: await uploadAll(claim, folder, fresh, parts, lanes, signal) };
  } catch (error) {
    const what = isGone(error) ? 'the folder is not there any more' : sourceTrouble(error);
    if (what === null) throw error;
    // No scan looks at folders outside of all drop roots, so nobody would notice that it has settled again.
    const isOutside = claim.key.dropRoot === outsideRootName;
    const failure = changed(what, isOutside);
    return { happening: isOutside ? { kind: 'failed', failure } : { kind: 'sourceChanged', failure } };
  } finally {
    await folder?.close();
  }
}

export function isYoung(done: Upload, nowMs: number, ageMsMax: number): boolean {
  // An id from the future was noted before somebody set the clock back: its age is not known, so it is too old.
  return done.askedAtMs <= nowMs && nowMs - done.askedAtMs <= ageMsMax;
}

async function uploadAll(
  claim: Claim,
  folder: OpenFolder,
  fresh: readonly Upload[],
  parts: DeliveryParts,
  lanes: PQueue,
  signal: AbortSignal,
): Promise<Outcome['happening']> {
  const bodies = artefactBodies(claim.content, errorTail(claim.content.meta.error));
  const missing = bodies.filter(({ role }) => !fresh.some((done) => done.role === role));
  const settled = await Promise.allSettled(
    missing.map((body) => lanes.add(() => uploadOne(claim, folder, body, parts, signal), { signal })),
  );
  const landed = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const errors = settled.flatMap((result) => (result.status === 'rejected' ? [asError(result.reason)] : []));
  const first = errors.find((error) => !(error instanceof RuntrackdError)) ?? errors[0];
  if (first === undefined) return { kind: 'uploadsLanded', uploads: [...fresh, ...landed], failure: null };
  if (first instanceof RuntrackdError && landed.length > 0) {
    // What has landed is noted, so that the next try uploads only the rest.
    return { kind: 'uploadsLanded', uploads: [...fresh, ...landed], failure: first.failure };
  }
  throw first;
}

async function uploadOne(
  claim: Claim,
  folder: OpenFolder,
  body: ArtefactBody,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<Upload> {
  const { platform, passPoint } = parts;
  // The URL is asked for when there is a free lane: it dies a quarter of an hour later.
  const ticket = await platform.createUpload(claim.key.app, signal);
  passPoint('ticketGiven');
  await platform.putUpload(ticket, readBody(folder, body), body.bytes, signal);
  passPoint('putDone');
  return { role: body.role, uploadId: ticket.uploadId, askedAtMs: ticket.askedAtMs };
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '');
}

function sourceTrouble(error: unknown): string | null {
  return error instanceof SourceChanged ? error.message : null;
}

function changed(what: string, isOutside: boolean): Failure {
  return {
    class: 'source-changed',
    text: `it was not sent, because ${what}`,
    hint: isOutside
      ? 'Track the folder again when it is whole.'
      : 'Nothing to do: it is sent when the folder has settled again.',
    reach: 'run',
  };
}

function rootIsGone(claim: Claim): Failure {
  return {
    class: 'root-not-configured',
    text: `the drop root "${claim.key.dropRoot}" is not in the configuration any more`,
    hint: 'Put the drop root back into the configuration, or `runtrackd skip` the run.',
    reach: 'run',
  };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
