/**
 * Where key, endpoint and profile are found: in the places, and in the order, of the official SDK (contract: where the
 * SDK takes key and endpoint from). An empty value counts as none.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { parse } from 'yaml';
import { RuntrackdError } from '../core/failure.ts';
import { errorCode } from '../system/files.ts';
import { Secret } from '../system/secret.ts';

export interface ConnectionWishes {
  readonly apiKey?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly profile?: string | undefined;
}

export interface Connection {
  readonly key: Secret;
  /** With its scheme. */
  readonly endpoint: string;
  /** The team's id that goes with a login by browser; null: none is named. */
  readonly account: string | null;
  /** Whether the operating system's certificates are trusted too. */
  readonly usesSystemCertificates: boolean;
}

export const defaultEndpoint = 'https://api.cloud.nextmv.io';
const sessionByDefault = 'default';
/** What can stand in a header; a key with a line break is refused request by request. */
const visible = /^[\x21-\x7e]+$/;
/** A token that is about to expire would be refused on its way. */
const tokenMarginMs = 30_000;

/**
 * @param homeOf the user's home directory, asked for when something is looked up there: the SDK's files are in `.nextmv`
 *   below it; null: the user has none
 * @param nowMs wall clock in ms, to tell whether a login has expired
 * @throws RuntrackdError naming what is missing and where it can be put
 */
export function findConnection(
  wishes: ConnectionWishes,
  environment: NodeJS.ProcessEnv,
  homeOf: () => string | null,
  nowMs: number,
): Connection {
  const file = new ConfigFile(homeOf);
  const name = filled(environment['NEXTMV_PROFILE']) ?? filled(wishes.profile) ?? null;
  const profile = name === null || name.toLowerCase() === 'default' ? null : name;
  const given = {
    key: filled(wishes.apiKey) ?? filled(environment['NEXTMV_API_KEY']),
    endpoint: filled(wishes.endpoint) ?? filled(environment['NEXTMV_ENDPOINT']),
  };
  const isPkce = given.key === undefined && file.value(profile, 'auth_type') === 'pkce';
  const key = given.key ?? (isPkce ? undefined : file.value(profile, 'apikey'));
  const endpoint = given.endpoint === undefined ? undefined : withScheme(given.endpoint);
  const systemCerts = ['1', 'true', 'yes'].includes(
    (environment['NEXTMV_SYSTEM_CERTS'] ?? '').trim().toLowerCase(),
  );
  if (profile !== null) checkProfile(file, profile, given, isPkce);
  if (key === undefined && !isPkce) throw noKey(file);
  // With a key in hand, a home that is somebody else's is in the way of nobody.
  const isOutOfReach = given.key !== undefined && profile === null && file.isClosedOff();
  const secret = key ?? browserToken(file.directory, file.value(profile, 'auth_session'), nowMs);
  if (!visible.test(secret))
    throw missing(
      'the API key has characters in it that no key has',
      'Look for a blank or a line break at its end, and for quotes that are no ASCII.',
    );
  return {
    key: new Secret(secret),
    endpoint: endpoint ?? httpsEndpoint(isOutOfReach ? undefined : file.value(profile, 'endpoint')),
    account: isPkce ? (file.value(profile, 'team_id') ?? null) : null,
    usesSystemCertificates: systemCerts || file.valueIfReadable(profile, 'system_certs') === 'true',
  };
}

/** `~/.nextmv/config.yaml`, read when something is looked up in it, so that whoever needs nothing of it need not have it. */
class ConfigFile {
  readonly #homeOf: () => string | null;
  #content: Record<string, unknown> | undefined;

  constructor(homeOf: () => string | null) {
    this.#homeOf = homeOf;
  }

