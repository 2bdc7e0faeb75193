/** queued → uploaded: every artefact's bytes go to the platform's storage, and are checked on the way. */
import { join } from 'node:path';
import { RuntrackdError, type Failure } from '../core/failure.ts';
import { outsideRootName } from '../core/identity.ts';
import { missingRoot } from '../core/missingRoot.ts';
import type { Role, Upload } from '../core/run.ts';
import { handOf, type Claim } from '../outbox/nouns.ts';
import { beating } from '../reading/beat.ts';
import { SourceChanged, type ArchiveBody, type ArtefactBody } from '../reading/bodies.ts';
import { tooSlow } from '../platform/objectStorage.ts';
import { readyBody } from '../reading/readyBody.ts';
import { isSmall } from '../reading/smallBody.ts';
import { errorCode, OpenFolder } from '../system/files.ts';
import type { Outcome } from './outcome.ts';
import type { DeliveryParts } from './parts.ts';
import { Digesting, isAltered, sentBodies } from './sentBodies.ts';
import type { UploadLanes } from './uploadLanes.ts';

/** A signed URL may have died between its making and its use; a second one that is dead at once says something else. */
const ticketsMax = 2;

export async function upload(
  claim: Claim,
  parts: DeliveryParts,
  lanes: UploadLanes,
  signal: AbortSignal,
): Promise<Outcome> {
  const { state } = claim.life;
  if (state.kind !== 'queued') throw new Error('only a queued run is uploaded');
  const places = parts.placesOfRoot(claim.key.dropRoot);
  if (places === null)
    return { happening: { kind: 'rootRemoved', failure: missingRoot(claim.key.dropRoot) } };
  const nowMs = parts.clock.nowMs();
  const fresh = state.uploads.filter((done) => isYoung(done, nowMs, parts.policy.uploadAgeMsMax));
  try {
    return { happening: await uploadAll(claim, places.path, fresh, parts, lanes, signal) };
  } catch (error) {
    if (!(error instanceof SourceChanged)) throw error;
    const what = error.message;
    // No scan looks at folders outside of all drop roots, so nobody would notice that it has settled again.
    const isOutside = claim.key.dropRoot === outsideRootName;
    const failure = changed(what, isOutside);
    return { happening: isOutside ? { kind: 'failed', failure } : { kind: 'sourceChanged', failure } };
  }
}

export function isYoung(done: Upload, nowMs: number, ageMsMax: number): boolean {
  // An id from the future was noted before somebody set the clock back: its age is not known, so it is too old.
  return done.askedAtMs <= nowMs && nowMs - done.askedAtMs <= ageMsMax;
}

async function uploadAll(
  claim: Claim,
  root: string,
  fresh: readonly Upload[],
  parts: DeliveryParts,
  lanes: UploadLanes,
  signal: AbortSignal,
): Promise<Outcome['happening']> {
  const bodies = sentBodies(claim);
  const missing = bodies.filter(({ role }) => !fresh.some((done) => done.role === role));
  const path = join(root, claim.path);
  const small = missing.filter(isSmall);
  const held = await opening(parts.folders.hold(root, path, small));
  const folder = small.length === missing.length ? null : await opening(OpenFolder.openIn(root, path));
  const uploadIt = async (body: ArtefactBody | ArchiveBody): Promise<Upload> => {
    const whole = held[small.findIndex((one) => one === body)];
    if (whole !== undefined)
      return await uploadNoted(claim, body, { bytes: whole.length, read: () => whole }, parts, signal);
    if (folder === null) throw new Error('only what is held needs no folder');
    return await uploadBody(claim, folder, body, parts, signal);
  };
  const settled = await Promise.allSettled(
    missing.map((body) => {
      const { role } = body;
      const bytes = 'archive' in body ? null : body.bytes;
      return lanes.add({ run: claim.run, role, bytes }, () => uploadIt(body), signal);
    }),
  ).finally(() => folder?.close());
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

async function uploadBody(
  claim: Claim,
  folder: OpenFolder,
  body: ArtefactBody | ArchiveBody,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<Upload> {
  const ready = await readyBody(folder, claim.content, body, parts.spoolDir, signal, parts.progress.delivery);
  try {
    return await uploadNoted(claim, body, ready, parts, signal);
  } finally {
    await ready.close();
  }
}

/** What was uploaded is noted where it is more than the file: what comes back is compared with it. */
async function uploadNoted(
  claim: Claim,
  body: ArtefactBody | ArchiveBody,
  { bytes, read }: Pick<Sendable, 'bytes' | 'read'>,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<Upload> {
  const { role } = body;
  if (role !== 'output') return await uploadOne(claim, { role, bytes, read }, parts, signal);
  const digesting = isAltered(body) ? new Digesting() : null;
  const digested = digesting === null ? read : () => digesting.through(read());
  const landed = await uploadOne(claim, { role, bytes, read: digested }, parts, signal);
  // Before the upload itself is noted: a run that dies in between uploads it again.
  const sent = digesting?.sent ?? null;
  if (sent !== null || claim.sent !== null) await parts.outbox.noteSent(handOf(claim), sent);
  return landed;
}

/** What is sent, as often as it takes: at hand as a whole, or to be read. */
interface Sendable {
  readonly role: Role;
  readonly bytes: number;
  readonly read: () => Uint8Array | AsyncIterable<Buffer>;
}

async function uploadOne(
  claim: Claim,
  body: Sendable,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<Upload> {
  const { platform, passPoint, clock, policy, progress } = parts;
  for (let tickets = 1; ; tickets += 1) {
    // The URL is asked for when there is a free lane: it dies a quarter of an hour later.
    const ticket = await platform.createUpload(claim.key.app, signal);
    const beganMs = clock.monotonicMs();
    const aheadMs = clock.nowMs() - beganMs;
    passPoint('ticketGiven');
    try {
      const source = body.read();
      const noted = source instanceof Uint8Array ? source : beating(source, progress.delivery);
      await platform.putUpload(ticket, noted, body.bytes, signal);
    } catch (error) {
      const isDead = error instanceof RuntrackdError && error.reason === 'upload-url-dead';
      if (isDead && tickets < ticketsMax) continue;
      throw error;
    }
    passPoint('putDone');
    // Measured by the clock that nobody sets: an id that only looks old is uploaded again.
    const tookMs = clock.monotonicMs() - beganMs;
    if (tookMs > policy.uploadAgeMsMax)
      throw new RuntrackdError(tooSlow(`the ${body.role}`, body.bytes, tookMs));
    // The other clock may have been set meanwhile. Where it is ahead, the machine may have slept instead, and the id be dead.
    const setBackByMs = Math.min(0, Math.round(clock.nowMs() - clock.monotonicMs() - aheadMs));
    return { role: body.role, uploadId: ticket.uploadId, askedAtMs: ticket.askedAtMs + setBackByMs };
  }
}

/** A folder, or a whole drop root, that is closed or fails to be read is intake's to wait for, at no run's expense. */
const concernFolder = new Set(['EACCES', 'EPERM', 'EIO', 'ESTALE', 'ETIMEDOUT']);
const saysGone = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/** @throws SourceChanged where the folder cannot be opened */
async function opening<T>(folder: Promise<T>): Promise<T> {
  try {
    return await folder;
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (saysGone.has(code)) throw new SourceChanged('the folder', 'is not there any more');
    if (concernFolder.has(code)) throw new SourceChanged('the folder', `cannot be opened (${code})`);
    throw error;
  }
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

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
