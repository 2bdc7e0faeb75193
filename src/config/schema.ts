/**
 * Every key of the configuration file: its form, its default, and a sentence on what it is for. The sentences go into
 * `docs/config.schema.json`, so that an editor shows them. A key is in here from the day on which it works, not before;
 * all others are refused.
 *
 * A key with nothing after it (`null`) counts as not given; `document.ts` leaves it out before this schema sees it.
 */
import { z } from 'zod';
import { accessModes } from '../core/accessMode.ts';
import { defaultIgnoreRules } from '../core/content.ts';
import { sharedControlDir } from '../core/controlSocket.ts';
import { enrichments } from '../core/enrichment.ts';
import { consoleUrl, endpointUrl, proxyUrl } from './addresses.ts';
import { duration } from './durations.ts';
import { listenAddress, requestName } from './listening.ts';
import {
  appId,
  documentFiles,
  fileName,
  groupName,
  hostName,
  instanceId,
  logFileName,
  metaFileName,
  rootName,
} from './names.ts';
import { runNameTemplate } from './runName.ts';
import { logLevels } from './settings.ts';
import { size } from './sizes.ts';

/** The word for results beside the solver's files. */
export const inFolder = 'in-folder';

const path = z
  .string()
  .min(1, 'must not be empty')
  .regex(/^[^\0]*$/, 'must not have a NUL character in it');

/** Anything that JSON can say, and that it says without rounding. */
const optionValue = z.json().superRefine((value, context) => {
  if (hasUnsafeInteger(value))
    context.addIssue('is a whole number too large to be kept exactly: put it in quotes');
});

const reconcile = z
  .strictObject({
    absent_after: duration('1ms')
      .prefault('20m')
      .describe(
        'A run whose outcome is unknown counts as absent when the platform has not shown it for this long. At least 15m, which is how long upload ids live (with the stand-in, anything above zero).',
      ),
    then: z
      .enum(['send', 'park'])
      .prefault('send')
      .describe('What to do with a run that is surely absent: send it again, or park it for a person.'),
  })
  .prefault({})
  .describe('What happens after a request whose outcome is unknown, for example because the network failed.');

const standIn = z
  .strictObject({
    port: z
      .int()
      .min(0)
      .max(65_535)
      .prefault(0)
      .describe('The port to listen on, on loopback only; 0 means any free one.'),
    data: path.nullish().describe('Where it keeps its data. Default: stand-in in state_dir.'),
    apps: z
      .array(appId)
      .min(1, 'must have at least one app; leave it out to have them all')
      .nullish()
      .describe('The apps that exist on it. Default: every well-formed id.'),
  })
  .prefault({})
  .describe('The embedded stand-in for the platform; only used with kind: stand-in.');

const platform = z
  .strictObject({
    kind: z
      .enum(['stand-in', 'nextmv'])
      .describe(
        'stand-in: a local platform inside the daemon, for which no account is needed. nextmv: the Nextmv Platform.',
      ),
    endpoint: endpointUrl
      .prefault('https://api.cloud.nextmv.io')
      .describe("The platform's API. Plain http is accepted for loopback only."),
    console: consoleUrl
      .prefault('https://cloud.nextmv.io')
      .describe("The platform's console; links to runs begin with it."),
    api_key_file: path
      .nullish()
      .describe(
        'A file with the API key. Default: $CREDENTIALS_DIRECTORY/nextmv-api-key, else the environment variable NEXTMV_API_KEY.',
      ),
    ca_file: path
      .nullish()
      .describe(
        "A PEM file with the certificates of a private authority, which is trusted beside Node's own. Default: none.",
      ),
    proxy: proxyUrl
      .nullish()
      .describe(
        'The proxy through which the platform is reached, for example http://proxy.example.com:3128. Default: what the environment variables HTTPS_PROXY and NO_PROXY say. Loopback is always reached directly.',
      ),
    limits: z
      .strictObject({
        runs_per_second: z
          .number()
          .min(0)
          .max(1_000)
          .nullish()
          .describe(
            'At most this many runs are recorded a second, by all hosts of the account together. 0 means no limit. Default: 5, and no limit with the stand-in.',
          ),
        requests_per_minute: z
          .number()
          .min(0)
          .max(1_000_000)
          .nullish()
          .describe('Likewise for all requests to the API. Default: 2000, and no limit with the stand-in.'),
        uploads_at_once: z
          .int()
          .min(1)
          .max(256)
          .prefault(32)
          .describe('At most this many uploads are under way at a time.'),
      })
      .prefault({})
      .describe('How much of the platform the daemon may use.'),
    reconcile,
    stand_in: standIn,
  })
  .describe('Where runs are sent.');

