/**
 * A failure is what went wrong, said twice: a class for scripts and a sentence for a person, with what to do next.
 * Its reach says whom it concerns: a refused run concerns that run, a refused key concerns everybody.
 */

import { scrub } from './scrub.ts';

/**
 * Storage is the platform's own for the bytes of artefacts: its trouble stops uploads, and nothing else. The link is what
 * uploads share: one that was too slow beside others is tried again beside fewer. Results are those
 * whose folders do not take them: where the state directory does not either, they wait, and nobody else does.
 */
export type Reach = 'run' | 'app' | 'link' | 'storage' | 'results' | 'platform';

export interface Failure {
  /** Kebab-case, stable: scripts and dashboards hang on it. */
  readonly class: string;
  /** One sentence: what happened, to what. No secret, no signed URL. */
  readonly text: string;
  /** What a person can do about it. */
  readonly hint: string;
  readonly reach: Reach;
  /** The HTTP status that said so, if one did. */
  readonly status?: number;
  /** The server's wish for how long to wait, in ms: a floor, never shortened. */
  readonly retryAfterMs?: number;
  /** The run that was made before this went wrong, if one was. */
  readonly runId?: string;
}

/** The class of a refusal that says nothing but "one too many" (429): the pace narrows, and nobody is to blame. */
export const rateLimited = 'rate-limited';

export const platformTrouble = 'platform-trouble';
export const unreadableAnswer = 'unreadable-answer';
/** Storage said no to the bytes of one run, or it says no to all. */
export const storageRefused = 'storage-refused';
/** An upload took longer than the id lives that it was made under. */
export const linkTooSlow = 'link-too-slow';
/** No answer came. */
export const unreachable = 'unreachable';
/** The key is not accepted (401): not at all, or not for this app. */
export const keyRefused = 'key-refused';

/**
 * It looks like trouble of the platform, and may be about one thing alone: a run that the server stumbles over, an app's
 * list, an app of which no question is answered. Whether it is, is told by whatever else is asked.
 */
export function mayBeOfOneAlone({ class: what }: Pick<Failure, 'class'>): boolean {
  return what === platformTrouble || what === unreadableAnswer || what === unreachable;
}

/** Likewise of one app: a key that another app accepts is the platform's no more. */
export function mayBeOfOneApp(failure: Pick<Failure, 'class'>): boolean {
  return mayBeOfOneAlone(failure) || failure.class === keyRefused;
}

/** The part of a failure that is kept with a run and shown. */
export interface Reason {
  readonly class: string;
  readonly text: string;
}

export function reasonOf(failure: Failure): Reason {
  return { class: failure.class, text: failure.text };
}

/**
 * An error that somebody named: it concerns a run, an app or the platform, and is not a bug. The library throws no other.
 * What caused it is kept as text only: the errors of the network carry requests, and these carry keys.
 */
export class RuntrackdError extends Error {
  /** @internal */
  readonly failure: Failure;

  /** @internal */
  constructor(failure: Failure, options?: { cause?: unknown }) {
    super(failure.text, options?.cause === undefined ? {} : { cause: withoutSecrets(options.cause, 0) });
    this.name = 'RuntrackdError';
    this.failure = failure;
  }

  /** Kebab-case and stable, for programs: `key-refused`, `app-not-found`, `outcome-unknown`, … */
  get reason(): string {
    return this.failure.class;
  }

  /** What a person can do about it, as one sentence. */
  get hint(): string {
    return this.failure.hint;
  }

  /** The run that was recorded before this went wrong: do not track it again, ask for its result. */
  get runId(): string | undefined {
    return this.failure.runId;
  }

  /** The HTTP status that said so; undefined where none did. */
  get status(): number | undefined {
    return this.failure.status;
  }
}

/** A chain of causes that is longer says nothing new. */
const causesMax = 5;

function withoutSecrets(error: unknown, depth: number): unknown {
  if (error instanceof RuntrackdError || depth >= causesMax) return undefined;
  if (!(error instanceof Error)) return scrub(String(error));
  const cause = error.cause === undefined ? undefined : withoutSecrets(error.cause, depth + 1);
  const plain = new Error(scrub(error.message), cause === undefined ? {} : { cause });
  plain.name = error.name;
  plain.stack = scrub(error.stack ?? '');
  return 'code' in error && typeof error.code === 'string'
    ? Object.assign(plain, { code: error.code })
    : plain;
}
