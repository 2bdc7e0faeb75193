/** How a caller wants the platform to treat a run, in this ecosystem's spelling and in the platform's. */
import type { ContentFormat, CreateRunRequest } from '../platform/wire.ts';
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

export function formatsOf(configuration: RunConfiguration | undefined): FormatWishes {
  const { input, output } = configuration?.format ?? {};
  return {
    ...(input === undefined ? {} : { input: input.type }),
    ...(output === undefined ? {} : { output: output.type }),
  };
}

/** In the platform's spelling; the formats are added from the content. @throws RuntrackdError (bad-input) */
export function configurationOf({
  executionClass,
  runType,
  secretsCollectionId,
  queuing,
  integrationId,
}: RunConfiguration = {}): NonNullable<CreateRunRequest['configuration']> {
  const { priority } = queuing ?? {};
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 1 && priority <= 9))
    throw badInput(`queuing.priority is ${String(priority)}`, 'It is a whole number from 1 (highest) to 9.');
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