const http = z
  .strictObject({
    listen: listenAddress
      .prefault('127.0.0.1:8420')
      .describe(
        'Where the status page, health (/healthz, /readyz) and metrics (/metrics) are served: an address and a port, unix: and the path of a socket that only the daemon’s user and the members of control.group may open, or false for nowhere.',
      ),
    names: z
      .array(requestName)
      .max(100, 'must have at most 100 names')
      .prefault([])
      .describe(
        'Names by which the daemon is reached beside localhost and the address it listens at, for example behind a proxy. A request for any other name is refused.',
      ),
    access: z
      .enum(accessModes)
      .prefault('link')
      .describe(
        'Who sees on the page what runs contain, and may retry and skip: link, whoever opens the link that runtrackd status --open prints; password, also whoever knows it; open, everybody who can reach the page. All others see health and counts.',
      ),
    password_file: path
      .nullish()
      .describe('With access: password, a file with it that only the daemon’s user may read (mode 0600).'),
  })
  .prefault({})
  .describe('Where the daemon is looked at.');

const control = z
  .strictObject({
    group: groupName
      .nullish()
      .describe(
        'A group whose members may ask the daemon and tell it what to do, beside its own user and root. Default: none.',
      ),
    directory: path
      .prefault(sharedControlDir)
      .describe(
        'Where the control socket lies when there is a group: the state directory is for the daemon alone. A directory for it alone, which is made where it is not there, and given to the group.',
      ),
  })
  .prefault({})
  .describe('Who may speak to the running daemon.');

const files = z
  .strictObject({
    input: documentFiles
      .nullish()
      .describe(
        'The input: a name, a directory (data/), a glob, or a list of these. *.json is one JSON document, *.txt one text; everything else, and every list, is sent as an archive. Default: input.json, input.txt or input/, whichever is there.',
      ),
    output: documentFiles
      .nullish()
      .describe('The output, likewise. Default: output.json, output.txt or output/, whichever is there.'),
    log: logFileName
      .prefault('run.log')
      .describe("The solver's log: a name, or a glob that one file matches. It may be missing."),
    meta: metaFileName
      .prefault('meta.json')
      .describe('Status, duration, name and so on: the file that the solver writes last.'),
  })
  .prefault({})
  .describe('What the solver calls its files.');

/** A day, or a moment of it, in UTC. */
const moment = z
  .string({ error: 'expected a date, for example 2026-01-01' })
  .regex(
    /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/,
    'is not a date: write it as 2026-01-01, or 2026-01-01T12:00Z',
  )
  .transform((text, context) => {
    const ms = Date.parse(text);
    if (Number.isNaN(ms)) context.addIssue(`${text} is no day of the calendar`);
    return ms;
  });

const backfill = z
  .union([z.enum(['all', 'none']), z.strictObject({ since: moment })], {
    error: 'must be all, none, or since: with a date, for example { since: 2026-01-01 }',
  })
  .prefault('all')
  .describe(
    'What becomes of the run folders that lie in the root when it is watched for the first time: all of them are tracked, oldest first and after fresh runs; none is, until its content changes; or those are whose files were written on that day (UTC) or later. What is left out is tracked by runtrackd retry --reason backfill.',
  );

const rootLimits = z
  .strictObject({
    file_bytes: size()
      .prefault('700MiB')
      .describe('No file may be larger than this; the default is what the platform accepts.'),
    folder_files: z
      .int()
      .min(1)
      .max(100_000)
      .prefault(10_000)
      .describe(
        'A run folder may have at most this many entries at its top level, and each archive this many in all; more would hold up the folders beside it.',
      ),
    json_depth: z.int().min(1).max(10_000).prefault(1000).describe('JSON may be nested at most this deeply.'),
  })
  .prefault({})
  .describe('What is larger is rejected.');

const archive = z.strictObject({
  archive: path.describe(
    'An existing directory, on this file system or another. A folder that is there under the same name is never touched: the run’s number is added.',
  ),
  grace: duration('0ms')
    .prefault('10m')
    .describe('How long a run has to be recorded, and its folder unchanged, before it is moved.'),
});

const after = z.union([z.literal('keep'), archive], {
  // The form of a map is described by its own keys.
  error: ({ input }) =>
    typeof input === 'object' && input !== null
      ? undefined
      : 'expected keep, or { archive: DIRECTORY, grace: 10m }',
});

