/** What a caller says of a run that has been done: the nouns of the official SDK, checked as soon as they are said. */
import { z } from 'zod';
import { badInput } from './badInput.ts';
import { isObject, type JsonObject } from './jsonDocument.ts';

/** How a run ended. One that was canceled counts as failed here. */
export type TrackedRunStatus = 'succeeded' | 'failed';

/** The input of a run, where a bare object or text does not say enough. */
export interface InputFields {
  /** An object, sent as JSON; or a text. */
  readonly data: object | string;
  /** What a text is: `text` (default), or `json`, which it then has to be. */
  readonly format?: 'json' | 'text';
}

/** The input of a run: data, and what it is. */
export class Input {
  readonly data: object | string;
  readonly format: 'json' | 'text';

  /** @throws RuntrackdError (bad-input) */
  constructor(fields: InputFields) {
    const { data, format } = checked(inputSchema, fields, 'the input');
    this.data = data;
    this.format = format ?? (typeof data === 'string' ? 'text' : 'json');
    if (this.format === 'text' && typeof data !== 'string')
      throw badInput('input.data is an object, and format says text', 'Leave format out, or give a text.');
  }
}

/** Something to look at beside the figures of a run (contract: JSON output). */
export interface Asset {
  readonly name: string;
  /** Any JSON. At most 1 MB is taken by the platform. */
  readonly content: unknown;
  /** Default: json, the only one there is. */
  readonly content_type?: 'json';
  readonly description?: string;
  /** How the console draws it. */
  readonly visual?: {
    readonly schema: 'chartjs' | 'geojson' | 'plotly';
    readonly type?: 'custom-tab';
    readonly label?: string;
  };
}

/** The parts of an output document that mean something to the platform. */
export interface OutputFields {
  readonly solution?: unknown;
  readonly options?: object;
  /** Key figures, shown and compared on the platform. */
  readonly metrics?: object;
  /** The older form of key figures; durations in it are seconds. */
  readonly statistics?: object;
  readonly assets?: readonly Asset[];
}

/** The output of a run as one JSON document. */
export class Output {
  readonly solution: unknown;
  readonly options: object;
  readonly metrics: object | undefined;
  readonly statistics: object | undefined;
  readonly assets: readonly Asset[] | undefined;

  /** @throws RuntrackdError (bad-input) that names everything that is wrong */
  constructor(fields: OutputFields = {}) {
    checked(outputSchema, fields, 'the output');
    this.solution = fields.solution === undefined ? {} : fields.solution;
    this.options = fields.options ?? {};
    this.metrics = fields.metrics;
    this.statistics = fields.statistics;
    this.assets = fields.assets;
  }

  /** The document: what was not given is not in it, but for `options` and `solution`, which always are. */
  toDocument(): JsonObject {
    const { options, solution, statistics, metrics } = this;
    const assets = this.assets?.map(completeAsset);
    const document = { options, solution, statistics, metrics, assets };
    return Object.fromEntries(Object.entries(document).filter(([, value]) => value !== undefined));
  }
}

/** With what the platform wants of an asset although there is only one of it. */
export function completeAsset(asset: Asset): Asset {
  const { visual } = asset;
  return {
    ...asset,
    ...(visual === undefined ? {} : { visual: { ...visual, type: visual.type ?? 'custom-tab' } }),
    content_type: asset.content_type ?? 'json',
  };
}

/** Exactly one form of input, at most one form of output, at most one form of logs. */
export interface TrackedRunFields {
  readonly status: TrackedRunStatus;
  /** An object is JSON, a text is text. */
  readonly input?: Input | object | string;
  /** A file: `.json` is JSON, everything else text. Read when it is sent, never held. */
  readonly inputFilePath?: string;
  /** A directory, sent as an archive of its files (multi-file). */
  readonly inputDirPath?: string;
  readonly output?: Output | object | string;
  readonly outputFilePath?: string;
  readonly outputDirPath?: string;
  /** How long the run took, in seconds; fractions are allowed. */
  readonly duration?: number;
  /** Why it failed; only for a failed run, and then it has to be there. */
  readonly error?: string;
  /** A text, or its lines. Sent for succeeded runs too. */
  readonly logs?: string | readonly string[];
  readonly logsFilePath?: string;
  /** At most 128 characters are kept. */
  readonly name?: string;
  /** At most 256 bytes are kept, less what a fingerprint takes. */
  readonly description?: string;
  /** Key figures. Put into a JSON output where it has no such key, sent beside any other. */
  readonly metrics?: object;
  readonly statistics?: object;
  readonly assets?: readonly Asset[];
}