  /** As a person would write it where there is no home; nothing is looked up there then. */
  get directory(): string {
    return join(this.#homeOf() ?? '~', '.nextmv');
  }

  get path(): string {
    return join(this.directory, 'config.yaml');
  }

  /** Whether nobody can tell if it is there, because a directory on the way to it is closed to this user. */
  isClosedOff(): boolean {
    if (this.#homeOf() === null) return false;
    try {
      lstatSync(this.path);
      return false;
    } catch (error) {
      return errorCode(error) === 'EACCES';
    }
  }

  /** A value of a profile as text; of the top level without one. */
  value(profile: string | null, name: string): string | undefined {
    const values = profile === null ? this.#read() : this.#read()[profile];
    const value = isObject(values) ? values[name] : undefined;
    return typeof value === 'string' || typeof value === 'boolean' ? filled(String(value)) : undefined;
  }

  /** The same where the file is only looked at in passing: a broken one is in the way of nobody who needs nothing of it. */
  valueIfReadable(profile: string | null, name: string): string | undefined {
    try {
      return this.value(profile, name);
    } catch (error) {
      if (error instanceof RuntrackdError) return undefined;
      throw error;
    }
  }

  has(profile: string): boolean {
    return isObject(this.#read()[profile]);
  }

  #read(): Record<string, unknown> {
    if (this.#content !== undefined) return this.#content;
    const text = this.#homeOf() === null ? null : textOf(this.path);
    let content: unknown = {};
    try {
      if (text !== null) content = parse(text);
    } catch {
      // The parser's message would repeat lines of the file, and keys are in them.
      throw missing(`${this.path} cannot be read as YAML`, 'Mend the file, or remove it and log in again.');
    }
    this.#content = isObject(content) ? content : {};
    return this.#content;
  }
}

/** Null where there is no such file. @throws RuntrackdError where there is one that this user cannot read */
function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw missing(
      `${path} cannot be read (${code})`,
      'Let this user read it, or give key and endpoint without it: apiKey and endpoint, or NEXTMV_API_KEY and NEXTMV_ENDPOINT.',
    );
  }
}

/** A named profile stands for itself: what it lacks is not taken from the top level. */
function checkProfile(
  file: ConfigFile,
  profile: string,
  given: { readonly key: string | undefined; readonly endpoint: string | undefined },
  isPkce: boolean,
): void {
  if (given.key !== undefined && given.endpoint !== undefined) return;
  if (!file.has(profile))
    throw missing(
      `${file.path} has no profile "${profile}"`,
      'Name a profile of that file, or set NEXTMV_PROFILE.',
    );
  for (const [name, isGiven] of [
    ['apikey', given.key !== undefined || isPkce],
    ['endpoint', given.endpoint !== undefined],
  ] as const) {
    if (!isGiven && file.value(profile, name) === undefined)
      throw missing(`profile "${profile}" of ${file.path} has no ${name}`, `Put ${name} into the profile.`);
  }
}

/** What a login by browser has left behind. Nothing is renewed here: that is the official tools' part. */
function browserToken(directory: string, session: string | undefined, nowMs: number): string {
  const sessions = join(directory, 'auth');
  const path = resolve(sessions, session ?? sessionByDefault, 'tokens.json');
  const again = 'Log in again with the official command line, or use an API key: NEXTMV_API_KEY.';
  if (!path.startsWith(sessions + sep)) throw missing('auth_session leads out of the login directory', again);
  const text = textOf(path);
  let tokens: unknown;
  try {
    if (text !== null) tokens = JSON.parse(text);
  } catch {
    throw missing(`there is no login in ${path}`, again);
  }
  const { id_token: token, expires_at: expiry } = isObject(tokens) ? tokens : {};
  if (typeof token !== 'string' || token === '') throw missing(`there is no login in ${path}`, again);
  const expiresMs = typeof expiry === 'string' ? Date.parse(expiry) : Number.NaN;
  if (expiresMs - tokenMarginMs <= nowMs) throw missing(`the login in ${path} has expired`, again);
  return token;
}

function withScheme(endpoint: string): string {
  return /^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`;
}

function httpsEndpoint(host: string | undefined): string {
  return host === undefined ? defaultEndpoint : `https://${host.replace(/^https?:\/\//, '')}`;
}

function noKey(file: ConfigFile): RuntrackdError {
  return missing(
    'there is no API key',
    `Give it as apiKey, in NEXTMV_API_KEY, or as apikey in ${file.path}.`,
  );
}

function missing(text: string, hint: string): RuntrackdError {
  return new RuntrackdError({ class: 'no-key', text, hint, reach: 'platform' });
}

/** What is no text has been put there by mistake, and is not taken for the lack of one. */
function filled(value: string | undefined): string | undefined {
  if (value !== undefined && typeof value !== 'string')
    throw missing('apiKey, endpoint or profile is no text', 'Give it as a text, or leave it out.');
  return value === '' ? undefined : value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
