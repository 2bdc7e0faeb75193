/**
 * The configuration: a file, the environment and the machine's name become one value, or a list of everything that is
 * wrong with them. Nothing else in the program reads the file or these parts of the environment.
 */
import { basename, dirname, join, resolve } from 'node:path';
import { findApiKey } from './apiKey.ts';
import { crossChecks, type Surroundings } from './checks.ts';
import { type ConfigDocument, parseConfigText, readConfigFile } from './document.ts';
import { checkSchema } from './issues.ts';
import { askingOnce } from './groups.ts';
import { passwordFileProblem } from './passwordFile.ts';
import { placeOf } from './places.ts';
import { type ConfigProblem, describePath, type Finding } from './problems.ts';
import { type CheckedFile, configSchema, defaultFileNames, inFolder } from './schema.ts';
import type { ApiKeySource } from '../core/apiKeySource.ts';
import type { Config, ControlConfig, DropRootConfig, HttpConfig, PlatformConfig } from './settings.ts';

export { controlDirIn, findConfigFile, stateDirIn } from './find.ts';
export { type ConfigProblem, describeProblem } from './problems.ts';
export type { Config, DropRootConfig } from './settings.ts';

export type LoadedConfig =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** What is not asked of the machine. */
export interface Leniency {
  /** False for whoever asks a running daemon: that one has the key, and this user perhaps not. */
  readonly needsKey?: boolean;
  /** False: neither the password's file nor how the directories lie to each other is looked at: one may not answer. */
  readonly looks?: boolean;
}

export function loadConfig(
  path: string,
  environment: NodeJS.ProcessEnv,
  machineName: string,
  { needsKey = true, looks = true }: Leniency = {},
): LoadedConfig {
  const groupOf = askingOnce();
  const looking = looks ? { placeOf, passwordFileProblem } : { placeOf: null, passwordFileProblem: null };
  const machine = { environment, machineName, needsKey, groupOf, ...looking };
  const read = readConfig(resolve(path), machine);
  return read.ok ? { ok: true, config: read.config } : read;
}

/** What a file is read with. */
export type Machine = Omit<Surroundings, 'directory'>;

export type ReadConfig =
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }
  | {
      readonly ok: true;
      readonly config: Config;
      readonly checked: CheckedFile;
      readonly given: unknown;
      readonly locate: ConfigDocument['locate'];
    };

/** @param file absolute */
export function readConfig(file: string, machine: Machine): ReadConfig {
  const read = readConfigFile(file);
  if ('unreadable' in read)
    return { ok: false, problems: [{ file, line: null, column: null, where: '', what: read.unreadable }] };

  const { value, flaws, locate } = parseConfigText(read.text);
  const problems: ConfigProblem[] = flaws.map((flaw) => ({
    file,
    where: flaw.line === null ? '' : inYaml,
    ...flaw,
  }));
  if (value === undefined) return { ok: false, problems };

  const { config, checked, findings } = configFrom(value, file, machine);
  for (const { path: at, what, atKey, mayPass } of findings) {
    const problem = { file, ...locate(at, atKey ?? false), where: describePath(at), what };
    problems.push(mayPass === true ? { ...problem, mayPass } : problem);
  }
  if (problems.length > 0 || config === null || checked === null)
    return { ok: false, problems: problems.toSorted(byPlace) };
  return { ok: true, config, checked, given: value, locate };
}

/** What a file says, checked and completed. `checked` alone: it is well-formed, and something does not agree with the rest. */
export function configFrom(
  given: unknown,
  file: string,
  machine: Machine,
): {
  readonly config: Config | null;
  readonly checked: CheckedFile | null;
  readonly findings: readonly Finding[];
} {
  const around: Surroundings = { directory: dirname(file), ...machine };
  const result = checkSchema(configSchema, given);
  const findings = [...('findings' in result ? result.findings : []), ...crossChecks(given, around)];
  const checked = 'findings' in result ? null : result.checked;
  const config = checked === null || findings.length > 0 ? null : assemble(checked, file, given, around);
  return { config, checked, findings };
}

/** Where a problem is whose key nobody can tell: the text is no YAML, or not only YAML of ours. */
const inYaml = 'yaml';

function byPlace(one: ConfigProblem, other: ConfigProblem): number {
  return (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0);
}

function assemble(checked: CheckedFile, file: string, given: unknown, around: Surroundings): Config {
  const stateDir = resolve(around.directory, checked.state_dir);
  const host = checked.host ?? around.machineName;
  return {
    file,
    given,
    stateDir,
    host,
    platform: assemblePlatform(checked.platform, stateDir, around),
    http: assembleHttp(checked.http, around.directory),
    control: assembleControl(checked.control, stateDir, around),
    logLevel: checked.log.level,
    shutdownDeadlineMs: checked.shutdown_deadline,
    historyKeepMs: checked.history.keep === 'forever' ? null : checked.history.keep,
    dropRoots: checked.drop_roots.map((root) => assembleRoot(root, around.directory)),
  };
}