const durationMax = 366 * 24 * 3_600;
const filled = z.string('must be a text').min(1, 'must not be empty');
const object = z.custom<object>(isObject, 'must be an object');
const asset = z.strictObject({
  name: filled,
  content: z.unknown().refine((content) => content !== undefined, 'must be there'),
  content_type: z.literal('json').optional(),
  description: z.string().optional(),
  visual: z
    .strictObject({
      schema: z.enum(['chartjs', 'geojson', 'plotly']),
      type: z.literal('custom-tab').optional(),
      label: z.string().optional(),
    })
    .optional(),
});
const schema = z.strictObject({
  status: z.enum(['succeeded', 'failed'], 'must be "succeeded" or "failed"'),
  input: z
    .union([z.instanceof(Input), filled, object], 'must be an Input, an object or a text that is not empty')
    .optional(),
  inputFilePath: filled.optional(),
  inputDirPath: filled.optional(),
  output: z
    .union([z.instanceof(Output), z.string(), object], 'must be an Output, an object or a text')
    .optional(),
  outputFilePath: filled.optional(),
  outputDirPath: filled.optional(),
  duration: z
    .number('must be a number of seconds')
    .min(0, 'must be seconds: 0 or more')
    .max(durationMax, 'must be seconds: a year at most')
    .optional(),
  error: z.string('must be a text').optional(),
  logs: z.union([z.string(), z.array(z.string())], 'must be a text or a list of lines').optional(),
  logsFilePath: filled.optional(),
  name: z.string('must be a text').optional(),
  description: z.string('must be a text').optional(),
  metrics: object.optional(),
  statistics: object.optional(),
  assets: z.array(asset, 'must be a list').optional(),
});
const inputSchema = z.strictObject({
  data: z.custom<object | string>(
    (data) => typeof data === 'string' || (typeof data === 'object' && data !== null),
    'must be an object or a text',
  ),
  format: z.enum(['json', 'text'], 'must be "json" or "text"').optional(),
});
const outputSchema = z.strictObject({
  solution: z.unknown().optional(),
  options: object.optional(),
  metrics: object.optional(),
  statistics: object.optional(),
  assets: z.array(asset, 'must be a list').optional(),
});

/** A run that has been done somewhere else and is to be recorded on the platform. */
export class TrackedRun implements TrackedRunFields {
  readonly status: TrackedRunStatus;
  readonly input?: Input | object | string;
  readonly inputFilePath?: string;
  readonly inputDirPath?: string;
  readonly output?: Output | object | string;
  readonly outputFilePath?: string;
  readonly outputDirPath?: string;
  readonly duration?: number;
  readonly error?: string;
  readonly logs?: string | readonly string[];
  readonly logsFilePath?: string;
  readonly name?: string;
  readonly description?: string;
  readonly metrics?: object;
  readonly statistics?: object;
  readonly assets?: readonly Asset[];

  /** @throws RuntrackdError (bad-input) that names everything that is wrong */
  constructor(fields: TrackedRunFields) {
    const said = checked(schema, fields, 'the run', contradictions);
    this.status = said.status;
    // As they were given: what is an object of the caller's stays that very object.
    const { error, ...given } = withoutUndefined(fields);
    Object.assign(this, given);
    if (error !== undefined && error.trim() !== '') this.error = error;
  }
}

/** @throws RuntrackdError (bad-input) that names everything that is wrong */
function checked<S extends z.ZodType>(
  shape: S,
  fields: unknown,
  what: string,
  contradictionsIn: (fields: z.output<S>) => string[] = () => [],
): z.output<S> {
  const read = shape.safeParse(isObject(fields) ? withoutUndefined(fields) : fields);
  const problems = read.success
    ? contradictionsIn(read.data)
    : read.error.issues.map((issue) =>
        [issue.path.map(String).join('.'), issue.message].filter((part) => part !== '').join(' '),
      );
  if (read.success && problems.length === 0) return read.data;
  throw badInput(`${what} cannot be recorded: ${problems.join('; ')}`, 'Correct these and track it again.');
}

function contradictions(fields: z.output<typeof schema>): string[] {
  const problems: string[] = [];
  const given = (...names: (keyof z.output<typeof schema>)[]): string[] =>
    names.filter((name) => fields[name] !== undefined);
  const inputs = given('input', 'inputFilePath', 'inputDirPath');
  const outputs = given('output', 'outputFilePath', 'outputDirPath');
  const logs = given('logs', 'logsFilePath');
  if (inputs.length === 0) problems.push('it has no input (input, inputFilePath or inputDirPath)');
  for (const several of [inputs, outputs, logs])
    if (several.length > 1) problems.push(`${several.join(' and ')} are both given, and only one counts`);
  const hasError = fields.error !== undefined && fields.error.trim() !== '';
  if (fields.status === 'failed' && !hasError) problems.push('it failed and has no error to say why');
  if (fields.status === 'succeeded' && hasError)
    problems.push('an error is given, but status is "succeeded"');
  if (fields.output === '') problems.push('output is an empty text');
  return problems;
}

/** A field that is there and undefined is one that is not there. */
function withoutUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
