/** The body of `POST /runs`: what is recorded of a run, in the platform's words (contract: create run). Pure. */
import { cutUtf8 } from '../core/description.ts';
import type { Role } from '../core/run.ts';
import { nameCharsMax, type ContentFormat, type CreateRunRequest } from './wire.ts';

export interface RunWords {
  /** The upload id of each artefact; the input's has to be there. */
  readonly uploadIds: Readonly<Partial<Record<Role, string>>>;
  readonly name: string | null;
  /** As it is sent, fingerprint included. */
  readonly description: string | null;
  readonly options: Readonly<Record<string, string>>;
  readonly formats: { readonly input: ContentFormat; readonly output: ContentFormat };
  /** What is wanted beside the formats; `format` and `run_type` in it win. */
  readonly configuration?: NonNullable<CreateRunRequest['configuration']>;
  readonly batchExperimentId: string | null;
  readonly status: 'succeeded' | 'failed';
  /** Whole ms; null when nobody says. */
  readonly durationMs: number | null;
  readonly error: string | null;
  /** Refused once: error and name go in their plainest form. */
  readonly plainest: boolean;
}

/** The platform's rule for error texts is not known; short, one line and printable ASCII has always passed. */
const errorCharsMax = 200;
const errorForAnything = 'the run failed; see its logs';

export function runRequest(words: RunWords): CreateRunRequest {
  const { uploadIds, plainest } = words;
  if (uploadIds.input === undefined) throw new Error('a run cannot be sent without its input');
  const name = words.name === null ? '' : plainest ? plain(words.name) : words.name;
  return given({
    upload_id: uploadIds.input,
    name: Array.from(name).slice(0, nameCharsMax).join('') || undefined,
    description: words.description ?? undefined,
    options: Object.keys(words.options).length === 0 ? undefined : words.options,
    configuration: {
      format: { input: { type: words.formats.input }, output: { type: words.formats.output } },
      run_type: { type: 'external' },
      ...words.configuration,
    },
    batch_experiment_id: words.batchExperimentId ?? undefined,
    result: given({
      status: words.status,
      execution_duration: words.durationMs ?? undefined,
      error_message: wireError(words.error, plainest) ?? undefined,
      output_upload_id: uploadIds.output,
      error_upload_id: uploadIds.logs,
      metrics_upload_id: uploadIds.metrics,
      statistics_upload_id: uploadIds.statistics,
      assets_upload_id: uploadIds.assets,
    }),
  });
}

/** The part of an error text that the wire's short form loses, to be put at the end of the logs; '' when nothing is lost. */
export function errorTail(error: string | null): string {
  return error === null || wireError(error, false) === error ? '' : error;
}

/** @returns one line of printable ASCII; null when there is no error to tell */
function wireError(error: string | null, isPlainest: boolean): string | null {
  if (error === null) return null;
  if (isPlainest) return errorForAnything;
  const line = plain(error);
  return line === '' ? errorForAnything : cutUtf8(line, errorCharsMax).trimEnd();
}

function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
}

/** Fields without a value are left out on the wire, never sent as null. */
function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [K in keyof T]: Exclude<T[K], undefined> };
}