function assemblePlatform(
  checked: CheckedFile['platform'],
  stateDir: string,
  { directory, environment }: Surroundings,
): PlatformConfig {
  const { kind, api_key_file: keyFile, stand_in: standIn } = checked;
  return {
    kind,
    endpoint: kind === 'nextmv' ? checked.endpoint : null,
    consoleUrl: checked.console,
    apiKey:
      kind === 'nextmv' ? apiKey(keyFile == null ? null : resolve(directory, keyFile), environment) : null,
    caFile: kind !== 'nextmv' || checked.ca_file == null ? null : resolve(directory, checked.ca_file),
    proxy: kind === 'nextmv' ? (checked.proxy ?? null) : null,
    uploadsAtOnce: checked.limits.uploads_at_once,
    runsPerSecond: limitOf(checked.limits.runs_per_second, kind, 5),
    requestsPerMinute: limitOf(checked.limits.requests_per_minute, kind, 2_000),
    absentAfterMs: checked.reconcile.absent_after,
    then: checked.reconcile.then,
    standIn: {
      port: standIn.port,
      dataDir: standIn.data == null ? join(stateDir, 'stand-in') : resolve(directory, standIn.data),
      apps: standIn.apps ?? null,
    },
  };
}

function assembleHttp(checked: CheckedFile['http'], directory: string): HttpConfig {
  const { listen, names, access, password_file: passwordFile } = checked;
  return {
    access,
    passwordFile: access !== 'password' || passwordFile == null ? null : resolve(directory, passwordFile),
    listen: listen?.kind === 'unix' ? { kind: 'unix', path: resolve(directory, listen.path) } : listen,
    names,
  };
}

function assembleControl(
  { group: name, directory: shared }: CheckedFile['control'],
  stateDir: string,
  { directory, groupOf }: Surroundings,
): ControlConfig {
  if (name == null) return { group: null, directory: stateDir };
  const answer = groupOf(name);
  // The checks have had the same answer.
  if (answer.kind !== 'known') throw new Error(`the number of the group "${name}" is not known`);
  return { group: { name, number: answer.number }, directory: resolve(directory, shared) };
}

/** In the file 0 means that there is no limit; the stand-in has none by itself. */
function limitOf(
  given: number | null | undefined,
  kind: PlatformConfig['kind'],
  usual: number,
): number | null {
  const limit = given ?? (kind === 'nextmv' ? usual : 0);
  return limit === 0 ? null : limit;
}

/** A key that was there a moment ago, when the checks looked, may be gone now: then the platform's answer will say so. */
function apiKey(keyFile: string | null, environment: NodeJS.ProcessEnv): ApiKeySource | null {
  const found = findApiKey(keyFile, environment);
  return 'source' in found ? found.source : null;
}

function assembleRoot(root: CheckedFile['drop_roots'][number], directory: string): DropRootConfig {
  const path = resolve(directory, root.path);
  return {
    path,
    name: root.name ?? basename(path),
    app: root.app,
    allowAppIds: root.allow_app_id,
    instance: root.instance ?? null,
    quietMs: root.quiet ?? defaultQuietMs(root),
    deadlineMs: root.deadline,
    marker: root.marker ?? null,
    isMetaOptional: root.meta === 'optional',
    scanEveryMs: root.scan_every,
    auditEveryMs: root.audit_every,
    depth: root.depth,
    backfill:
      typeof root.backfill === 'string'
        ? { kind: root.backfill }
        : { kind: 'since', sinceMs: root.backfill.since },
    files: {
      input: root.files.input == null ? defaultFileNames.input : [root.files.input],
      output: root.files.output == null ? defaultFileNames.output : [root.files.output],
      log: root.files.log,
      meta: root.files.meta,
    },
    limits: {
      fileBytesMax: root.limits.file_bytes,
      folderFilesMax: root.limits.folder_files,
      jsonDepthMax: root.limits.json_depth,
    },
    runName: root.run_name,
    infeasible: root.infeasible,
    enrich: root.enrich,
    resultsDir: root.result === inFolder ? null : resolve(directory, root.result),
    archive:
      root.after === 'keep'
        ? null
        : { path: resolve(directory, root.after.archive), graceMs: root.after.grace },
    options: Object.fromEntries(
      Object.entries(root.options).map(([name, value]) => [name, optionText(value)]),
    ),
    ignore: root.ignore,
  };
}

/** Without a file that is written last, only a long silence tells that a solver is done. */
function defaultQuietMs({ meta, marker }: CheckedFile['drop_roots'][number]): number {
  return meta === 'optional' && marker == null ? 60_000 : 2_000;
}

/** Options travel as texts: a text as it is, everything else as its JSON. */
function optionText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