const dropRoot = z
  .strictObject({
    path: path.describe(
      'The directory that is watched; every folder in it is a run folder (see depth). Relative to this file.',
    ),
    name: rootName
      .nullish()
      .describe("The drop root's name, part of every run's identity. Default: the last part of path."),
    app: appId.describe('The id of the app on the platform that the runs belong to.'),
    allow_app_id: z.array(appId).prefault([]).describe('Other apps that a meta.json may name in app_id.'),
    instance: instanceId
      .nullish()
      .describe("The app's instance that runs are tracked for. Default: the app's default instance."),
    quiet: duration('0ms')
      .nullish()
      .describe(
        'A folder is complete when its files have not changed for this long. Default: 2s, and 60s where meta is optional and there is no marker.',
      ),
    deadline: duration('1ms')
      .prefault('1h')
      .describe('A folder that is not complete and has not changed for this long is shown as overdue.'),
    marker: fileName
      .nullish()
      .describe('The name of a file that must be there before a folder is complete, for example DONE.'),
    meta: z
      .enum(['required', 'optional'])
      .prefault('required')
      .describe(
        'Whether a folder without a meta.json is ever complete. Where it is optional, what it does not say is inferred: succeeded with an output, failed when there is none and the log ends in an error.',
      ),
    scan_every: duration('100ms')
      .prefault('5s')
      .describe('How often the whole drop root is looked at, whatever the file system reports.'),
    audit_every: duration('1s')
      .prefault('1h')
      .describe(
        'Every recorded folder is looked at again at least this often, in small steps: whether it was rewritten, or vanished.',
      ),
    depth: z
      .int()
      .min(1)
      .max(4)
      .prefault(1)
      .describe(
        'Run folders are this many levels below path: 2 where they lie in date folders, for example.',
      ),
    backfill,
    files,
    limits: rootLimits,
    run_name: runNameTemplate
      .prefault('{folder}')
      .describe(
        "The name of a run on the platform: text with {folder}, {root}, {host}, {date}. meta.json's name wins.",
      ),
    infeasible: z
      .enum(['succeeded', 'failed'])
      .prefault('succeeded')
      .describe(
        'What a run is whose solver says that its model is infeasible or unbounded, where meta.json does not say (meta: optional).',
      ),
    enrich: z
      .array(z.enum(enrichments))
      .prefault([])
      .describe(
        "What is added to each run from its solver's log: metrics (status, value, bound, gap, …), statistics (the same in the older form), chart (solution and bound over time). The files on disk stay as they are, and what the solver wrote itself wins.",
      ),
    options: z
      .record(z.string().min(1, 'an option needs a name'), optionValue)
      .prefault({})
      .describe("Options sent with every run; meta.json's options are added."),
    result: path
      .prefault(inFolder)
      .describe(
        'Where results and problems are written: in-folder, or an existing directory that mirrors the drop root. Then nothing at all is written in the drop root.',
      ),
    after: after
      .prefault('keep')
      .describe(
        'What becomes of a run folder once its run is recorded: keep, or { archive: DIRECTORY, grace: 10m } to move it there.',
      ),
    ignore: z
      .array(z.string().min(1, 'must not be empty'))
      .prefault(defaultIgnoreRules)
      .describe('Rules as in .gitignore, for folder names and for files at the top of a run folder.'),
  })
  .describe('A directory in which solvers leave run folders.');

export const configSchema = z
  .strictObject({
    state_dir: path.describe(
      'Where the daemon keeps its own files (outbox, lock, control socket). On a local disk. Relative to this file.',
    ),
    host: hostName
      .nullish()
      .describe("This machine's name; it travels with each run. Default: the machine's own name."),
    platform,
    http,
    control,
    log: z
      .strictObject({ level: z.enum(logLevels).prefault('info').describe('How much the log says.') })
      .prefault({})
      .describe("The daemon's log."),
    shutdown_deadline: duration('1ms')
      .prefault('20s')
      .describe('How long work that is under way may take to finish when the daemon is stopped.'),
    history: z
      .strictObject({
        keep: z
          .union([z.literal('forever'), duration('1s', '36500d')], {
            error: 'must be forever, or a duration: write a number with its unit, for example 400d',
          })
          .prefault('forever')
          .describe(
            'How long the story of a run is kept after its end: its history, its files and their digests, its facts and warnings. What makes sure that it is not sent again is kept for ever.',
          ),
      })
      .prefault({})
      .describe('What is remembered of runs that have ended.'),
    drop_roots: z
      .array(dropRoot)
      .min(1, 'must have at least one drop root')
      .max(1000, 'must have at most 1000 drop roots')
      .describe('The directories that are watched.'),
  })
  .describe('Configuration of runtrackd.');

/** What the schema makes of a good file: defaults filled in, durations in milliseconds. */
export type CheckedFile = z.output<typeof configSchema>;

/** The names that are looked for where the configuration gives none. */
export const defaultFileNames = {
  input: ['input.json', 'input.txt', 'input/'],
  output: ['output.json', 'output.txt', 'output/'],
} as const;

/** Single keys, for checks that have to work where other keys are wrong. */
export const keySchemas = {
  path,
  rootName,
  kind: platform.shape.kind,
  group: control.unwrap().shape.group,
  listen: http.unwrap().shape.listen,
  access: http.unwrap().shape.access,
  absentAfter: reconcile.unwrap().shape.absent_after,
  files: files.unwrap().shape,
  ignore: dropRoot.shape.ignore,
  result: dropRoot.shape.result,
  meta: dropRoot.shape.meta,
  quiet: dropRoot.shape.quiet,
};

/** The schema for editors, as `docs/config.schema.json` holds it. */
export function configJsonSchema(): object {
  return { title: 'runtrackd', ...z.toJSONSchema(configSchema, { io: 'input' }) };
}

function hasUnsafeInteger(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasUnsafeInteger);
}
