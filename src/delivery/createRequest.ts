/** The body of `POST /runs` for a run: what is recorded of it, in the platform's words. Pure. */
import { describeRun, cutUtf8 } from '../core/description.ts';
import { fileOf, type FolderContent } from '../core/content.ts';
import type { Role, Upload } from '../core/run.ts';
import type { Run } from '../outbox/nouns.ts';
import {
  descriptionBytesMax,
  nameCharsMax,
  type ContentFormat,
  type CreateRunRequest,
} from '../platform/wire.ts';

/** The platform's rule for error texts is not known; short, one line and printable ASCII has always passed. */
const errorCharsMax = 200;
const errorForAnything = 'the run failed; see its logs';

export function createRequest(run: Run, uploads: readonly Upload[]): CreateRunRequest {
  const { content, settings, life } = run;
  const { meta } = content;
  const id = (role: Role): string | undefined => uploads.find((upload) => upload.role === role)?.uploadId;
  const inputId = id('input');
  if (inputId === undefined) throw new Error('a run cannot be sent without its input');
  const name = life.plainest ? plain(settings.name) : settings.name;
  return given({
    upload_id: inputId,
    name: Array.from(name).slice(0, nameCharsMax).join('') || undefined,
    description: describeRun(
      life.plainest ? '' : settings.description,
      { fingerprint: run.fingerprint, generation: run.key.generation, host: run.key.host },
      descriptionBytesMax,
    ),
    options: Object.keys(settings.options).length === 0 ? undefined : settings.options,
    configuration: {
      format: { input: { type: formatOf(content, 'input') }, output: { type: formatOf(content, 'output') } },
      run_type: { type: 'external' },
    },
    batch_experiment_id: settings.batchExperimentId ?? undefined,
    result: given({
      status: meta.status,
      execution_duration: meta.durationMs ?? undefined,
      error_message: wireError(meta.error, life.plainest) ?? undefined,
      output_upload_id: id('output'),
      error_upload_id: id('logs'),
      metrics_upload_id: id('metrics'),
      statistics_upload_id: id('statistics'),
      assets_upload_id: id('assets'),
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
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
}

function formatOf(content: FolderContent, role: 'input' | 'output'): ContentFormat {
  // A failed run may have no output; the platform's default is then as good as any.
  return fileOf(content, role)?.type ?? 'json';
}

/** Fields without a value are left out on the wire, never sent as null. */
function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [K in keyof T]: Exclude<T[K], undefined> };
}
