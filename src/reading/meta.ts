/**
 * meta.json: what the solver's script says of the run. A value that is wrong is refused with a sentence; a key that is
 * not known is kept out and told once, with the key that may have been meant.
 */
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { appIdPattern } from '../core/appId.ts';
import type { SaidMeta } from './inferredMeta.ts';

export type ParsedMeta =
  | { readonly ok: true; readonly meta: SaidMeta; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** meta.json is read whole; a larger one is no meta.json. */
export const metaBytesMax = 1024 * 1024;
/** A file with more unknown keys than this is another kind of file, and its warnings would bury everything. */
const toldKeysMax = 10;
/** A year: a longer duration is a mistake of units. */
const durationMsMax = 366 * 24 * 3_600_000;

const schema = z.looseObject({
  status: z.enum(['succeeded', 'failed']),
  duration: z
    .number()
    .min(0)
    .max(durationMsMax / 1000)
    .optional(),
  duration_ms: z.number().min(0).max(durationMsMax).optional(),
  error: z.string().optional(),
  name: z.string().optional(),
  description: z.string().optional(),
  instance_id: z.string().min(1).max(128).optional(),
  options: z.record(z.string(), z.unknown()).optional(),
  batch_experiment_id: z.string().min(1).max(128).optional(),
  app_id: z.string().regex(appIdPattern, 'must be an app id: 3 to 30 of a-z, 0-9, "." and "-"').optional(),
  metrics: z.record(z.string(), z.unknown()).optional(),
  logs: z.union([z.string(), z.array(z.string())]).optional(),
});
/** Where what it does not say is inferred. */
const schemaWithoutStatus = schema.extend({ status: schema.shape.status.optional() });
const knownKeys = Object.keys(schema.shape);

/**
 * @param document the parsed JSON of meta.json
 * @param name the file's name, for the sentences
 * @param isStatusOptional whether a meta.json without a status is one; its status is null then
 */
export function parseMeta(document: unknown, name: string, isStatusOptional: boolean): ParsedMeta {
  const read = (isStatusOptional ? schemaWithoutStatus : schema).safeParse(document);
  if (!read.success) {
    return {
      ok: false,
      problems: [
        ...read.error.issues.map((issue) => `${name}: ${[...issue.path, describe(issue)].join(': ')}`),
        // A key that was mistyped is why the one that is meant is missing.
        ...nearMisses(document, name),
      ],
    };
  }
  const said = read.data;
  const problems: string[] = [];
  if (said.duration !== undefined && said.duration_ms !== undefined) {
    problems.push(`${name}: duration (seconds) and duration_ms are both given; keep one`);
  }
  if (said.error !== undefined && said.error !== '' && said.status === 'succeeded') {
    problems.push(`${name}: an error is given, but status is "succeeded"`);
  }
  if (problems.length > 0) return { ok: false, problems };
  const durationMs = said.duration === undefined ? said.duration_ms : said.duration * 1000;
  return {
    ok: true,
    meta: {
      status: said.status ?? null,
      durationMs: durationMs === undefined ? null : Math.round(durationMs),
      error: textOrNull(said.error),
      name: textOrNull(said.name),
      description: textOrNull(said.description),
      instanceId: said.instance_id ?? null,
      options: optionTexts(said.options ?? {}),
      batchExperimentId: said.batch_experiment_id ?? null,
      appId: said.app_id ?? null,
      metrics: said.metrics ?? null,
      // Joined with real newlines; the official SDK joins with a backslash and an n.
      logs: textOrNull(Array.isArray(said.logs) ? said.logs.join('\n') : said.logs),
    },
    warnings: unknownKeys(Object.keys(said), name),
  };
}

function nearMisses(document: unknown, name: string): string[] {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return [];
  return unknownKeys(Object.keys(document), name).filter((warning) => warning.includes('did you mean'));
}

function textOrNull(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}

/** The platform takes texts only: texts as they are, the rest as JSON text. */
export function optionTexts(options: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

function unknownKeys(keys: readonly string[], name: string): string[] {
  const unknown = keys.filter((key) => !knownKeys.includes(key));
  const told = unknown.slice(0, toldKeysMax).map((key) => unknownKey(key, name));
  const more = unknown.length - told.length;
  return more > 0 ? [...told, `${name}: ${more} more keys are not known and were left out`] : told;
}

function unknownKey(key: string, file: string): string {
  const shown = JSON.stringify(key.slice(0, 80));
  const near = closest(key.slice(0, 80), knownKeys);
  const meant = distance(key.slice(0, 80), near) <= 2 ? `; did you mean "${near}"?` : '';
  return `${file}: the key ${shown} is not known and was left out${meant}`;
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.path.at(-1) === 'status') return 'must be "succeeded" or "failed"';
  if (issue.path.at(-1) === 'duration') return 'must be a number of seconds from 0 to a year';
  if (issue.path.at(-1) === 'duration_ms') return 'must be a number of milliseconds from 0 to a year';
  return issue.message;
}
