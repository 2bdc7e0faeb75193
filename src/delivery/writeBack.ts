/** final → recorded: the platform's answer lands beside the solver's files, whole or not at all. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileOf } from '../core/content.ts';
import { RuntrackdError } from '../core/failure.ts';
import { indentJson } from '../core/indentJson.ts';
import { outputFileStem, problemFileName, resultFileName } from '../core/ownFiles.ts';
import type { Claim } from '../outbox/nouns.ts';
import type { ReadAnswer } from '../platform/client.ts';
import { urlAnswer, type RunAnswer } from '../platform/wire.ts';
import { isoTime } from '../system/clock.ts';
import { errorCode, OpenFolder, removeIfThere, writeWhole } from '../system/files.ts';
import type { Outcome } from './outcome.ts';
import type { DeliveryParts } from './parts.ts';
import { fetchResult } from './poll.ts';
import { verifyInline, verifyStream, type Verified } from './verifyOutput.ts';

/** An output that is fetched to be kept is bounded like the platform bounds it. */
const outputBytesMax = 700 * 1024 * 1024;

export async function writeBack(
  claim: Claim,
  atHand: ReadAnswer | undefined,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<Outcome> {
  const fetched =
    atHand === undefined ? await fetchResult(claim, parts, signal) : { answer: atHand, warnings: [] };
  const answer = fetched.answer.value;
  const warnings = [...fetched.warnings];
  const folder = await openOwnFolder(claim, parts);
  if ('warning' in folder) warnings.push(folder.warning);
  const open = 'folder' in folder ? folder.folder : null;
  try {
    const verified = await verify(claim, answer, open, parts, signal);
    if (verified.warning !== null) warnings.push(verified.warning);
    const document = (more: readonly string[], outputFile: string | null): string => {
      const allWarnings = [...claim.warnings, ...warnings, ...more];
      return resultText(
        fetched.answer,
        isInlined(claim, answer),
        ownKey(claim, answer, parts, verified.isSame, allWarnings, outputFile),
      );
    };
    const place: Place = {
      claim,
      document,
      ownOutput: isInlined(claim, answer) ? null : (fileOf(claim.content, 'output')?.name ?? null),
      isDifferent: verified.isSame === false,
    };
    const written = await put(open, place, parts, signal);
    parts.passPoint('resultWritten');
    return {
      happening: { kind: 'written', path: written.path },
      warnings: [...warnings, ...written.warnings],
    };
  } finally {
    await open?.close();
  }
}

interface Place {
  readonly claim: Claim;
  readonly document: (warnings: readonly string[], outputFile: string | null) => string;
  /** The solver's own output file, when the output is too large or of a kind not to be put into the result. */
  readonly ownOutput: string | null;
  readonly isDifferent: boolean;
}

/** The run's folder, if what lies at its path is still this run's content. */
async function openOwnFolder(
  claim: Claim,
  { outbox, pathOfRoot }: DeliveryParts,
): Promise<{ readonly folder: OpenFolder } | { readonly warning: string }> {
  const { dropRoot } = claim.key;
  const rootPath = pathOfRoot(dropRoot);
  if (rootPath === null)
    return { warning: `the drop root "${dropRoot}" is not in the configuration any more` };
  // It may have been moved since the run was claimed.
  const { path, directory } = (await outbox.run(claim.run)) ?? claim;
  const [known] = await outbox.folders(dropRoot, [path]);
  if (known !== undefined && known.run !== claim.run) {
    return { warning: 'its folder holds newer content, so the result was not written there' };
  }
  try {
    const folder = await OpenFolder.open(join(rootPath, path));
    if ((await folder.stats()).ino === directory.ino) return { folder };
    await folder.close();
    return { warning: 'another folder lies at its path now, so the result was not written there' };
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return { warning: `its folder cannot be opened any more (${String(errorCode(error))})` };
  }
}

async function verify(
  claim: Claim,
  answer: RunAnswer,
  folder: OpenFolder | null,
  { platform }: DeliveryParts,
  signal: AbortSignal,
): Promise<Verified> {
  if (!urlAnswer.safeParse(answer['output']).success || isInlined(claim, answer)) {
    return await verifyInline(claim, answer, folder);
  }
  // Nothing to compare with: then nothing is fetched, because what is not read would hold its connection.
  if (folder === null || fileOf(claim.content, 'output') === undefined)
    return { isSame: null, warning: null };
  return await verifyStream(claim, await platform.download(answer['output'], outputBytesMax, signal), folder);
}

/** Whether the answer holds the output itself: a document of one JSON object that is not just an address. */
function isInlined(claim: Claim, answer: RunAnswer): boolean {
  if (!('output' in answer) || answer['output'] === null) return true;
  const output = fileOf(claim.content, 'output');
  const keys = Object.keys(answer['output'] ?? {});
  const isAddress = keys.length === 1 && keys[0] === 'url' && urlAnswer.safeParse(answer['output']).success;
  return !isAddress && output?.type !== 'text';
}

/** Into the folder where it takes it, else into the state directory, with a warning that is shown. */
async function put(
  folder: OpenFolder | null,
  place: Place,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly warnings: readonly string[] }> {
  const refused = folder === null ? null : await writeInto(folder, place, parts, signal);
  if (folder !== null && refused === null) return { path: join(folder.path, resultFileName), warnings: [] };
  const path = await writeAside(place, refused, parts, signal);
  const why = refused === null ? 'the result was kept in' : `${refused}, so the result was kept in`;
  return { path, warnings: [`${why} ${path}`] };
}

/** @returns null when it is written, or why the folder does not take it */
async function writeInto(
  folder: OpenFolder,
  place: Place,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<string | null> {
  const { mode: folderMode, gid } = await folder.stats();
  // Whoever can read the folder can read the result.
  const mode = folderMode & 0o666;
  try {
    const outputFile = await keepOutput(place, (name) => folder.pathOf(name), mode, gid, parts, signal);
    await writeWhole(folder.pathOf(resultFileName), place.document([], outputFile), mode, gid);
    await removeIfThere(folder.pathOf(problemFileName));
    return null;
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    // Whatever the folder has against it: it is another user's, and its result is kept all the same.
    return `the folder cannot be written (${code})`;
  }
}

async function writeAside(
  place: Place,
  refused: string | null,
  parts: DeliveryParts,
  signal: AbortSignal,
): Promise<string> {
  const directory = join(parts.resultsDir, `run-${place.claim.run}`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const outputFile = await keepOutput(place, (name) => join(directory, name), 0o600, null, parts, signal);
  const path = join(directory, resultFileName);
  await writeWhole(path, place.document(refused === null ? [] : [refused], outputFile), 0o600, null);
  return path;
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
  if (ownOutput === null || !isDifferent) return ownOutput;
  const name = `${outputFileStem}${ownOutput.endsWith('.json') ? '.json' : '.txt'}`;
  // The first stream was used up by the comparison, and its address may have died since.
  const { answer } = await fetchResult(claim, parts, signal);
  const bytes = await parts.platform.download(answer.value['output'], outputBytesMax, signal);
  await writeWhole(pathOf(name), bounded(bytes), mode, group);
  return name;
}

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

/** `nextmv-result.json`: the platform's answer as it came, to the last digit, plus one key of ours. */
function resultText({ value, text }: ReadAnswer, isInlinedOutput: boolean, own: object): string {
  const withoutOutput = Object.fromEntries(Object.entries(value).filter(([name]) => name !== 'output'));
  const answer = isInlinedOutput ? text : JSON.stringify(withoutOutput);
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
    warnings: [...new Set(warnings)],
  };
}
