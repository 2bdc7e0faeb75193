/**
 * Who may see the contents of runs and press buttons. The solver host has other users, and every one of them can reach a
 * port on loopback: without proof they get health and counts.
 *
 * The proof is a link with a key that is good once, which the control socket hands out to those who may open it, or a
 * password. Either is exchanged for a session, which lives in this process only: a restart ends them all.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { AccessMode } from '../../core/accessMode.ts';
import { passwordFileFlaw, passwordIn } from '../../core/passwordFile.ts';
import type { Clock } from '../../system/clock.ts';
import { errorCode } from '../../system/files.ts';
import { Rate } from './rates.ts';

/** A link is opened at once, or asked for again. */
const linkMsMax = 10 * 60_000;
/** A working day. */
export const sessionMsMax = 12 * 3_600_000;
/** The oldest go first; more people do not look at one host. */
const linksMax = 20;
const sessionsMax = 100;
/** Attempts at the password: so many at once, then one every so often, from whomever they come. */
const attempts = { atOnce: 10, perSecond: 1 / 6 };

export type Entered =
  | { readonly kind: 'session'; readonly token: string }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'throttled'; readonly waitMs: number }
  /** Not this person's fault; the text is for the daemon's log. */
  | { readonly kind: 'unusable'; readonly why: string };

export class Sessions {
  readonly mode: AccessMode;
  /** Cookies know no ports: two daemons of one host must not overwrite each other's. */
  readonly cookie = `runtrackd-${randomBytes(4).toString('hex')}`;
  readonly #passwordFile: string | null;
  readonly #clock: Clock;
  /** What was handed out is kept as its digest: looking one up takes as long for a near miss as for any other. */
  readonly #links = new Map<string, number>();
  readonly #sessions = new Map<string, number>();
  readonly #attempts: Rate;

  constructor(mode: AccessMode, passwordFile: string | null, clock: Clock) {
    this.mode = mode;
    this.#passwordFile = passwordFile;
    this.#clock = clock;
    this.#attempts = new Rate(attempts.atOnce, attempts.perSecond, clock);
  }

  /** @returns the key of a link, good once and for some minutes */
  newKey(): string {
    return this.#add(this.#links, linkMsMax, linksMax);
  }

  /** @returns the token of a session; null: there is no such link, or it was used, or it is too old */
  redeem(key: string): string | null {
    const isGood = this.#isIn(this.#links, key);
    this.#links.delete(digestOf(key));
    return isGood ? this.#newSession() : null;
  }

  async enter(password: string): Promise<Entered> {
    const waitMs = this.#attempts.take();
    if (waitMs > 0) return { kind: 'throttled', waitMs };
    if (this.#passwordFile === null) return { kind: 'unusable', why: 'there is no http.password_file' };
    const kept = await readPassword(this.#passwordFile);
    if ('unusable' in kept) return { kind: 'unusable', why: kept.unusable };
    // Digests are of one length: how long it takes tells nothing of how much was right.
    const isRight = timingSafeEqual(sha256(password), sha256(kept.password));
    return isRight ? { kind: 'session', token: this.#newSession() } : { kind: 'wrong' };
  }

  isMember(token: string | undefined): boolean {
    return this.mode === 'open' || (token !== undefined && this.#isIn(this.#sessions, token));
  }

  end(token: string): void {
    this.#sessions.delete(digestOf(token));
  }

  #newSession(): string {
    return this.#add(this.#sessions, sessionMsMax, sessionsMax);
  }

  #add(where: Map<string, number>, msMax: number, countMax: number): string {
    const token = randomBytes(32).toString('base64url');
    where.set(digestOf(token), this.#clock.monotonicMs() + msMax);
    const [oldest] = where.keys();
    if (where.size > countMax && oldest !== undefined) where.delete(oldest);
    return token;
  }

  #isIn(where: ReadonlyMap<string, number>, token: string): boolean {
    const untilMs = where.get(digestOf(token));
    return untilMs !== undefined && this.#clock.monotonicMs() < untilMs;
  }
}

/** Each time afresh, so that a new password is in force at once. */
async function readPassword(path: string): Promise<{ password: string } | { unusable: string }> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      const look = { isFile: stats.isFile(), mode: stats.mode, sizeBytes: stats.size };
      const flaw = passwordFileFlaw(look);
      if (flaw !== null) return { unusable: `${path} ${flaw}` };
      const password = passwordIn(await file.readFile('utf8'));
      return password === null ? { unusable: `${path} is empty` } : { password };
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return { unusable: `${path} cannot be read (${code})` };
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function digestOf(token: string): string {
  return sha256(token).toString('base64');
}
