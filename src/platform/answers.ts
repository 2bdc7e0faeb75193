/** What an answer of the platform means. Pure: the status and a few words in, a decision out. */
import {
  keyRefused,
  platformTrouble,
  rateLimited,
  unreachable,
  unreadableAnswer,
  type Failure,
} from '../core/failure.ts';

/** What was asked for, as a sentence needs it ("asking for an upload URL"). */
export interface Asked {
  readonly what: string;
  readonly app: string | null;
  /** What memory may hold of the answer, in bytes, where it is not the usual. */
  readonly bytesMax?: number;
}

/** @param excerpt the beginning of the answer's body, for a person; never parsed */
export function failureOfStatus(
  asked: Asked,
  status: number,
  retryAfterMs: number | undefined,
  excerpt: string,
): Failure {
  const said = excerpt === '' ? '' : `: ${excerpt}`;
  const base = { status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  const of = asked.app === null ? '' : ` for app "${asked.app}"`;
  if (status === 401) {
    return {
      ...base,
      class: keyRefused,
      text: `the platform does not accept the API key (401, ${asked.what})`,
      hint: 'Put a valid key in place (platform.api_key_file or its like); it is read again by itself.',
      reach: 'platform',
    };
  }
  if (status === 403) {
    return {
      ...base,
      class: 'app-forbidden',
      text: `the API key may not do this${of} (403, ${asked.what})${said}`,
      hint: 'Give the key access to the app in the console; delivery goes on by itself.',
      reach: 'app',
    };
  }
  if (status === 404 && asked.app !== null) {
    return {
      ...base,
      class: 'app-not-found',
      text: `the platform knows no such thing${of} (404, ${asked.what})${said}`,
      hint: 'Check `app` and `instance` of the drop root against the console.',
      reach: 'app',
    };
  }
  if (status === 404) {
    return {
      ...base,
      class: 'not-found',
      text: `the platform knows nothing of it (404, ${asked.what})${said}`,
      hint: 'Look for it in the console: it may have been deleted, or belong to another app or account.',
      reach: 'run',
    };
  }
  if (status === 429) {
    return {
      ...base,
      class: rateLimited,
      text: `the platform asks to slow down (429, ${asked.what})`,
      hint: 'Nothing to do: it goes on by itself.',
      reach: 'platform',
    };
  }
  if (status >= 500 || status === 408 || status === 425) {
    return {
      ...base,
      class: platformTrouble,
      text: `the platform is in trouble (${status}, ${asked.what})${said}`,
      hint: 'Nothing to do: it is tried again until it works.',
      reach: 'platform',
    };
  }
  if (status < 400 || status === 407 || status === 511) {
    return {
      ...base,
      class: 'intercepted',
      text: `something in between answers for the platform (${status}, ${asked.what})`,
      hint: 'Look for a proxy or a sign-in page on the way, and check platform.endpoint.',
      reach: 'platform',
    };
  }
  return {
    ...base,
    class: 'refused',
    text: `the platform refused ${asked.what} (${status})${said}`,
    hint: 'Mend what it complains about; what is parked goes on with `runtrackd retry`.',
    // What names an app and no run yet says nothing of any run.
    reach: asked.app === null ? 'run' : 'app',
  };
}

export function failureOfConnection(asked: Asked, what: string): Failure {
  return {
    class: unreachable,
    text: `the platform cannot be reached (${asked.what}): ${what}`,
    hint: 'Check the network and platform.endpoint; delivery goes on by itself.',
    reach: 'platform',
  };
}

export function failureOfContent(asked: Asked, what: string): Failure {
  return {
    class: unreadableAnswer,
    text: `the platform’s answer could not be understood (${asked.what}): ${what}`,
    hint: 'Is platform.endpoint the Nextmv API, with no proxy page in between?',
    reach: 'platform',
  };
}

/** What the answer to `POST /runs` says of whether a run was made. */
export function createVerdict(
  status: number,
  hasRunId: boolean,
): 'made' | 'nothingMade' | 'refused' | 'unclear' {
  if (status >= 200 && status < 300) return hasRunId ? 'made' : 'unclear';
  switch (status) {
    case 401:
    case 403:
    case 429:
      return 'nothingMade';
    case 400:
    case 404:
    case 410:
    case 413:
    case 415:
    case 422:
      return 'refused';
    default:
      return 'unclear';
  }
}

/** `Retry-After` in seconds or as a date. @returns whole ms from now; undefined when absent or senseless */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const ms = header.trim() !== '' && Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - nowMs;
  // A day: a server that asks for more is mistaken, and a person should not have to wait for it.
  return Number.isFinite(ms) && ms > 0 ? Math.min(Math.ceil(ms), 24 * 3_600_000) : undefined;
}
