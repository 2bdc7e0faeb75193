/** final → recorded: the platform's answer lands beside the solver's files, whole or not at all. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileOf, type ArtefactFile } from '../core/content.ts';
import { RuntrackdError } from '../core/failure.ts';
import type { Aside, Happening } from '../core/happening.ts';
import { indentJson } from '../core/indentJson.ts';
import { missingRoot } from '../core/missingRoot.ts';
import { outputFileStem, problemFileName, resultFileName } from '../core/ownFiles.ts';
import { withoutMember } from '../core/withoutMember.ts';
import { handOf, type Claim, type ResultPlace } from '../outbox/nouns.ts';
import type { ReadAnswer } from '../platform/client.ts';
import { urlAnswer, type RunAnswer } from '../platform/wire.ts';
import { isoTime } from '../system/clock.ts';
import { errorCode, OpenFolder, writeWhole } from '../system/files.ts';
import { beating } from '../reading/beat.ts';
import { enrichedWith, type ArtefactBody } from '../reading/bodies.ts';
import { openResultDir, resultDirOf, type RootPlaces } from '../system/resultDirectory.ts';
import type { Outcome } from './outcome.ts';
import type { DeliveryParts } from './parts.ts';
import { fetchResult, notFound } from './poll.ts';
import { verifyInline, verifyStream, type Verified } from './verifyOutput.ts';

/** An output that is fetched, to be compared or to be kept, is bounded like the platform bounds it. */
const outputBytesMax = 700 * 1024 * 1024;
/** A folder that is moved on and on is followed so often, and no further: a look finds where it has come to rest. */
const movesFollowedMax = 3;

/** @returns null when the claim is not the newest any more, and nothing was written */
export async function writeBack(
  claimed: Claim,
  atHand: ReadAnswer | undefined,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const hand = handOf(claimed);
  const before = await parts.outbox.resultPlace(hand);
  if (before === null) return null;
  // What was uploaded was noted after the run was claimed.
  const claim = { ...claimed, sent: before.sent };
  const fetched =
    atHand === undefined ? await fetchAgain(claim, parts, signal) : { answer: atHand, warnings: [] };
  if ('kind' in fetched) return { happening: fetched };
  const answer = fetched.answer.value;
  const warnings = [...fetched.warnings];
  // The folder may have been moved since, while the answer was fetched too.
  const now = atHand === undefined ? await parts.outbox.resultPlace(hand) : before;
  if (now === null) return null;
  const opened = await findOwnFolder(claim, now, parts);
  if (opened === null) return null;
  if ('warning' in opened) warnings.push(opened.warning);
  const own = 'folder' in opened ? opened : null;
  const open = own?.folder ?? null;
  try {
    // What it would be compared with is let go with the story of the run; what came of it then is not.
    const verified = claim.isThinned
      ? { isSame: claim.outputSame, warning: null }
      : await verify(claim, fetched.answer, own, parts, signal);
    if (verified.warning !== null) warnings.push(verified.warning);
    const document = (more: readonly string[], outputFile: string | null): string => {
      const allWarnings = [...claim.warnings, ...warnings, ...more];
      return resultText(
        fetched.answer,
        ownKey(claim, answer, parts, verified.isSame, allWarnings, outputFile),
      );
    };
    const place: Place = {
      claim,
      document,
      ownOutput: isInlined(fetched.answer) ? null : (fileOf(claim.content, 'output') ?? null),
      isDifferent: verified.isSame === false,
      notBeside: 'warning' in opened ? opened.warning : null,
    };
    const written = await put(own, place, parts, signal);
    parts.passPoint('resultWritten');
    const { aside } = 'warning' in opened ? opened : written;
    return {
      happening: { kind: 'written', path: written.path, ...(aside === null ? {} : { aside }) },
      warnings: [...warnings, ...written.warnings],
      outputSame: verified.isSame,
    };
  } finally {
    await open?.close();
  }
}

