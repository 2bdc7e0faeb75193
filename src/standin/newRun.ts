/**
 * `POST …/runs` (platform contract: create run): what is checked before a run is made, and the making of it. Each
 * accepted request makes a new run, also when it is the same as one before: there is no idempotency to lean on.
 */
import { createRunRequest, nameCharsMax, type CreateRunRequest } from '../platform/wire.ts';
import type { Artefact, StoredFile } from './artefacts.ts';
import { examine } from './findings.ts';
import { newRunId } from './ids.ts';
import { isDeeperThan } from './nesting.ts';
import type { Platform } from './platform.ts';
import type { NewRun } from './records.ts';
import { problemsOf, Refusal } from './refusal.ts';

/** What the official SDK cuts a description to when it clones a run; the name's limit has the same source. */
const descriptionCharsMax = 256;
/** What is known of a request is flat; SQLite reads a thousand levels of JSON, and the inline input is no part of that. */
const levelsMax = 100;
const inputLevelsMax = 1_000;
/** Instance ids become part of run ids and so of paths; no real one is longer. */
const instanceForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Refuses, or makes a run and gives its id. */
export async function makeRun(
  platform: Platform,
  app: string,
  instance: string,
  body: unknown,
): Promise<string> {
  if (!instanceForm.test(instance)) {
    throw new Refusal(400, 'instance_id must be letters, digits, dots, dashes and underscores, 64 at most');
  }
  const request = checkedRequest(body, platform);
  const createdAtMs = platform.now();
  const files = uploadedFiles(platform, app, request, createdAtMs);
  if ('input' in request) files.input = await inlineInput(platform, request.input, createdAtMs);
  const findings = await examine(request, files, platform.storage, platform.faults);
  const run: NewRun = {
    id: newRunId(instance),
    app,
    instance,
    createdAtMs,
    name: within(platform, 'name', request.name ?? '', nameCharsMax),
    description: within(platform, 'description', request.description ?? '', descriptionCharsMax),
    request: withoutInlineInput(request),
    files,
    findings,
  };
  platform.records.addRun(run);
  return run.id;
}

/** The text, or what over-long ones come to: refused or cut. */
export function within(platform: Platform, field: string, text: string, charsMax: number): string {
  const chars = Array.from(text);
  if (chars.length <= charsMax) return text;
  if (platform.faults.overLength === 'cut') return chars.slice(0, charsMax).join('');
  throw new Refusal(400, `${field} has ${chars.length} characters, at most ${charsMax} are allowed`);
}

export const wordLimits = { name: nameCharsMax, description: descriptionCharsMax } as const;

function checkedRequest(body: unknown, platform: Platform): CreateRunRequest {
  if (typeof body === 'object' && body !== null && !('result' in body)) {
    throw new Refusal(400, 'result is missing: only external runs are recorded here, nothing is run');
  }
  const parsed = createRunRequest.safeParse(body);
  if (!parsed.success) throw new Refusal(400, problemsOf(parsed.error));
  const request = parsed.data;
  if (isDeeperThan(levelsMax, withoutInlineInput(request))) {
    throw new Refusal(
      400,
      `the request is nested more than ${levelsMax} levels deep, and nothing in it has to be`,
    );
  }
  if (isDeeperThan(inputLevelsMax, request.input)) {
    throw new Refusal(400, `the input is nested more than ${inputLevelsMax} levels deep: upload it instead`);
  }

  const inputs = ['upload_id', 'input', 'input_id'].filter((key) => key in request);
  if (inputs.length !== 1) {
    throw new Refusal(
      400,
      `exactly one of upload_id, input and input_id is needed, got ${inputs.length === 0 ? 'none' : inputs.join(' and ')}`,
    );
  }
  if (request.input_id !== undefined) {
    throw new Refusal(400, `managed input ${request.input_id} is not known: upload the input instead`);
  }
  const { status, error_message: error = '' } = request.result;
  if (status === 'succeeded' && error !== '') {
    throw new Refusal(400, 'result.error_message goes with a failed run only, this one succeeded');
  }
  if (platform.faults.refuseNonAsciiError && !/^[\x20-\x7e]*$/.test(error)) {
    throw new Refusal(400, 'result.error_message has characters that are not allowed');
  }
  return request;
}

/** The files of all uploads that the request names; a refusal if one of them cannot be used. */
function uploadedFiles(
  platform: Platform,
  app: string,
  request: CreateRunRequest,
  nowMs: number,
): Partial<Record<Artefact, StoredFile>> {
  const { result } = request;
  const named: Readonly<Record<Artefact, string | undefined>> = {
    input: request.upload_id,
    output: result.output_upload_id,
    logs: result.error_upload_id,
    statistics: result.statistics_upload_id,
    metrics: result.metrics_upload_id,
    assets: result.assets_upload_id,
  };
  const files: Partial<Record<Artefact, StoredFile>> = {};
  for (const [artefact, id] of Object.entries(named) as [Artefact, string | undefined][]) {
    if (id === undefined) continue;
    const upload = platform.records.upload(id);
    if (upload?.app !== app) {
      throw new Refusal(
        400,
        `the upload of the ${artefact} is not known to app ${app}: ask for a new upload URL`,
      );
    }
    if (nowMs >= upload.expiresAtMs) {
      throw new Refusal(400, `the upload of the ${artefact} has expired: ask for a new upload URL`);
    }
    if (upload.file === null) {
      throw new Refusal(400, `nothing was PUT to the upload URL of the ${artefact} yet`);
    }
    files[artefact] = upload.file;
  }
  return files;
}

async function inlineInput(platform: Platform, input: unknown, nowMs: number): Promise<StoredFile> {
  const file = await platform.storage.store(Buffer.from(JSON.stringify(input)));
  platform.records.addFile(file, nowMs);
  return file;
}

function withoutInlineInput(request: CreateRunRequest): CreateRunRequest {
  const rest = { ...request };
  delete rest.input;
  return rest;
}
