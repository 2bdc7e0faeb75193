/** How a caller wants the platform to treat a run, in this ecosystem's spelling and in the platform's. */
import { z } from 'zod';
import { contentFormats, type ContentFormat, type CreateRunRequest } from '../platform/wire.ts';
import { badInput } from './badInput.ts';
import type { FormatWishes } from './preparedRun.ts';

/** How the platform is to treat a run (contract: configuration). What is left out is told from the content. */
export interface RunConfiguration {
  readonly executionClass?: string;
  /** Told from the content by default; `csv-archive` may be said of a directory, `text` of JSON. */
  readonly format?: {
    readonly input?: { readonly type: ContentFormat };
    readonly output?: { readonly type: ContentFormat };
  };
  /** Default: `external`. */
  readonly runType?: {
    readonly type?: string;
    readonly definitionId?: string;
    readonly referenceId?: string;
  };
  readonly secretsCollectionId?: string;
  /** Priority from 1 (highest) to 9. */
  readonly queuing?: { readonly priority?: number; readonly disabled?: boolean };
  readonly integrationId?: string;
}

const text = z.string('must be a text').min(1, 'must not be empty').optional();
const side = z
  .strictObject({ type: z.enum(contentFormats, `must be one of ${contentFormats.join(', ')}`) })
  .optional();
const priority = 'must be a whole number from 1 (highest) to 9';
const schema = z.strictObject({
  executionClass: text,
  format: z.strictObject({ input: side, output: side }).optional(),
  runType: z.strictObject({ type: text, definitionId: text, referenceId: text }).optional(),
  secretsCollectionId: text,
  queuing: z
    .strictObject({
      priority: z.int(priority).min(1, priority).max(9, priority).optional(),
      disabled: z.boolean('must be true or false').optional(),
    })
    .optional(),
  integrationId: text,
});

/** @throws RuntrackdError (bad-input) */
export function checkConfiguration(configuration: RunConfiguration | undefined): void {
  const read = schema.optional().safeParse(configuration);
  if (read.success) return;
  const problems = read.error.issues.map((issue) =>
    [['configuration', ...issue.path].map(String).join('.'), issue.message].join(' '),
  );
  throw badInput(problems.join('; '), 'Correct these, or leave them out.');
}

export function formatsOf(configuration: RunConfiguration | undefined): FormatWishes {
  const { input, output } = configuration?.format ?? {};
  return {
    ...(input === undefined ? {} : { input: input.type }),
    ...(output === undefined ? {} : { output: output.type }),
  };
}

/** In the platform's spelling; the formats are added from the content. */
export function configurationOf({
  executionClass,
  runType,
  secretsCollectionId,
  queuing,
  integrationId,
}: RunConfiguration = {}): NonNullable<CreateRunRequest['configuration']> {
  return {
    ...(executionClass === undefined ? {} : { execution_class: executionClass }),
    ...(runType === undefined
      ? {}
      : {
          run_type: {
            type: runType.type ?? 'external',
            ...(runType.definitionId === undefined ? {} : { definition_id: runType.definitionId }),
            ...(runType.referenceId === undefined ? {} : { reference_id: runType.referenceId }),
          },
        }),
    ...(secretsCollectionId === undefined ? {} : { secrets_collection_id: secretsCollectionId }),
    ...(queuing === undefined ? {} : { queuing }),
    ...(integrationId === undefined ? {} : { integration_id: integrationId }),
  };
}
