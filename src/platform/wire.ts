/**
 * The messages of the Nextmv Platform that recording an external run needs, as they look on the wire.
 * Both sides use them: the client to check what it is told, the stand-in to check what it is sent.
 * Objects are loose wherever the platform may say more than we read; nothing is relied on that is not named here.
 */
import { z } from 'zod';

/** Where everything lives below the endpoint's origin. */
export const routes = {
  application: (app: string) => `/v1/applications/${encodeURIComponent(app)}`,
  uploadUrl: (app: string) => `/v1/applications/${encodeURIComponent(app)}/runs/uploadurl`,
  runs: (app: string) => `/v1/applications/${encodeURIComponent(app)}/runs`,
  run: (app: string, runId: string) =>
    `/v1/applications/${encodeURIComponent(app)}/runs/${encodeURIComponent(runId)}`,
  metadata: (app: string, runId: string) =>
    `/v1/applications/${encodeURIComponent(app)}/runs/${encodeURIComponent(runId)}/metadata`,
  document: (app: string, runId: string, document: 'input' | 'output') =>
    `/v1/applications/${encodeURIComponent(app)}/runs/${encodeURIComponent(runId)}/${document}`,
  logs: (app: string, runId: string) =>
    `/v1/applications/${encodeURIComponent(app)}/runs/${encodeURIComponent(runId)}/logs`,
  assets: (app: string, runId: string) =>
    `/v1/applications/${encodeURIComponent(app)}/runs/${encodeURIComponent(runId)}/assets`,
} as const;

export { appIdPattern } from '../core/appId.ts';

export const nameCharsMax = 128;
export const descriptionBytesMax = 256;
/** An upload id and its URL are good for this long after they were given out. */
export const uploadLifetimeMs = 15 * 60_000;
/** An output of more than this is answered only as a URL. */
export const inlineOutputBytesMax = 5 * 1024 * 1024;

/** `POST …/runs/uploadurl`: one pair for one artefact. */
export const uploadTicket = z.looseObject({
  upload_id: z.string().min(1).max(512),
  upload_url: z.string().min(1).max(16_384),
});

/** The kinds of content that a run's input or output can have. */
export const contentFormats = ['json', 'text', 'multi-file', 'csv-archive'] as const;
/** What an input or output is: `csv-archive` and `text` are older forms that the platform still takes. */
export type ContentFormat = (typeof contentFormats)[number];
const formatSide = z.looseObject({ type: z.enum(contentFormats) });

/** `POST …/runs`: what makes an external run. Strict where the platform is, loose where it may learn more keys. */
export const createRunRequest = z.looseObject({
  upload_id: z.string().optional(),
  input: z.unknown().optional(),
  input_id: z.string().optional(),
  name: z.string().optional(),
  description: z.string().optional(),
  options: z.record(z.string(), z.string()).optional(),
  configuration: z
    .looseObject({
      execution_class: z.string().optional(),
      format: z.looseObject({ input: formatSide.optional(), output: formatSide.optional() }).optional(),
      run_type: z
        .looseObject({
          type: z.string().optional(),
          definition_id: z.string().optional(),
          reference_id: z.string().optional(),
        })
        .optional(),
      secrets_collection_id: z.string().optional(),
      queuing: z
        .looseObject({ priority: z.number().int().optional(), disabled: z.boolean().optional() })
        .optional(),
      integration_id: z.string().optional(),
    })
    .optional(),
  batch_experiment_id: z.string().optional(),
  result: z.looseObject({
    status: z.enum(['succeeded', 'failed']),
    execution_duration: z.number().int().nonnegative().optional(),
    error_message: z.string().optional(),
    output_upload_id: z.string().optional(),
    error_upload_id: z.string().optional(),
    statistics_upload_id: z.string().optional(),
    metrics_upload_id: z.string().optional(),
    assets_upload_id: z.string().optional(),
  }),
});
export type CreateRunRequest = z.infer<typeof createRunRequest>;

/** The answer to `POST …/runs`: only the id is relied on. */
export const createRunAnswer = z.looseObject({ run_id: z.string().min(1).max(256) });

/** The states of a run on the platform that will not change any more. Any other value is "not yet". */
export const finalStatuses = ['succeeded', 'failed', 'canceled'] as const;

/** `GET …/runs/{id}` and `…/metadata`: the run, with or without its output. */
export const runAnswer = z.looseObject({
  id: z.string().min(1),
  name: z.string().nullish(),
  description: z.string().nullish(),
  metadata: z.looseObject({
    status_v2: z.string(),
    created_at: z.string().nullish(),
    output_size: z.number().nullish(),
    format: z.looseObject({ output: z.looseObject({ type: z.string().nullish() }).nullish() }).nullish(),
  }),
});
export type RunAnswer = z.infer<typeof runAnswer>;

/** `{"url": …}`: where a document is to be fetched when it is asked for with `format=url`. */
export const urlAnswer = z.looseObject({ url: z.string().min(1).max(16_384) });

/** One page of `GET …/runs`. */
export const runPage = z.looseObject({
  runs: z.array(
    z.looseObject({
      id: z.string().min(1),
      description: z.string().nullish(),
      created_at: z.string().nullish(),
      run_type: z.looseObject({ type: z.string().nullish() }).nullish(),
    }),
  ),
  next_page_token: z.string().nullish(),
});
export type RunPage = z.infer<typeof runPage>;

/** `GET /v1/applications/{app}`. */
export const applicationAnswer = z.looseObject({
  id: z.string(),
  name: z.string().nullish(),
  description: z.string().nullish(),
  default_instance: z.string().nullish(),
});
export type ApplicationAnswer = z.infer<typeof applicationAnswer>;

/** `GET …/runs/{id}/logs`. */
export const logAnswer = z.looseObject({ log: z.string() });

/** `GET …/runs/{id}/assets`, and one of them. */
export const assetList = z.looseObject({
  items: z.array(
    z.looseObject({
      id: z.string().min(1),
      name: z.string().nullish(),
      content_type: z.string().nullish(),
      description: z.string().nullish(),
      size: z.number().nullish(),
      visual: z.unknown(),
    }),
  ),
});
export type AssetList = z.infer<typeof assetList>;
export const assetAnswer = z.looseObject({ download_url: z.string().min(1).max(16_384) });
