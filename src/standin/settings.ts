/**
 * How the stand-in behaves where the platform's contract leaves it open, or where a client should be tried harder. The
 * names are those of the command line (`--list-lag`) and of the admin route (`list_lag`). No setting is kept in the
 * data: a stand-in that is started again behaves as it is told then.
 */
import { z } from 'zod';
import { uploadLifetimeMs } from '../platform/wire.ts';
import { durationForm, durationMs, durationText } from './duration.ts';

export const listOrders = ['newest-first', 'oldest-first', 'shuffled'] as const;

export interface Settings {
  /** A run is `queued` for the first half of this time after its creation, `running` for the second. */
  finalAfterMs: number;
  /** A run shows in the list only so long after its creation. */
  listLagMs: number;
  /** Takes effect for the next listing; one under way keeps its order. Shuffled is the same shuffle each time. */
  listOrder: (typeof listOrders)[number];
  pageSize: number;
  /** A name or description that is too long. */
  overLength: 'refuse' | 'cut';
  /** An input or output declared JSON that is not. The official SDK declares text and folders so by default. */
  notJson: 'refuse' | 'accept';
  /** An error message that is not printable ASCII is refused. */
  refuseNonAsciiError: boolean;
  /** Outputs come back as another document than was sent. */
  outputAltered: boolean;
  /** Of uploads and of URLs for downloads that are given out from now on. */
  uploadLifetimeMs: number;
  /** What is larger is refused by storage. The platform takes 700 MiB of input, and less of an output with a small plan. */
  uploadBytesMax: number;
  /** Cancelling a run that is final changes nothing; ignored, the answer does not say so. */
  cancelFinal: 'refuse' | 'ignore';
}

export const wellBehaved: Settings = {
  finalAfterMs: 0,
  listLagMs: 0,
  listOrder: 'newest-first',
  pageSize: 50,
  overLength: 'refuse',
  notJson: 'refuse',
  refuseNonAsciiError: false,
  outputAltered: false,
  uploadLifetimeMs,
  uploadBytesMax: 700 * 1024 * 1024,
  cancelFinal: 'refuse',
};

/** Also the age from which forgotten uploads are swept: none that is still good may be as old. */
const durationMax = '24h';
/** Ten times what the platform has on a page; an answer is put together in memory. */
const pageSizeMax = 500;
const pageSizeForm = `a whole number from 1 to ${pageSizeMax}`;

/** So much fits on a disk, and is counted exactly. */
const uploadBytesLimit = 1024 ** 4;
const uploadBytesForm = `a whole number of bytes from 0 to ${uploadBytesLimit}`;

/** Each name, how its value is written, and what it sets. */
const settings = {
  final_after: duration('0ms').transform((finalAfterMs) => ({ finalAfterMs })),
  list_lag: duration('0ms').transform((listLagMs) => ({ listLagMs })),
  list_order: z.enum(listOrders).transform((listOrder) => ({ listOrder })),
  page_size: z
    .int({ error: `must be ${pageSizeForm}` })
    .min(1, { error: `must be ${pageSizeForm}` })
    .max(pageSizeMax, { error: `must be ${pageSizeForm}` })
    .transform((pageSize) => ({ pageSize })),
  over_length: z.enum(['refuse', 'cut']).transform((overLength) => ({ overLength })),
  not_json: z.enum(['refuse', 'accept']).transform((notJson) => ({ notJson })),
  refuse_non_ascii_error: z.boolean().transform((refuseNonAsciiError) => ({ refuseNonAsciiError })),
  output_altered: z.boolean().transform((outputAltered) => ({ outputAltered })),
  upload_lifetime: duration('1ms').transform((uploadLifetimeMs) => ({ uploadLifetimeMs })),
  upload_bytes_max: z
    .int({ error: `must be ${uploadBytesForm}` })
    .min(0, { error: `must be ${uploadBytesForm}` })
    .max(uploadBytesLimit, { error: `must be ${uploadBytesForm}` })
    .transform((uploadBytesMax) => ({ uploadBytesMax })),
  cancel_final: z.enum(['refuse', 'ignore']).transform((cancelFinal) => ({ cancelFinal })),
} satisfies Record<string, z.ZodType<Partial<Settings>>>;

export type SettingName = keyof typeof settings;
export const settingNames = Object.keys(settings) as SettingName[];

/** Some settings, as they are sent: what they change. */
export const settingsPatch = z
  .strictObject(settings)
  .partial()
  .transform((given): Partial<Settings> => Object.assign({}, ...Object.values(given)) as Partial<Settings>);

/** One setting by itself: what it changes, or what is wrong with its value. */
export function settingOf(
  name: SettingName,
  value: unknown,
): { readonly changes: Partial<Settings> } | { readonly problem: string } {
  const schema: z.ZodType<Partial<Settings>> = settings[name];
  const read = schema.safeParse(value);
  if (read.success) return { changes: read.data };
  return { problem: read.error.issues.map(({ message }) => message).join('; ') };
}

/** All settings, as they are shown. */
export function settingsDocument(current: Settings): Readonly<Record<SettingName, unknown>> {
  return {
    final_after: durationText(current.finalAfterMs),
    list_lag: durationText(current.listLagMs),
    list_order: current.listOrder,
    page_size: current.pageSize,
    over_length: current.overLength,
    not_json: current.notJson,
    refuse_non_ascii_error: current.refuseNonAsciiError,
    output_altered: current.outputAltered,
    upload_lifetime: durationText(current.uploadLifetimeMs),
    upload_bytes_max: current.uploadBytesMax,
    cancel_final: current.cancelFinal,
  };
}

function duration(least: string) {
  return z.string({ error: `expected ${durationForm}` }).transform((text, context) => {
    const parsedMs = durationMs(text);
    if (parsedMs === null) context.addIssue(`${JSON.stringify(text)} is not ${durationForm}`);
    else if (parsedMs < (durationMs(least) ?? 0)) context.addIssue(`must be at least ${least}`);
    else if (parsedMs > (durationMs(durationMax) ?? 0)) context.addIssue(`must be at most ${durationMax}`);
    return parsedMs ?? 0;
  });
}