/** A 404 of a minute is no reason to give up a result that was there before, no more than for one that never came. */
async function fetchAgain(
  claim: Claim,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<typeof fetchResult>> | Happening> {
  try {
    return await fetchResult(claim, parts, signal);
  } catch (error) {
    const refused = notFound(error, claim, parts);
    if (refused === null) throw error;
    return refused;
  }
}

interface Place {
  readonly claim: Claim;
  readonly document: (warnings: readonly string[], outputFile: string | null) => string;
  /** The solver's own output, when the output is too large or of a kind not to be put into the result. */
  readonly ownOutput: ArtefactFile | null;
  readonly isDifferent: boolean;
  /** Why it is not tried to write it into the run's folder; null: it is. */
  readonly notBeside: string | null;
}

/** The run's folder held open, and where its result is to lie. */
interface OwnFolder {
  readonly folder: OpenFolder;
  readonly mode: number;
  readonly gid: number;
  readonly places: RootPlaces;
  /** Relative to the drop root. */
  readonly path: string;
}

/** Why a result is not written into its run's folder. */
interface NotBeside {
  readonly warning: string;
  /** Null: that is how it is to be. */
  readonly aside: Aside | null;
}

/**
 * The folder may be moved while it is being opened. Who has found it again then leaves the result to us, because the run is
 * not recorded yet.
 * @returns null when the claim is not the newest any more
 */
async function findOwnFolder(
  claim: Claim,
  place: ResultPlace,
  parts: DeliveryParts,
): Promise<OwnFolder | NotBeside | null> {
  let at = place;
  for (let followed = 0; ; followed += 1) {
    const opened = await openOwnFolder(claim, at, parts);
    if ('folder' in opened || opened.aside !== 'away' || followed === movesFollowedMax) return opened;
    const now = await parts.outbox.resultPlace(handOf(claim));
    if (now === null) return null;
    if (now.path === at.path && now.directory.ino === at.directory.ino) return opened;
    at = now;
  }
}

/** The run's folder, if what lies at its path is still this run's content. */
async function openOwnFolder(
  claim: Claim,
  { path, directory, isTaken }: ResultPlace,
  { placesOfResults }: DeliveryParts,
): Promise<OwnFolder | NotBeside> {
  const { dropRoot } = claim.key;
  const places = placesOfResults(dropRoot);
  if (places === null) return { warning: missingRoot(dropRoot).text, aside: 'away' };
  if (isTaken) {
    return { warning: 'its folder holds newer content, so the result was not written there', aside: null };
  }
  try {
    const folder = await OpenFolder.openIn(places.path, join(places.path, path));
    const { ino, mode, gid } = await folder.stats();
    if (ino === directory.ino) return { folder, mode, gid, places, path };
    await folder.close();
    return {
      warning: 'another folder lies at its path now, so the result was not written there',
      aside: 'away',
    };
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    const isClosed = code === 'EACCES' || code === 'EPERM';
    return {
      warning: `its folder cannot be opened any more (${code})`,
      aside: isClosed ? 'refused' : 'away',
    };
  }
}

async function verify(
  claim: Claim,
  read: ReadAnswer,
  own: OwnFolder | null,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<Verified> {
  const { folders, progress } = parts;
  const folder = own?.folder ?? null;
  if (isInlined(read)) {
    const hold = async (body: ArtefactBody): Promise<Uint8Array | undefined> =>
      own === null ? undefined : (await folders.hold(own.places.path, own.folder.pathOfItself(), [body]))[0];
    return await verifyInline(claim, read, folder, hold, progress.delivery);
  }
  let unused: ReadAnswer | null = read;
  const download = async (): Promise<AsyncIterable<Uint8Array>> => {
    // An address lives for a quarter of an hour, and the first time may have taken longer.
    const current = unused ?? (await fetchResult(claim, parts, signal)).answer;
    unused = null;
    return await outputBehind(current, parts, signal);
  };
  return await verifyStream(claim, download, folder, progress.delivery);
}

/**
 * Whether the answer holds the output itself, if there is any. A solver may put out what looks like an address, and that is
 * followed nowhere; and an address may have other members beside it, and is a secret.
 */
function isInlined({ value, isByUrl }: ReadAnswer): boolean {
  return !isByUrl || !urlAnswer.safeParse(value['output']).success;
}

/** To where the drop root wants it, if that takes it, else into the state directory, with a warning that is shown. */
async function put(
  own: OwnFolder | null,
  place: Place,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly warnings: readonly string[]; readonly aside: Aside | null }> {
  const refused = own === null ? null : await writeBeside(own, place, parts, signal);
  if (own !== null && refused === null)
    return { path: join(resultDirOf(own.places, own.path), resultFileName), warnings: [], aside: null };
  const path = await writeAside(place, refused?.warning ?? null, parts, signal);
  const why = refused === null ? 'the result was kept in' : `${refused.warning}, so the result was kept in`;
  return { path, warnings: [`${why} ${path}`], aside: refused?.aside ?? null };
}

/** @returns null when it is written, or why the folder does not take it */
async function writeBeside(
  { folder, mode: folderMode, gid, places, path }: OwnFolder,
  place: Place,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<NotBeside | null> {
  // Whoever can read the folder can read the result.
  const mode = folderMode & 0o666;
  let mirror: OpenFolder | null = null;
  try {
    mirror = places.resultsDir === null ? null : await openResultDir(places, path);
    const target = mirror ?? folder;
    const outputFile = await keepOutput(place, (name) => target.pathOf(name), mode, gid, parts, signal);
    await parts.folders.put(places.path, target.pathOfItself(), {
      name: resultFileName,
      text: place.document([], outputFile),
      mode,
      gid,
      replaces: problemFileName,
    });
    return null;
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    // Whatever it has against it: it is another user's, and its result is kept all the same.
    const where = places.resultsDir === null ? 'the folder' : `the results directory ${places.resultsDir}`;
    const isGone = places.resultsDir === null && (code === 'ENOENT' || code === 'ESTALE');
    return { warning: `${where} cannot be written (${code})`, aside: isGone ? 'away' : 'refused' };
  } finally {
    await mirror?.close();
  }
}

/** @throws a failure that concerns this result alone, and at no cost: the platform has it as long as it takes */
async function writeAside(
  place: Place,
  refused: string | null,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<string> {
  const directory = join(parts.resultsDir, `run-${place.claim.run}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const outputFile = await keepOutput(place, (name) => join(directory, name), 0o600, null, parts, signal);
    const path = join(directory, resultFileName);
    await writeWhole(path, place.document(refused === null ? [] : [refused], outputFile), 0o600, null);
    return path;
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    const why = refused ?? String(place.notBeside);
    throw new RuntrackdError({
      class: 'no-place-for-result',
      text: `the result of ${place.claim.path} can be written nowhere: ${why}, and ${directory} cannot be written (${code})`,
      hint: 'Look at both disks, and at who may write there; it is written by itself then, and the platform has it until then.',
      reach: 'results',
    });
  }
}

/** @returns the name of the file that holds the output; null when the result holds it itself, or there is none */
async function keepOutput(
  { claim, ownOutput, isDifferent }: Place,
  pathOf: (name: string) => string,
  mode: number,
  group: number | null,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<string | null> {
  if (ownOutput === null) return null;
  if (!isDifferent) return ownOutput.archive?.place ?? ownOutput.name;
  const name = `${outputFileStem}${endings[ownOutput.type]}`;
  await writeWhole(pathOf(name), fetchedOutput(claim, parts, signal), mode, group);
  return name;
}

/** Begun only when there is a file to write it to: a download that nobody reads would hold its connection. */
async function* fetchedOutput(
  claim: Claim,
  parts: DeliveryParts,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  // The first stream was used up by the comparison, and its address may have died since.
  const { answer } = await fetchResult(claim, parts, signal);
  yield* beating(await outputBehind(answer, parts, signal), parts.progress.delivery);
}

/** @throws RuntrackdError also when it came within the answer, this time, and so names no address to follow */
async function outputBehind(
  read: ReadAnswer,
  { platform }: DeliveryParts,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const address = isInlined(read) ? null : read.value['output'];
  return bounded(await platform.download(address, outputBytesMax, signal));
}

const endings = { json: '.json', text: '.txt', 'multi-file': '.tar.gz' } as const;

async function* bounded(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of bytes) {
    total += chunk.length;
    if (total > outputBytesMax) {
      throw new RuntrackdError({
        class: 'output-too-large',
        text: `the returned output is larger than ${outputBytesMax} bytes`,
        hint: 'Look at the run in the console; its output is not what was sent.',
        reach: 'run',
      });
    }
    yield chunk;
  }
}

/**
 * `nextmv-result.json`: the platform's answer as it came, to the last digit, plus one key of ours; but not the address of an
 * output, which is a secret, and dead in a quarter of an hour.
 */
function resultText(read: ReadAnswer, own: object): string {
  const answer = isInlined(read) ? read.text : withoutMember(read.text, 'output');
  // The answer is an object, so its last bracket closes it; and it has an id, so a comma is due.
  const open = answer.slice(0, answer.lastIndexOf('}')).trimEnd();
  return `${indentJson(`${open},"runtrackd":${JSON.stringify(own)}}`)}\n`;
}

/** What is known here and not on the platform. */
function ownKey(
  claim: Claim,
  answer: RunAnswer,
  parts: DeliveryParts,
  outputVerified: boolean | null,
  warnings: readonly string[],
  outputFile: string | null,
): object {
  const { key, content, directory, fingerprint } = claim;
  return {
    fingerprint,
    version: key.version,
    platform: key.platform,
    app: key.app,
    host: key.host,
    drop_root: key.dropRoot,
    first_path: key.firstPath,
    generation: `sha256:${key.generation}`,
    counter: key.counter,
    files: Object.fromEntries(content.files.map((file) => [file.role, file.name])),
    directory: { dev: directory.dev, ino: directory.ino, birth_ns: directory.birthNs },
    console_url: parts.consoleUrl(key.app, answer.id),
    recorded_at: isoTime(parts.clock.nowMs()),
    tries: claim.triesTotal,
    output_verified: outputVerified,
    ...(outputFile === null ? {} : { output_file: outputFile }),
    ...sentKeys(claim),
    warnings: [...new Set(warnings)],
  };
}

/** What the platform has and the folder has not: added from the log, and the digest of the document that it is part of. */
function sentKeys({ content, settings, sent }: Claim): object {
  const enriched = enrichedWith(content, settings.enrich ?? []);
  return {
    ...(enriched.length === 0 ? {} : { enriched }),
    ...(sent === null ? {} : { output_sent: { bytes: sent.bytes, sha256: sent.sha256 } }),
  };
}
